"""Writes the members of an archive below fresh folders, every byte checked on its way: the work of a worker."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from dhash_guard.backup.archive.examining import check, confirmed
from dhash_guard.backup.archive.manifest import HEADER_CAP, Header, Kind, Member, read_member
from dhash_guard.backup.archive.reader import Archive, Portion
from dhash_guard.backup.archive.structure import Look, look
from dhash_guard.backup.names import windows_problem
from dhash_guard.backup.restoring.digest import restorable_mode
from dhash_guard.errors import Damaged, NoGo
from dhash_guard.system.files import Files
from dhash_guard.system.machine import Machine
from dhash_guard.system.workers import in_order

_PRIVATE_DIRECTORY = 0o700
_SHOWN = 10


@frozen
class Targets:
    """Where the roots of an archive are written: the top of each, by its path; a root without a top is left out.

    Text, not `Path`, because there may be a million members.
    """

    tops: Mapping[str, str]

    def of(self, path: str) -> str:
        """Where the member at `path` is written, empty where it is not."""
        root = path
        while root:
            if (top := self.tops.get(root)) is not None:
                return top + path[len(root) :]
            root = root.rpartition("/")[0]
        return ""


def require_names(archive: Archive, system: str = os.name) -> None:
    """Raise NoGo naming the members that this system cannot keep under their names; only Windows (`nt`) has such."""
    if system != "nt":
        return
    problems = [problem for member in archive.contents() if (problem := windows_problem(member.path))]
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise NoGo(
            f"nothing was written: {'; '.join(problems[:_SHOWN])}{more}",
            where=str(archive.path),
            cure="Restore it on the system that it was taken on.",
        )


def unpack(machine: Machine, archive: Archive, targets: Targets) -> tuple[int, int]:
    """Write every member below its target, folders first private; return how many files and bytes.

    Modes and times of folders are set by `finish_folders`, when nothing is written into them any more. Raise Damaged
    naming a member that is not what the manifest says, OSError where writing fails.
    """
    with archive.sound(writing=True):
        header = archive.header()
        lines = archive.text(archive.manifest)
        lines.readline(HEADER_CAP)
        unpacker = _Unpacker(machine.files, archive, header, targets)
        tasks = _prepared(machine, archive.portions(lines), targets)
        files = size = 0
        for (more, written, end), _ in in_order(unpacker, tasks, workers=machine.workers):
            files, size = files + more, size + written
            machine.progress("restoring", end, archive.size)
    return files, size


def _prepared(machine: Machine, portions: Iterator[Portion], targets: Targets) -> Iterator[Portion]:
    """Portions whose folders are there already, whoever writes into them."""
    for portion in portions:
        for member in _folders(portion.lines):
            if location := targets.of(member.path):
                machine.files.make_directory(Path(location), _PRIVATE_DIRECTORY)
        yield portion


def finish_folders(machine: Machine, archive: Archive, targets: Targets) -> None:
    """Set modes and times of all folders, each after those below it: entries change the time of the folder they are in."""
    above: list[tuple[Member, Path]] = []
    with archive.sound(writing=True):
        for member in _folders(archive.lines()):
            if location := targets.of(member.path):
                while above and not member.path.startswith(above[-1][0].path + "/"):
                    _finish(machine, *above.pop())
                above.append((member, Path(location)))
        while above:
            _finish(machine, *above.pop())


@frozen
class _Unpacker:
    """Writes portions of one archive."""

    files: Files
    archive: Archive
    header: Header
    targets: Targets

    def __call__(self, portion: Portion, slab: memoryview) -> tuple[int, int, int]:
        seen = Look()
        files = size = 0
        for placed in look(self.archive, self.header, portion, seen):
            member = placed.member
            location = self.targets.of(member.path)
            if not location or member.kind is Kind.DIRECTORY:
                continue
            if member.kind is Kind.LINK:
                check(self.archive, placed)
                self.files.link_symbolic(Path(location), member.link)
                self.files.set_times(Path(location), member.mtime_ns)
                continue
            mode = restorable_mode(member.kind, member.mode)
            self.files.write_new(location, confirmed(self.archive, placed), mode, member.mtime_ns)
            files, size = files + 1, size + member.size
        if seen.problems or seen.torn:
            what = "; ".join(seen.problems) or "manifest and directory contradict each other"
            raise Damaged(what, where=str(self.archive.path))
        return files, size, portion.end


def _folders(lines: Iterable[bytes]) -> Iterator[Member]:
    for line in lines:
        if line.startswith(b'{"kind":"directory"'):
            yield read_member(line)


def _finish(machine: Machine, member: Member, location: Path) -> None:
    machine.files.set_mode(location, restorable_mode(member.kind, member.mode))
    machine.files.set_times(location, member.mtime_ns)
