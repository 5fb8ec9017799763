"""The power goes at a chosen step: the disk as it is at that moment, nothing synced, is mounted anew and recovered."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults import checker
from faults.arena import change, child
from faults.installed import guard
from faults.table import judged
from support.disks import copied, image, mounted, require_root

if TYPE_CHECKING:
    from faults.arena import Arena

OPTIONS = {"xfs": "loop,nouuid", "btrfs": "loop", "ext4": "loop"}


def _project(arena: Arena, folder: Path, operation: str) -> Path:
    """The prepared project on a disk of its own, everything of it on the disk."""
    project = copied(arena.prepared, folder / "project")
    change(project)
    if operation == "undo":
        assert child(project, "restore").returncode == 0
    if operation == "prune":
        assert child(project, "create").returncode == 0
    subprocess.run(["sync", "-f", str(project)], check=True)
    return project


def _cut(arena: Arena, operation: str, kind: str, chosen: Sequence[float] | None) -> None:
    """Cut the power before every step and at the end, or before those at the `chosen` fractions of the way."""
    require_root()
    reference = arena.copy("reference")
    counted = _project(arena, reference, operation)
    old = checker.tree(counted)
    done = child(counted, operation, "--names", arena.work / "names")
    assert done.returncode == 0, done.stderr
    names = [*(arena.work / "names").read_text("utf-8").splitlines(), "the end"]
    trees = (old, checker.tree(counted))
    steps = range(1, len(names) + 1)
    if chosen is not None:
        steps = sorted({1 + round(share * (len(names) - 1)) for share in chosen})  # type: ignore[assignment]

    disk, copies = image(arena.work / "disk.img", kind), arena.work / "copies"
    copies.mkdir()
    with mounted(arena.work / "disk", "-o", "loop", str(disk)) as folder:
        project = _project(arena, folder, operation)
        before = checker.good(project)
        at = ",".join(map(str, steps))
        done = child(project, operation, "--copy", disk, "--into", copies, "--copy-at", at)
        assert done.returncode == 0, done.stderr
    may_go = sorted(before)[:-1] if operation == "prune" else []
    for step in steps:
        copy = copies / f"{step}.img"
        assert copy.is_file(), f"the planned power cut was not hit, step {step}"
        with mounted(arena.work / f"after{step}", "-o", OPTIONS[kind], str(copy)) as folder:
            project = folder / "project"
            wrong = checker.violations(project, before=before, may_go=may_go)
            recovered = guard(project, "backup", "recover")
            if recovered.returncode:
                wrong.append(f"recover ended with {recovered.returncode}: {recovered.stderr[-200:]}")
            ended = step == len(names)  # what was told to be done stays done
            wrong += checker.violations(project, before=before, may_go=may_go, trees=trees[1:] if ended else trees)
            if ended and operation == "create" and len(checker.good(project)) != len(before) + 1:
                wrong.append("the backup that was taken is lost")
        copy.unlink()
        judged(operation, names[step - 1], "power cut before", wrong, kind)


@pytest.mark.full
@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("operation", ["create", "restore", "undo", "prune"])
def test_the_power_goes_at_every_step(arena: Arena, operation: str, kind: str) -> None:
    _cut(arena, operation, kind, None)


@pytest.mark.parametrize("operation", ["create", "restore"])
def test_the_power_goes_at_some_steps(arena: Arena, operation: str) -> None:
    _cut(arena, operation, "ext4", (0.3, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0))
