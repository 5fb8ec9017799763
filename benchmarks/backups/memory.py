"""Samples the memory that a command and all its processes hold beside files, by what Linux says in smaps_rollup."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.backups.corpora import Corpus, tidy
from benchmarks.backups.program import Program
from benchmarks.backups.rows import Row
from benchmarks.backups.timing import environment, say

GOAL = 256
"""MiB that all processes together may hold beside files."""

_PROC = Path("/proc")
_EVERY = 0.02
"""Seconds between looks."""


@dataclass(frozen=True)
class Peak:
    """The most that was seen at one look, in MiB, over so many processes.

    `mebibytes` counts a page that a forked process still shares with its parent in both, shared anonymous pages once;
    `once` counts each page once.
    """

    mebibytes: float
    once: float
    processes: int
    looks: int


def footprint(made: Corpus, where: str, program: Program) -> list[Row]:
    """The most that create, verify and restore hold, each run once more for this."""
    if not measurable():
        return [Row(f"memory, {where}: this machine has no smaps_rollup", None, most=GOAL, unit="MiB")]
    tidy(made.project)
    found = []
    for verb, command in (("create", program.create), ("verify", program.verify), ("restore", program.restore)):
        try:
            seen = peak(command, made.project)
        except RuntimeError as problem:
            say(str(problem))
            found.append(Row(f"memory, {where}: {verb}", None, most=GOAL, unit="MiB"))
            continue
        label = (
            f"memory, {where}: {verb} (each page once: {seen.once:.0f} MiB; {seen.processes} processes, {seen.looks} looks)"
        )
        found.append(Row(label, seen.mebibytes, most=GOAL, unit="MiB"))
    return found


def measurable() -> bool:
    """Whether this machine tells."""
    return (_PROC / "self" / "smaps_rollup").is_file()


def peak(command: str, folder: Path) -> Peak:
    """Run the shell command and look at it until it ends; raise RuntimeError where it fails."""
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=folder,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    most, once, processes, looks = 0, 0, 0, 0
    while process.poll() is None:
        found = [held(member) for member in tree(process.pid)]
        most, once = max(most, sum(upper for upper, _ in found)), max(once, sum(exact for _, exact in found))
        processes, looks = max(processes, len(found)), looks + 1
        time.sleep(_EVERY)
    if process.returncode:
        raise RuntimeError(f"{command} failed with exit code {process.returncode}")
    return Peak(most / 1024, once / 1024, processes, looks)


def tree(leader: int) -> set[int]:
    """The leader, whatever descends from it, and whoever else belongs to its session (orphans)."""
    parents: dict[int, int] = {}
    found = {leader}
    for entry in os.scandir(_PROC):
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            # After the name, which may hold blanks and brackets: state, parent, group, session.
            _, parent, _, session = (_PROC / entry.name / "stat").read_text().rpartition(")")[2].split()[:4]
            parents[int(entry.name)] = int(parent)
            if int(session) == leader:
                found.add(int(entry.name))
    grew = True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return found


def held(pid: int) -> tuple[int, int]:
    """KiB of anonymous memory: whole, and with only its part of pages that are shared; nothing where it has ended."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
    # Pss divides a shared page among those who map it: the sum over the tree counts it once.
    return sizes["Anonymous"] + sizes["Pss_Shmem"], sizes["Pss_Anon"] + sizes["Pss_Shmem"]
