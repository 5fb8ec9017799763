"""A restore, an undo and a recovery may die at any step: the next command ends with everything old or everything new."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.arena import change, child, kept, seen, strays

if TYPE_CHECKING:
    from faults.arena import Arena, Killed, Tree

pytestmark = pytest.mark.skipif(
    "not hasattr(__import__('signal'), 'SIGKILL')", reason="needs signals; run on Linux or macOS"
)

NextCommand = Callable[[Path], subprocess.CompletedProcess[str]]


def _either(arena: Arena, operation: str, *options: str) -> tuple[Tree, Tree]:
    """The tree before the operation and after it."""
    root = arena.copy("reference")
    before = seen(root)
    done = child(root, operation, *options)
    assert done.returncode == 0, done.stderr
    after = seen(root)
    assert before != after
    shutil.rmtree(root)
    return before, after


def _judge(killed: Killed, before: Tree, after: Tree, next_command: NextCommand, outcomes: set[str]) -> None:
    done = next_command(killed.root)
    assert done.returncode == 0, f"{killed}{done.stderr}"
    now = seen(killed.root)
    assert now in (before, after), f"neither old nor new, {killed}"
    assert strays(killed.root) == [], killed
    outcomes.add("new" if now == after else "old")


def _restored(root: Path) -> None:
    change(root)
    done = child(root, "restore")
    assert done.returncode == 0, done.stderr


def test_a_killed_restore_is_old_or_new(arena: Arena, next_command: NextCommand) -> None:
    change(arena.prepared)
    before, after = _either(arena, "restore")
    outcomes: set[str] = set()
    kills = arena.kill_everywhere("restore", lambda killed: _judge(killed, before, after, next_command, outcomes))
    assert kills > 80
    assert outcomes == {"old", "new"}


@pytest.mark.full
def test_a_restore_of_two_renames_killed_at_every_step(arena: Arena, next_command: NextCommand) -> None:
    change(arena.prepared)
    before, after = _either(arena, "restore", "--no-exchange")
    outcomes: set[str] = set()
    arena.kill_everywhere("restore", lambda killed: _judge(killed, before, after, next_command, outcomes), "--no-exchange")
    assert outcomes == {"old", "new"}


def test_a_killed_restore_of_two_renames_is_old_or_new(arena: Arena, next_command: NextCommand) -> None:
    change(arena.prepared)
    before, after = _either(arena, "restore", "--no-exchange")
    outcomes: set[str] = set()
    # Staging is the same as with exchange; the last steps are the journal, the renames and the end.
    kills = arena.kill_everywhere(
        "restore", lambda killed: _judge(killed, before, after, next_command, outcomes), "--no-exchange", last=17
    )
    assert kills == 34
    assert outcomes == {"old", "new"}


def test_a_killed_second_restore_keeps_the_trees_of_one(arena: Arena, next_command: NextCommand) -> None:
    def judge(killed: Killed) -> None:
        _judge(killed, before, after, next_command, outcomes)
        # Four each: `gone` was missing before the first restore, `leftover` before the second.
        assert kept(killed.root) == 4, killed
        assert child(killed.root, "undo").returncode == 0, killed

    _restored(arena.prepared)
    (arena.prepared / "library.json").write_text("broken again")
    before, after = _either(arena, "restore")
    outcomes: set[str] = set()
    # Only the end differs from a first restore: the new record, the removal of the older trees.
    assert arena.kill_everywhere("restore", judge, last=9) == 18
    assert outcomes == {"new"}


def test_a_killed_undo_is_old_or_new(arena: Arena, next_command: NextCommand) -> None:
    _restored(arena.prepared)
    before, after = _either(arena, "undo")
    outcomes: set[str] = set()
    kills = arena.kill_everywhere("undo", lambda killed: _judge(killed, before, after, next_command, outcomes))
    assert kills > 20
    assert outcomes == {"old", "new"}


@pytest.mark.parametrize(("from_the_end", "expected"), [(5, "new"), (12, "new"), (19, "old")])
def test_a_killed_recovery_is_recovered(arena: Arena, next_command: NextCommand, from_the_end: int, expected: str) -> None:
    change(arena.prepared)
    before, after = _either(arena, "restore")
    steps = int(child(arena.copy("steps"), "restore").stdout)

    def die(root: Path) -> None:
        # Not once for all copies: the journal knows the trees by their inode numbers.
        assert child(root, "restore", "--kill-at", steps - from_the_end, "--when", "after").returncode == -9

    outcomes: set[str] = set()
    arena.kill_everywhere("recover", lambda killed: _judge(killed, before, after, next_command, outcomes), prepare=die)
    assert outcomes == {expected}, "a recovery does not change its mind"
