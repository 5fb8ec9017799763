"""Decides whether the entries of another tool's archive make one tree, and which configured paths they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from attrs import frozen

from dhash_guard.backup.archive.manifest import Kind, Root
from dhash_guard.backup.archive.structure import entry_problems
from dhash_guard.backup.archive.zipformat import Entry
from dhash_guard.backup.foreign.directory import Found
from dhash_guard.backup.names import collisions, is_stage
from dhash_guard.backup.walk import is_left_out
from dhash_guard.errors import Damaged

RECORDS = frozenset({"backup_metadata.json", "backup-metadata.json", "backup_manifest.txt", "metadata.json"})
"""Base names of what the documents' scripts write into an archive about itself; it is no part of the project."""

_FOLDER = 0o755
_ROOM = 64 << 20
"""Characters of the folders that are added; an archive whose paths are deep and many would fill the memory otherwise."""


@frozen(kw_only=True)
class Plan:
    """What is put back of an archive: `roots`, and their `members` in order; `left` are the paths that lie in no component,
    `records` are passed over: those in which the archive speaks of itself, and what no backup of ours holds."""

    roots: tuple[Root, ...]
    members: tuple[Found, ...]
    left: tuple[str, ...]
    records: tuple[str, ...]


def problems_of(found: Sequence[Found]) -> list[str]:
    """What is wrong with the entries by themselves: names, kinds, twins, and files that are to be folders as well."""
    said = [problem for each in found for problem in entry_problems(each.entry._replace(name=each.path))]
    said += [f"{each.path!r} is neither a file nor a folder nor a link" for each in found if each.kind is Kind.ABSENT]
    said += [
        f"{each.path!r} is a folder with bytes of its own"
        for each in found
        if each.kind is Kind.DIRECTORY and each.entry.size
    ]
    said += collisions(each.path for each in found)
    upper = ""  # the last file or link: whatever lies below it follows it directly
    for each in sorted(found, key=lambda each: _order(each.path)):
        if upper and each.path.startswith(upper + "/"):
            said.append(f"{upper!r} holds members but is no directory")
        elif each.kind is not Kind.DIRECTORY:
            upper = each.path
    return list(dict.fromkeys(said))


def plan(found: Sequence[Found], covered: Sequence[tuple[str, str]]) -> Plan:
    """Give each entry to the component whose path it lies in; folders that the archive does not name are added.

    Raise Damaged where these take too much memory.
    """
    owners = {PurePosixPath(path).as_posix(): name for name, path in covered}
    kinds: dict[str, Kind] = {}
    members: dict[str, Found] = {}
    left, records = [], []
    for each in found:
        root = _root_of(each.path, owners)
        if root and _stays(each.path.removeprefix(root).strip("/"), each.kind):
            records.append(each.path)
        elif root:
            kinds[root] = each.kind if root == each.path else Kind.DIRECTORY
            members[each.path] = each
        elif each.path.rpartition("/")[2] in RECORDS:
            records.append(each.path)
        elif each.kind is not Kind.DIRECTORY or not _leads_to(each.path, owners):
            left.append(each.path)
    room = _ROOM
    for path in tuple(members):
        above = path.rpartition("/")[0]
        while above not in members and _root_of(above, owners):
            members[above] = _folder(above, members[path].mtime)
            room -= len(above)
            if room < 0:
                raise Damaged("its paths have more folders than can be remembered")
            above = above.rpartition("/")[0]
    return Plan(
        roots=tuple(Root(path=path, kind=kinds[path], component=owners[path]) for path in sorted(kinds, key=_order)),
        members=tuple(sorted(members.values(), key=lambda each: _order(each.path))),
        left=tuple(left),
        records=tuple(records),
    )


def _stays(below: str, kind: Kind) -> bool:
    """Whether what stands at a path below a root is kept whatever a backup holds: environment files, staged trees."""
    parts = below.split("/")
    return bool(below) and (any(is_stage(part) for part in parts) or is_left_out(parts[-1], kind))


def _root_of(path: str, owners: dict[str, str]) -> str:
    return max((each for each in owners if path == each or path.startswith(each + "/")), key=len, default="")


def _leads_to(path: str, owners: dict[str, str]) -> bool:
    """Whether this is a folder above something that is put back."""
    return any(owner.startswith(path + "/") for owner in owners)


def _folder(path: str, mtime: int) -> Found:
    return Found(path, Kind.DIRECTORY, _FOLDER, mtime, b"", Entry(path, 0, 0, 0, 0, 0, 0, 0, 0))


def _order(path: str) -> list[str]:
    return path.split("/")
