"""Reads restored trees back from their final places and compares them with what the archive says of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from dhash_guard.backup.archive.manifest import HEADER_CAP, Header, read_header, read_member
from dhash_guard.backup.archive.reader import Archive, Portion
from dhash_guard.backup.archive.sources import source_of
from dhash_guard.backup.restoring.digest import RootSummary, counts, entry_of, entry_on_disk, standing
from dhash_guard.system.machine import Machine
from dhash_guard.system.workers import in_order


def different_roots(
    machine: Machine, archive: Archive, project: Path, expected: Mapping[str, RootSummary]
) -> frozenset[str]:
    """Paths of the roots below `project` that are not, entry by entry, what the archive says."""
    lines = archive.text(archive.manifest)
    header = read_header(lines.readline(HEADER_CAP))
    present = _Counting(project, expected)
    found: set[str] = set()
    for (different, end), _ in in_order(
        _Comparer(project, header), archive.portions(lines), workers=machine.workers, meanwhile=present
    ):
        found |= different
        machine.progress("reading back", end, archive.size)
    return frozenset(found | present.different)


def differing_paths(archive: Archive, project: Path) -> Iterator[str]:
    """Paths of all entries in which the archive and the disk are not the same; both sides in memory."""
    header = archive.header()
    roots = {root.path for root in header.roots}
    stated = {
        entry_of(member) for member in archive.contents() if counts(member.path, member.kind, root=member.path in roots)
    }
    live = {entry_on_disk(project, source) for root in roots for source in standing(project, root)}
    yield from sorted({path for path, *_ in live ^ stated})


@frozen
class _Comparer:
    """Compares members with what stands at their places; returns the roots in which something differs."""

    project: Path
    header: Header

    def __call__(self, portion: Portion, slab: memoryview) -> tuple[set[str], int]:
        different = set()
        roots = {root.path for root in self.header.roots}
        for line in portion.lines:
            member = read_member(line)
            if not counts(member.path, member.kind, root=member.path in roots):
                continue
            location = f"{self.project}/{member.path}"
            try:
                source = source_of(member.path, os.lstat(location))
                if source.kind is member.kind:
                    link = os.readlink(location) if member.link else ""
                    if entry_on_disk(self.project, source._replace(link=link)) == entry_of(member):
                        continue
            except OSError:
                pass
            different.add(_root_of(member.path, roots))
        return different, portion.end


class _Counting:
    """Counts what stands at the roots: more than the archive holds is a difference too."""

    def __init__(self, project: Path, expected: Mapping[str, RootSummary]) -> None:
        self._project = project
        self._expected = expected
        self.different: set[str] = set()

    def __call__(self) -> None:
        for path, summary in self._expected.items():
            try:
                there = sum(1 for _ in standing(self._project, path))
            except OSError:
                there = -1
            if there != summary.entries:
                self.different.add(path)


def _root_of(path: str, roots: set[str]) -> str:
    while path not in roots:
        path = path.rpartition("/")[0]
    return path
