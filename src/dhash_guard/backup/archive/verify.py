"""Reads a backup whole and says everything that is wrong with it."""

from __future__ import annotations

import hashlib
import io
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from attrs import define, field, frozen

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.manifest import HEADER_CAP, Header, Kind, Member, read_header
from dhash_guard.backup.archive.reader import BLOCK, Archive, Portion, opened, unpacked
from dhash_guard.backup.archive.structure import (
    Look,
    Placed,
    closing_problems,
    header_problems,
    look,
    missing_roots,
    same_names,
    torn,
)
from dhash_guard.backup.catalog import facts_of, path_of
from dhash_guard.backup.foreign.catalogue import form_of, verify_foreign
from dhash_guard.backup.names import MANIFEST, SUMS
from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.backup import BackupFacts, Verification
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine
from dhash_guard.system.workers import in_order

_SHOWN = 50


def verify(machine: Machine, layout: Layout, backup: BackupFacts | Path) -> Verification:
    """Compare the archive with its checksum file and every member with the manifest; all problems are collected.

    Raise CannotTell where the archive or its checksum file is missing: nothing to verify is no success.
    """
    path = path_of(layout, backup) if isinstance(backup, BackupFacts) else layout.root / backup
    if not path.is_file():
        raise CannotTell("there is no backup to verify", where=str(path))
    name = facts_of(layout, path).name
    if (form := form_of(path)) is not None:
        return verify_foreign(layout, path, form, name, chosen(machine.environ))
    try:
        expected = sidecar.read(path)
    except Damaged as problem:
        return Verification(name=name, sha256=archive_sha256(path), members=0, bytes_read=0, problems=(problem.what,))
    try:
        with opened(path, chosen(machine.environ)) as archive:
            return examine(machine, archive, name, expected).verification
    except Damaged as problem:
        sha256 = archive_sha256(path)
        problems = (problem.what, *_disagreement(sha256, expected))
        return Verification(name=name, sha256=sha256, members=0, bytes_read=0, problems=problems)


@frozen(kw_only=True)
class Examination:
    """What reading an archive gave; the header is None where something is wrong."""

    verification: Verification
    header: Header | None = None


def examine(machine: Machine, archive: Archive, name: str, expected: str, *, contents: bool = True) -> Examination:
    """Read an open archive against the hash `expected`; without `contents`, members are not unpacked.

    Memory does not grow with the number of members.
    """
    hashing, seen, header = _Hashing(archive), _Seen(), None
    try:
        with archive.sound():
            header = archive.header()
            seen.problems += header_problems(header)
            if not seen.problems:
                _all_portions(machine, archive, header, seen, contents=contents, meanwhile=hashing)
                seen.conclude(archive, header)
    except Damaged as problem:
        seen.problems.append(problem.what)
    sha256 = hashing.result()
    problems = [*_disagreement(sha256, expected), *seen.problems]
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    verification = Verification(
        name=name, sha256=sha256, members=seen.members, bytes_read=seen.size, problems=(*problems[:_SHOWN], *more)
    )
    return Examination(verification=verification, header=header if verification.ok else None)


def _disagreement(sha256: str, expected: str) -> list[str]:
    return [] if sha256 == expected else [f"the archive's sha256 is {sha256}, its checksum file says {expected}"]


def archive_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hex digits; raise CannotTell where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as problem:
        raise CannotTell(f"the backup cannot be read: {problem.strerror}", where=str(path)) from problem
    return digest.hexdigest()


class _Sight(NamedTuple):
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
class _Examiner:
    """Looks at portions of one archive."""

    archive: Archive
    header: Header
    contents: bool

    def __call__(self, portion: Portion, slab: memoryview) -> _Sight:
        seen, found = Look(), _Found()
        try:
            for placed in look(self.archive, self.header, portion, seen):
                found.add(placed.member)
                if placed.member.kind is Kind.LINK or (self.contents and placed.member.kind is Kind.FILE):
                    self._check(placed, seen)
        except ValueError as problem:
            seen.problems.append(str(problem))
        roots = {root.path for root in self.header.roots}.intersection(found.paths)
        return _Sight(
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


_BUCKETS = 16


@define
class _Seen:
    """Everything that was seen of an archive, in little room."""

    members: int = 0
    size: int = 0
    problems: list[str] = field(factory=list)
    torn: bool = False
    _roots: set[str] = field(factory=set)
    _folds: list[array[int]] = field(factory=lambda: [array("q") for _ in range(_BUCKETS)])

    def add(self, sight: _Sight) -> None:
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


def _all_portions(
    machine: Machine, archive: Archive, header: Header, seen: _Seen, *, contents: bool, meanwhile: Callable[[], None]
) -> None:
    """Look at every member, and compare the checksums inside with the manifest."""
    seen.problems += closing_problems(archive)
    text = archive.text(archive.manifest)
    first = text.readline(HEADER_CAP)
    read_header(first)
    digest = hashlib.sha256(first)

    def portions() -> Iterator[Portion]:
        for portion in archive.portions(text):
            for line in portion.lines:
                digest.update(line)
            yield portion

    sums = archive.text(archive.sums) if archive.sums is not None else io.BytesIO()
    agree = True
    examiner = _Examiner(archive, header, contents)
    for sight, _ in in_order(examiner, portions(), workers=machine.workers, slab=0, meanwhile=meanwhile):
        seen.add(sight)
        machine.progress("checking" if contents else "looking into the backup", sight.end, archive.size)
        agree = agree and sums.read(len(sight.sums)) == sight.sums
    if text.readline(HEADER_CAP):
        seen.problems.append("the manifest has more lines than the archive has members")
        seen.torn = True
    last = f"{digest.hexdigest()}  {MANIFEST}\n".encode()
    if not seen.problems and not seen.torn and not (agree and sums.read(len(last) + 1) == last):
        seen.problems.append(f"{SUMS} does not agree with the manifest")


class _Hashing:
    """The hash of the whole file, worked out while others look into it; `result` does it where nobody did."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._sha256 = ""
        self._problem: Exception | None = None

    def __call__(self) -> None:
        digest, archive = hashlib.sha256(), self._archive
        try:
            for at in range(0, archive.size, BLOCK):
                digest.update(archive.read(at, min(BLOCK, archive.size - at)))
        except (OSError, ValueError) as problem:
            self._problem = problem
        else:
            self._sha256 = digest.hexdigest()

    def result(self) -> str:
        if not self._sha256 and self._problem is None:
            self()
        if self._problem is not None:
            raise CannotTell(f"the backup cannot be read: {self._problem}", where=str(self._archive.path)) from self._problem
        return self._sha256
