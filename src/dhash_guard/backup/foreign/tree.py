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

RECORDS = frozenset({"backup_metadata.json", "backup-metadata.json", "backup_manifest.txt", "metadata.json"})
"""Base names of what the documents' scripts write into an archive about itself; it is no part of the project."""

_FOLDER = 0o755


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
    kinds = {each.path: each.kind for each in found}
    for each in found:
        for parent in PurePosixPath(each.path).parents:
            if kinds.get(parent.as_posix(), Kind.DIRECTORY) is not Kind.DIRECTORY:
                said.append(f"{parent.as_posix()!r} holds members but is no directory")
    return list(dict.fromkeys(said))


def plan(found: Sequence[Found], covered: Sequence[tuple[str, str]]) -> Plan:
    """Give each entry to the component whose path it lies in; folders that the archive does not name are added."""
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
    for path in tuple(members):
        for above in PurePosixPath(path).parents:
            if above.as_posix() not in members and _root_of(above.as_posix(), owners):
                members[above.as_posix()] = _folder(above.as_posix(), members[path].mtime)
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
    above = [path, *(parent.as_posix() for parent in PurePosixPath(path).parents)]
    return next((each for each in above if each in owners), "")


def _leads_to(path: str, owners: dict[str, str]) -> bool:
    """Whether this is a folder above something that is put back."""
    return any(owner.startswith(path + "/") for owner in owners)


def _folder(path: str, mtime: int) -> Found:
    return Found(path, Kind.DIRECTORY, _FOLDER, mtime, b"", Entry(path, 0, 0, 0, 0, 0, 0, 0, 0))


def _order(path: str) -> list[str]:
    return path.split("/")
