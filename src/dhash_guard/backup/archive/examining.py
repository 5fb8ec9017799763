"""Looks at the members of an archive, portion by portion, and adds up what was seen."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from attrs import define, field, frozen

from dhash_guard.backup.archive.inflating import BLOCK, unpacked
from dhash_guard.backup.archive.manifest import Header, Kind, Member
from dhash_guard.backup.archive.reader import Archive, Portion
from dhash_guard.backup.archive.structure import Look, Placed, look, missing_roots, same_names, torn
from dhash_guard.errors import Damaged

_BUCKETS = 16
"""Parts in which hashes of names are compared, so that a million of them never lie in one set."""


class Sight(NamedTuple):
    """What a worker saw in a portion."""

    members: int
    size: int
    problems: tuple[str, ...]
    folds: array[int]
    torn: bool
    roots: tuple[str, ...]
    sums: bytes
    end: int


@frozen
class Examiner:
    """Looks at portions of one archive."""

    archive: Archive
    header: Header
    contents: bool

    def __call__(self, portion: Portion, slab: memoryview) -> Sight:
        seen, found = Look(), _Found()
        try:
            for placed in look(self.archive, self.header, portion, seen):
                found.add(placed.member)
                if placed.member.kind is Kind.LINK or (self.contents and placed.member.kind is Kind.FILE):
                    self._check(placed, seen)
        except ValueError as problem:
            seen.problems.append(str(problem))
        roots = {root.path for root in self.header.roots}.intersection(found.paths)
        return Sight(
            len(found.paths),
            found.size,
            tuple(seen.problems),
            seen.folds,
            seen.torn,
            tuple(roots),
            "".join(found.sums).encode(),
            portion.end,
        )

    def _check(self, placed: Placed, seen: Look) -> None:
        try:
            check(self.archive, placed)
        except Damaged as problem:
            seen.problems.append(problem.what)


@define
class _Found:
    """What the members of a portion add up to."""

    size: int = 0
    paths: list[str] = field(factory=list)
    sums: list[str] = field(factory=list)

    def add(self, member: Member) -> None:
        self.paths.append(member.path)
        self.size += member.size
        if member.kind is Kind.FILE:
            self.sums.append(f"{member.sha256}  {member.path}\n")


def check(archive: Archive, placed: Placed) -> None:
    """Read a file or a link whole; raise Damaged where it is not what the manifest says."""
    if placed.member.kind is Kind.LINK and placed.member.size > BLOCK:
        raise Damaged(f"{placed.member.path} is far too long for a link", where=str(archive.path))
    content = [bytes(block) for block in confirmed(archive, placed) if placed.member.kind is Kind.LINK]
    if placed.member.kind is Kind.LINK and b"".join(content) != placed.member.link.encode("utf-8"):
        raise Damaged(f"{placed.member.path} does not point where the manifest says", where=str(archive.path))


def confirmed(archive: Archive, placed: Placed) -> Iterator[bytes | memoryview]:
    """The bytes of a member in blocks; raise Damaged naming it where they are not what manifest and directory say, at the
    first byte too many and else behind the last."""
    member, entry = placed.member, placed.entry
    packed: Iterable[bytes | memoryview]
    packed = (placed.data,) if placed.data is not None else archive.packed(entry, placed.at)
    digest, crc, left = hashlib.sha256(), 0, member.size
    with archive.sound(member.path):
        for block in unpacked(archive.deflate, entry, packed):
            if len(block) > left:
                raise Damaged(f"{member.path} is larger than the manifest says", where=str(archive.path))
            digest.update(block)
            crc = archive.deflate.crc32(block, crc)
            left -= len(block)
            yield block
    if left:
        raise Damaged(f"{member.path} is shorter than the manifest says", where=str(archive.path))
    if digest.hexdigest() != member.sha256:
        raise Damaged(f"{member.path} does not have the hash of the manifest", where=str(archive.path))
    if crc != entry.crc:
        raise Damaged(f"{member.path} does not have the checksum of the zip's directory", where=str(archive.path))


@define
class Seen:
    """Everything that was seen of an archive, in little room."""

    members: int = 0
    size: int = 0
    problems: list[str] = field(factory=list)
    torn: bool = False
    _roots: set[str] = field(factory=set)
    _folds: list[array[int]] = field(factory=lambda: [array("q") for _ in range(_BUCKETS)])

    def add(self, sight: Sight) -> None:
        self.members += sight.members
        self.size += sight.size
        self.torn |= sight.torn
        self.problems += sight.problems
        self._roots.update(sight.roots)
        for fold in sight.folds:
            self._folds[fold % _BUCKETS].append(fold)

    def conclude(self, archive: Archive, header: Header) -> None:
        """Add the problems that only the whole shows."""
        if self.torn:
            self.problems += torn(archive)
        elif not self.problems:
            self.problems += missing_roots(header, frozenset(self._roots))
        if any(len(set(bucket)) != len(bucket) for bucket in self._folds):
            self.problems += same_names(archive)
