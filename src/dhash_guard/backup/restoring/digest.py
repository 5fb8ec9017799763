"""Decides when two trees are the same: by the paths, kinds, modes and hashes of their entries, in the order of archives."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import define, field, frozen

from dhash_guard.backup.archive.manifest import Header, Kind, Member
from dhash_guard.backup.archive.sources import Source
from dhash_guard.backup.walk import is_left_out, walk

# Setuid and setgid are never restored for files and may be refused for directories; Windows has no such modes.
_COMPARED = 0o1777 if os.name == "posix" else 0
_BLOCK = 1 << 20

Entry = tuple[str, str, int, str]
"""Path relative to the project, kind, comparable mode, and sha256 of the content (files) or the target (links)."""


@frozen(kw_only=True)
class RootSummary:
    """What a root holds: files, their bytes, and the digest over its entries."""

    path: str
    kind: Kind
    entries: int
    files: int
    bytes: int
    digest: str


def summaries(header: Header, members: Iterable[Member]) -> dict[str, RootSummary]:
    """One summary for each root of an archive, from its members in their order."""
    found = {root.path: _Sum() for root in header.roots}
    current = ""
    for member in members:
        if member.path in found:
            current = member.path
        found[current].add(member)
    return {
        root.path: RootSummary(
            path=root.path,
            kind=root.kind,
            entries=found[root.path].entries,
            files=found[root.path].files,
            bytes=found[root.path].bytes,
            digest=found[root.path].digest(root.path),
        )
        for root in header.roots
    }


def joined(found: Iterable[RootSummary]) -> str:
    """One digest over several roots."""
    return hashlib.sha256("".join(f"{each.path}\n{each.digest}\n" for each in found).encode()).hexdigest()


def tree_digest(project: Path, roots: Iterable[str]) -> str:
    """The digest that `joined` gives for the same roots as they stand on the disk.

    Environment files and staged trees below a root do not count, because backups leave them out. Raise OSError where
    something cannot be read.
    """
    found = []
    for root in roots:
        digest = _Digest()
        for entry in tree_entries(project, root):
            digest.add(entry)
        found.append(f"{root}\n{digest.value(root)}\n")
    return hashlib.sha256("".join(found).encode()).hexdigest()


def tree_entries(project: Path, root: str) -> Iterator[Entry]:
    """The entries of one root on the disk, in order; raise OSError where something cannot be read."""
    for source in standing(project, root):
        yield entry_on_disk(project, source)


def standing(project: Path, root: str) -> Iterator[Source]:
    """What stands at a root; raise OSError where something is there that no backup could hold, or cannot be looked at."""
    yield from walk(project, root, grows=False, problem=_raise, left_out=lambda path: None)


def entry_on_disk(project: Path, source: Source) -> Entry:
    """One entry with its content's hash."""
    if source.kind is Kind.LINK:
        return (source.path, Kind.LINK.value, 0, hashlib.sha256(os.fsencode(source.link)).hexdigest())
    mode = stat.S_IMODE(source.mode)
    if source.kind is Kind.DIRECTORY:
        return (source.path, Kind.DIRECTORY.value, mode & _COMPARED, "")
    return (source.path, Kind.FILE.value, mode & 0o777 & _COMPARED, _file_sha256(f"{project}/{source.path}"))


def entry_of(member: Member) -> Entry:
    """The entry that a restore of this member makes."""
    mode = 0 if member.kind is Kind.LINK else restorable_mode(member.kind, member.mode) & _COMPARED
    return (member.path, member.kind.value, mode, member.sha256)


def restorable_mode(kind: Kind, mode: int) -> int:
    """The permissions that a restore sets: never setuid; setgid and sticky only for folders, where they only pass on."""
    return mode & (0o3777 if kind is Kind.DIRECTORY else 0o777)


def counts(path: str, kind: Kind, *, root: bool) -> bool:
    """Whether an entry takes part in comparisons: below a root, what backups leave out does not."""
    return root or not is_left_out(path.rpartition("/")[2], kind)


class _Digest:
    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._empty = True

    def add(self, entry: Entry) -> None:
        path, kind, mode, sha256 = entry
        self._digest.update(f"{path}\n{kind} {mode:o} {sha256}\n".encode("utf-8", "surrogateescape"))
        self._empty = False

    def value(self, root: str) -> str:
        """The digest; a root that is not there counts as one entry of that kind."""
        if self._empty:
            self.add((root, Kind.ABSENT.value, 0, ""))
        return self._digest.hexdigest()


@define
class _Sum:
    entries: int = 0
    files: int = 0
    bytes: int = 0
    _digest: _Digest = field(factory=_Digest)

    def add(self, member: Member) -> None:
        self.entries += 1
        self.files += member.kind is Kind.FILE
        self.bytes += member.size if member.kind is Kind.FILE else 0
        self._digest.add(entry_of(member))

    def digest(self, root: str) -> str:
        return self._digest.value(root)


def _file_sha256(location: str) -> str:
    descriptor = os.open(location, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        digest = hashlib.sha256()
        while block := os.read(descriptor, _BLOCK):
            digest.update(block)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _raise(problem: str) -> None:
    raise OSError(problem)
