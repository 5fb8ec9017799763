"""Disks that fill up, run out of inodes or let nothing be written: refused cleanly, and nothing is lost."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults import checker
from faults.arena import change
from faults.installed import aftermath, arguments_of, guard
from faults.table import judged
from support.disks import attributed, copied, disk, mounted, refused

if TYPE_CHECKING:
    from faults.arena import Arena

ROOM = [0, 4, 8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256]
"""KiB that are left on a full disk; a backup of the project takes a few blocks, a restore some more."""


def _fill(folder: Path, left: int) -> None:
    """Take all room but `left` KiB, block by block at the end: a disk promises more than it gives at once."""
    found = os.statvfs(folder)
    size, step = 0, found.f_bavail * found.f_frsize
    with (folder / "ballast").open("wb") as file:
        while step >= found.f_frsize:
            try:
                os.posix_fallocate(file.fileno(), size, step)
            except OSError as problem:
                assert problem.errno == errno.ENOSPC, problem
                step //= 2
            else:
                size += step
        file.truncate(max(0, size - (left << 10)))


def _full(project: Path, operation: str, left: int, file_system: str) -> None:
    change(project)
    old = checker.tree(project)
    before = checker.good(project)
    _fill(project, left)
    done = guard(project, *arguments_of(operation, project))
    (project / "ballast").unlink()
    wrong = checker.violations(project, before=before)
    now = checker.tree(project)
    if operation == "create" and now != old:
        wrong.append("a backup changed the tree")
    if operation == "restore" and done.returncode in (0, 1) and (now != old) != (done.returncode == 0):
        wrong.append(f"the tree {'changed' if now != old else 'stayed'} and it ended with {done.returncode}")
    allowed = (0, 1) if operation == "create" else (0, 1, 3, 6, 7)
    if done.returncode not in allowed:
        wrong.append(f"it ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    if operation == "create" and done.returncode and not re.search("the disk is full|are free", done.stderr):
        wrong.append(f"it did not say what was the matter: {done.stderr.strip()[-300:]}")
    wrong += aftermath(project, before)
    judged(operation, f"{left} KiB left" if left else "no room left", "ENOSPC", wrong, file_system)


def _rooms(short: tuple[int, ...]) -> list[object]:
    return [pytest.param(left, marks=() if left in short else pytest.mark.full) for left in ROOM]


@pytest.mark.parametrize("operation", ["create", "restore"])
@pytest.mark.parametrize("left", _rooms((4, 24)))
def test_a_full_disk_in_memory(arena: Arena, operation: str, left: int) -> None:
    with mounted(arena.work / "memory", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs") as folder:
        _full(copied(arena.prepared, folder / "project"), operation, left, "tmpfs")


@pytest.mark.parametrize("operation", ["create", "restore"])
@pytest.mark.parametrize("left", _rooms((16,)))
def test_a_full_ext4(arena: Arena, operation: str, left: int) -> None:
    with disk(arena.work, "ext4", 16 << 20) as folder:
        _full(copied(arena.prepared, folder / "project"), operation, left, "ext4")


@pytest.mark.full
@pytest.mark.parametrize("operation", ["create", "restore"])
@pytest.mark.parametrize("left", ROOM)
def test_a_full_xfs(arena: Arena, operation: str, left: int) -> None:
    with disk(arena.work, "xfs") as folder:
        _full(copied(arena.prepared, folder / "project"), operation, left, "xfs")


@pytest.mark.parametrize("operation", ["create", "restore"])
@pytest.mark.parametrize("left", [pytest.param(n, marks=() if n == 3 else pytest.mark.full) for n in (0, 1, 2, 3, 5, 8, 12)])
def test_no_inodes_left(arena: Arena, operation: str, left: int) -> None:
    with disk(arena.work, "ext4", 16 << 20, "-N", "256") as folder:
        project = copied(arena.prepared, folder / "project")
        change(project)
        old, before = checker.tree(project), checker.good(project)
        ballast = folder / "ballast"
        ballast.mkdir()
        for number in range(os.statvfs(folder).f_favail - left):
            (ballast / str(number)).touch()
        done = guard(project, *arguments_of(operation, project))
        shutil.rmtree(ballast)
        wrong = checker.violations(project, before=before)
        if done.returncode not in (0, 1, 3, 6, 7):
            wrong.append(f"it ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        if done.returncode == 1 and checker.tree(project) != old:
            wrong.append("it failed and the tree changed")
        judged(operation, f"{left} inodes left", "ENOSPC", wrong + aftermath(project, before), "ext4")


@pytest.mark.parametrize("operation", ["create", "restore", "undo", "prune"])
def test_a_disk_mounted_read_only(arena: Arena, operation: str) -> None:
    change(arena.prepared)
    if operation == "undo":
        assert guard(arena.prepared, *arguments_of("restore", arena.prepared)).returncode == 0
    before, old = checker.good(arena.prepared), checker.tree(arena.prepared)
    with mounted(arena.work / "bound", "--bind", str(arena.prepared)) as folder:
        assert refused(["mount", "-o", "remount,ro,bind", str(folder)]) == ""
        done = guard(folder, *arguments_of(operation, folder))
        wrong = checker.violations(folder, before=before, trees=(old,), tidy=True)
        if done.returncode in (0, 70) or "Traceback" in done.stderr:
            wrong.append(f"it ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    judged(operation, "at once", "read-only mount", wrong + aftermath(arena.prepared, before, (old,)))


TARGETS = [("create", "backups"), ("restore", "library.json"), ("restore", "config"), ("restore", ".")]


@pytest.mark.parametrize("attribute", ["+i", "+a"])
@pytest.mark.parametrize(("operation", "target"), TARGETS)
def test_a_target_that_may_not_change(arena: Arena, attribute: str, operation: str, target: str) -> None:
    change(arena.prepared)
    before, old = checker.good(arena.prepared), checker.tree(arena.prepared)
    assert guard(arena.prepared, "backup", "list").returncode == 0  # whatever the first command makes is there
    with attributed(arena.prepared / target, attribute):
        done = guard(arena.prepared, *arguments_of(operation, arena.prepared))
        wrong = checker.violations(arena.prepared, before=before, trees=(old,))
        if done.returncode in (0, 70) or "Traceback" in done.stderr:
            wrong.append(f"it ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    what = "immutable" if attribute == "+i" else "append-only"
    if (target, attribute) == ("backups", "+a"):  # nothing is begun that could not be taken away again
        wrong += [f"{name} was left there" for name in checker.strays(arena.prepared)]
    wrong += aftermath(arena.prepared, before, (old,))
    # Where names may only be added, a temporary cannot be taken away again; the next backup does it.
    assert guard(arena.prepared, "backup", "create").returncode == 0
    wrong += [f"{name} is left over" for name in checker.strays(arena.prepared)]
    judged(operation, "the project" if target == "." else target, what, wrong)
