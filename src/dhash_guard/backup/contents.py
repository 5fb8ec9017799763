"""Touches both sides of a comparison: the members that a backup holds, and what stands at its roots now, in one order."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dhash_guard.backup.archive.examining import confirmed
from dhash_guard.backup.archive.manifest import Kind, Member
from dhash_guard.backup.archive.structure import Placed
from dhash_guard.backup.names import is_stage
from dhash_guard.backup.opening import opened_archive
from dhash_guard.backup.restoring.digest import counts
from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.layout import Layout

_BLOCK = 1 << 20


def members(layout: Layout, facts: BackupFacts) -> Iterator[Member]:
    """What a backup holds, folders before what is in them, ordered by the parts of the paths.

    Environment files and staged trees are no part of it. Raise Damaged or CannotTell where it cannot be read.
    """
    with opened_archive(layout, facts) as archive:
        tops = {root.path for root in archive.header().roots}
        for member in archive.contents():
            if counts(member.path, member.kind, root=member.path in tops):
                yield member


def roots(layout: Layout, facts: BackupFacts) -> tuple[str, ...]:
    """The paths that a restore replaces as a whole, also those that were absent when the backup was taken."""
    with opened_archive(layout, facts) as archive:
        return tuple(root.path for root in archive.header().roots)


def content_of(layout: Layout, facts: BackupFacts, member: Member) -> bytes:
    """The bytes of a file in a backup, in memory; raise Damaged where they do not have the manifest's hash."""
    with opened_archive(layout, facts) as archive, archive.sound(member.path):
        entry = next((entry for entry in archive.entries() if entry.name == member.entry), None)
        if entry is None:
            raise Damaged(f"{member.path} is not in the archive", where=facts.name)
        return b"".join(confirmed(archive, Placed(member, entry, archive.data_of(entry), None)))


def standing(layout: Layout, paths: Iterable[str]) -> Iterator[Member]:
    """What stands at these roots now, in the order of `members`, without reading any file: `sha256` is empty.

    Environment files are among it, because a restore that takes their folder away takes them along (`blast.going_along`).
    Sockets, devices and pipes have the kind ABSENT. What vanishes meanwhile is left out. Raise CannotTell naming what
    cannot be looked at.
    """
    for path in sorted(paths, key=lambda path: path.split("/")):
        yield from _below(layout.root, path)


def sha256_of(layout: Layout, path: str, seen: Callable[[int], object]) -> str:
    """The sha256 of a file as it stands now, `seen` told the bytes of each block; empty where it has vanished."""
    digest = hashlib.sha256()
    try:
        with (layout.root / path).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                seen(len(block))
    except FileNotFoundError:
        return ""
    except OSError as problem:
        raise CannotTell(f"it cannot be read: {problem.strerror}", where=path) from problem
    return digest.hexdigest()


def _below(project: Path, top: str) -> Iterator[Member]:
    waiting = [top]  # the next one last, so that memory holds one listing for each level
    while waiting:
        path = waiting.pop()
        member = _member(project, path)
        if member is None:
            continue
        yield member
        if member.kind is Kind.DIRECTORY:
            waiting += (f"{path}/{name}" for name in reversed(_names(project / path)))


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if not is_stage(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise CannotTell(f"it cannot be looked at: {problem.strerror}", where=str(folder)) from problem
    return sorted(found)


def _member(project: Path, path: str) -> Member | None:
    location = project / path
    try:
        status = location.lstat()
        link = os.readlink(location) if stat.S_ISLNK(status.st_mode) else ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise CannotTell(f"it cannot be looked at: {problem.strerror}", where=path) from problem
    kind = _kind(status.st_mode)
    size = status.st_size if kind is Kind.FILE else 0
    return Member(path=path, kind=kind, size=size, mode=stat.S_IMODE(status.st_mode), mtime_ns=status.st_mtime_ns, link=link)


def _kind(mode: int) -> Kind:
    if stat.S_ISLNK(mode):
        return Kind.LINK
    if stat.S_ISDIR(mode):
        return Kind.DIRECTORY
    return Kind.FILE if stat.S_ISREG(mode) else Kind.ABSENT


def out_of_order(problem: ValueError) -> Damaged:
    """A manifest whose members are in no order that can be compared."""
    return Damaged(f"the backup and the project cannot be compared: {problem}")
