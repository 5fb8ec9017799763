"""Decides whether what an archive says of itself hangs together, before a single byte of it is used."""

from __future__ import annotations

import stat
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from attrs import define, field

from dhash_guard.backup.archive.manifest import Header, Kind, Member, Root, read_member
from dhash_guard.backup.archive.reader import SPAN, Archive, Portion
from dhash_guard.backup.archive.zipformat import DEFLATED, ENCRYPTED, STORED, Entry, read_local, read_records
from dhash_guard.backup.names import RESERVED, collisions, folded, link_problem, name_problem, overlaps

_TYPES = {Kind.FILE: stat.S_IFREG, Kind.DIRECTORY: stat.S_IFDIR, Kind.LINK: stat.S_IFLNK}
_LOCAL_CAP = 1 << 17
_END_OF_TIME = 2**63 * 10**9
"""Nanoseconds from 1970 that no system can set as the time of a file; each disk keeps less, and takes the nearest it has."""


class Placed(NamedTuple):
    """A member whose description is sound, and where the archive holds its bytes; `data` are these, if at hand."""

    member: Member
    entry: Entry
    at: int
    data: memoryview | None


@define
class Look:
    """What was seen in a portion: `folds` are hashes of the names as disks see them that ignore case, `torn` tells that
    manifest and directory do not speak of the same members."""

    problems: list[str] = field(factory=list)
    folds: array[int] = field(factory=lambda: array("q"))
    torn: bool = False


def header_problems(header: Header) -> list[str]:
    """What is wrong with the roots that an archive names."""
    paths = [root.path for root in header.roots]
    found = [problem for path in paths if (problem := name_problem(path))]
    return (found or overlaps(paths)) if paths else ["the manifest names no roots"]


def look(archive: Archive, header: Header, portion: Portion, seen: Look) -> Iterator[Placed]:
    """Compare directory, manifest and local headers of a portion; yield its sound members, tell `seen` everything else.

    Names are safe to be used below a root when they come out of here. Raise ValueError where bytes cannot be read.
    """
    span = None
    if portion.end - portion.start <= 2 * SPAN:
        span = memoryview(archive.read(portion.start, portion.end - portion.start))
    tree, reached, lines = Tree(header.roots, portion.before), portion.start, iter(portion.lines)
    for entry in read_records(portion.records):
        line = next(lines, None)
        member = _described(line, entry) if line is not None else None
        problems = entry_problems(entry)
        seen.problems += problems
        seen.folds.append(hash(fold(entry.name.removesuffix("/"))))
        if entry.offset != reached:
            seen.problems.append(f"{entry.name!r} does not start where the entry before it ends")
            return
        begin = reached - portion.start
        head = (
            span[begin:] if span is not None else memoryview(archive.read(reached, min(_LOCAL_CAP, portion.end - reached)))
        )
        local = read_local(head, entry)
        at = reached + local.length
        reached = at + entry.packed + len(local.tail)
        more = []
        if local.tail and archive.read(at + entry.packed, len(local.tail)) != local.tail:
            more.append(f"{entry.name!r} is described differently behind its data")
        if member is None or member.entry != entry.name:
            seen.torn = True
        else:
            more += member_problems(member, entry) + tree.problems(member)
        seen.problems += more
        problems += more
        if member is not None and not problems and not seen.torn:
            begin += local.length
            data = span[begin : begin + entry.packed] if span is not None else None
            yield Placed(member, entry, at, data)
    if reached != portion.end:
        seen.problems.append("there are bytes that belong to no entry")


def _described(line: bytes, entry: Entry) -> Member:
    try:
        return read_member(line)
    except ValueError as problem:
        raise ValueError(f"the line of {entry.name!r} in the manifest: {problem}") from problem


def closing_problems(archive: Archive) -> list[str]:
    """What is wrong with the last two entries, manifest and sums; the members before them are not looked at."""
    if archive.sums is None:
        return ["'SHA256SUMS' is in the manifest but not in the archive"]
    reached, problems = archive.manifest.offset, []
    for entry in (archive.manifest, archive.sums):
        if entry.offset != reached:
            return [f"{entry.name!r} does not start where the entry before it ends"]
        local = read_local(archive.read(reached, min(_LOCAL_CAP, archive.size - reached)), entry)
        reached += local.length + entry.packed
        if archive.read(reached, len(local.tail)) != local.tail:
            problems.append(f"{entry.name!r} is described differently behind its data")
        reached += len(local.tail)
    return problems if reached == archive.directory.start else [*problems, "there are bytes that belong to no entry"]


def entry_problems(entry: Entry) -> list[str]:
    """What is wrong with one entry of the zip's directory by itself."""
    if entry.flags & ENCRYPTED:
        return [f"{entry.name!r} is encrypted"]
    if entry.method not in (STORED, DEFLATED):
        return [f"{entry.name!r} is packed by the unknown method {entry.method}"]
    problem = name_problem(entry.name.removesuffix("/"))
    return [problem] if problem else []


def member_problems(member: Member, entry: Entry) -> list[str]:
    """Where a member contradicts itself or its entry."""
    found = []
    if min(member.size, member.mode) < 0 or member.mode > 0o7777 or abs(member.mtime_ns) >= _END_OF_TIME:
        found.append(f"{member.path!r} has an impossible size, mode or time")
    if (member.kind is Kind.DIRECTORY) != (member.sha256 == "") or (member.kind is Kind.DIRECTORY and member.size):
        found.append(f"{member.path!r} has a hash or a size that does not fit its kind")
    if member.kind is Kind.LINK:
        found += [problem] if (problem := link_problem(member.path, member.link)) else []
    elif member.link:
        found.append(f"{member.path!r} is no link but has a target")
    if entry.size != member.size:
        found.append(f"{entry.name!r} has {entry.size} bytes, the manifest says {member.size}")
    if stat.S_IFMT(entry.mode) != _TYPES[member.kind]:
        found.append(f"{entry.name!r} is not the {member.kind.value} that the manifest says")
    elif member.kind is not Kind.LINK and stat.S_IMODE(entry.mode) != member.mode:
        found.append(f"{entry.name!r} does not have the mode that the manifest says")
    return found


def fold(path: str) -> str:
    """The form in which disks that ignore case or compose accents see a path."""
    return path.lower() if path.isascii() else folded(path)


class Tree:
    """Follows members in their order: each lies in a root of its kind, and directly below a folder that came before it."""

    def __init__(self, roots: tuple[Root, ...], before: Member | None) -> None:
        self._roots = {root.path: root.kind for root in roots}
        self._before = before
        self._root = self._root_of(before.path) if before is not None else ""

    def problems(self, member: Member) -> list[str]:
        """What is wrong with the place of the next member."""
        path, before = member.path, self._before
        self._before = member
        if path in self._roots:
            self._root = path
            kind = self._roots[path]
            found = [] if member.kind is kind else [f"the root {path!r} is not the {kind.value} that the manifest says"]
        else:
            found = self._below(path, before)
        if before is not None and _order(path) <= _order(before.path):
            found.append(f"{path!r} stands twice" if path == before.path else f"{path!r} does not stand in its order")
        return found

    def _below(self, path: str, before: Member | None) -> list[str]:
        parent = path.rpartition("/")[0]
        root = self._root
        if not root or not (path.startswith(root) and path[len(root)] == "/"):
            root = self._root = self._root_of(path)
            if not root:
                return [f"{path!r} lies in no root"]
        if before is not None:
            if parent == before.path and before.kind is Kind.DIRECTORY:
                return []
            if before.path.startswith(parent + "/") and len(parent) >= len(root):
                return []
        return [f"{parent!r} holds members but is no directory"]

    def _root_of(self, path: str) -> str:
        parts = path.split("/")
        owners = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        return next((owner for owner in owners if owner in self._roots), "")


def _order(path: str) -> str:
    """Paths compare by their parts: a folder's entries come before its neighbour whose name only begins alike."""
    return path.replace("/", "\x00")


def missing_roots(header: Header, present: frozenset[str]) -> list[str]:
    """Roots that an archive names and does not hold; `present` are the paths of members that are roots."""
    return [
        f"the root {root.path!r} is not the {root.kind.value} that the manifest says"
        for root in header.roots
        if root.kind is not Kind.ABSENT and root.path not in present
    ]


def torn(archive: Archive) -> list[str]:
    """Which members only the manifest or only the zip's directory knows; for damaged archives, and in memory."""
    entries = {entry.name for entry in archive.entries()}
    described = {member.entry for member in archive.contents()} | RESERVED
    return [
        *(f"{name!r} is in the archive but not in its manifest" for name in sorted(entries - described)),
        *(f"{name!r} is in the manifest but not in the archive" for name in sorted(described - entries)),
    ] or ["the manifest and the zip's directory have their members in different orders"]


def same_names(archive: Archive) -> list[str]:
    """One line for each pair of members that some disk takes for one; in memory, for archives in which there are some."""
    return collisions(entry.name.removesuffix("/") for entry in archive.entries())
