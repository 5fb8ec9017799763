"""A restore, an undo and a recovery may die at any step: the next command ends with everything old or everything new."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.arena import change, child, kept
from faults.checker import tree

if TYPE_CHECKING:
    from faults.arena import Arena, Killed, Tree

pytestmark = pytest.mark.skipif(
    "not hasattr(__import__('signal'), 'SIGKILL')", reason="needs signals; run on Linux or macOS"
)

NextCommand = Callable[[Path], subprocess.CompletedProcess[str]]


def _either(arena: Arena, operation: str, *options: str) -> tuple[Tree, Tree]:
    """The tree before the operation and after it."""
    root = arena.copy("reference")
    before = tree(root)
    done = child(root, operation, *options)
    assert done.returncode == 0, done.stderr
    after = tree(root)
    assert before != after
    shutil.rmtree(root)
    return before, after


def _judge(killed: Killed, both: tuple[Tree, Tree], next_command: NextCommand, outcomes: set[str]) -> None:
    done = next_command(killed.root)
    assert done.returncode == 0, f"{killed}{done.stderr}"
    now = tree(killed.root)
    assert now in both, f"neither old nor new, {killed}"
    outcomes.add("new" if now == both[1] else "old")


def _judging(both: tuple[Tree, Tree], next_command: NextCommand, outcomes: set[str]) -> Callable[[Killed], None]:
    return lambda killed: _judge(killed, both, next_command, outcomes)


def _restored(root: Path) -> None:
    change(root)
    done = child(root, "restore")
    assert done.returncode == 0, done.stderr


def test_a_killed_restore_is_old_or_new(arena: Arena, next_command: NextCommand) -> None:
    change(arena.prepared)
    both = _either(arena, "restore")
    outcomes: set[str] = set()
    kills = arena.kill_everywhere("restore", _judging(both, next_command, outcomes), trees=both)
    assert kills > 70
    assert outcomes == {"old", "new"}


@pytest.mark.full
def test_a_restore_of_two_renames_killed_at_every_step(arena: Arena, next_command: NextCommand) -> None:
    change(arena.prepared)
    both = _either(arena, "restore", "--no-exchange")
    outcomes: set[str] = set()
    arena.kill_everywhere(
        "restore",
        _judging(both, next_command, outcomes),
        "--no-exchange",
        trees=both,
        named="restore by two renames",
    )
    assert outcomes == {"old", "new"}


def test_a_killed_restore_of_two_renames_is_old_or_new(arena: Arena, next_command: NextCommand) -> None:
    change(arena.prepared)
    both = _either(arena, "restore", "--no-exchange")
    outcomes: set[str] = set()
    # Staging is the same as with exchange; the last steps are the journal, the renames and the end.
    kills = arena.kill_everywhere(
        "restore",
        _judging(both, next_command, outcomes),
        "--no-exchange",
        last=17,
        trees=both,
        named="restore by two renames",
    )
    assert kills == 34
    assert outcomes == {"old", "new"}


def test_a_killed_second_restore_keeps_the_trees_of_one(arena: Arena, next_command: NextCommand) -> None:
    def judge(killed: Killed) -> None:
        _judge(killed, both, next_command, outcomes)
        # Four each: `gone` was missing before the first restore, `leftover` before the second.
        assert kept(killed.root) == 4, killed
        assert child(killed.root, "undo").returncode == 0, killed

    _restored(arena.prepared)
    (arena.prepared / "library.json").write_text("broken again")
    both = _either(arena, "restore")
    outcomes: set[str] = set()
    # Only the end differs from a first restore: the new record, the removal of the older trees.
    assert arena.kill_everywhere("restore", judge, last=9, named="second restore") == 18
    assert outcomes == {"new"}


def test_a_killed_undo_is_old_or_new(arena: Arena, next_command: NextCommand) -> None:
    _restored(arena.prepared)
    both = _either(arena, "undo")
    outcomes: set[str] = set()
    kills = arena.kill_everywhere("undo", _judging(both, next_command, outcomes), trees=both)
    assert kills > 20
    assert outcomes == {"old", "new"}


@pytest.mark.parametrize(("from_the_end", "expected"), [(5, "new"), (12, "new"), (19, "old")])
def test_a_killed_recovery_is_recovered(arena: Arena, next_command: NextCommand, from_the_end: int, expected: str) -> None:
    change(arena.prepared)
    both = _either(arena, "restore")
    steps = int(child(arena.copy("steps"), "restore").stdout)

    def die(root: Path) -> None:
        # Not once for all copies: the journal knows the trees by their inode numbers.
        assert child(root, "restore", "--kill-at", steps - from_the_end, "--when", "after").returncode == -9

    outcomes: set[str] = set()
    arena.kill_everywhere("recover", _judging(both, next_command, outcomes), prepare=die, trees=both)
    assert outcomes == {expected}, "a recovery does not change its mind"


@pytest.mark.full
def test_a_recovery_killed_at_every_step_of_every_killed_restore(arena: Arena, next_command: NextCommand) -> None:
    change(arena.prepared)
    both = _either(arena, "restore")
    steps = int(child(arena.copy("steps"), "restore").stdout)
    outcomes: set[str] = set()
    for step in range(1, steps + 1):

        def die(root: Path, at: int = step) -> None:
            assert child(root, "restore", "--kill-at", at, "--when", "after").returncode == -9

        mine: set[str] = set()
        arena.kill_everywhere(
            "recover",
            _judging(both, next_command, mine),
            prepare=die,
            trees=both,
            named="recover after a killed restore",
        )
        assert len(mine) <= 1, f"a recovery changed its mind, restore killed after step {step}"
        outcomes |= mine
    assert outcomes == {"old", "new"}
