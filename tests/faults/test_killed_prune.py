"""Pruning may die at any step: what has a final name is sealed, the newest stays, and the next command tidies up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.arena import child
from faults.checker import good, strays, tree

if TYPE_CHECKING:
    from faults.arena import Arena, Killed

pytestmark = pytest.mark.skipif(
    "not hasattr(__import__('signal'), 'SIGKILL')", reason="needs signals; run on Linux or macOS"
)


def _three(root: Path) -> None:
    """Two more than the one that the arena begins with."""
    for _ in range(2):
        taken = child(root, "create")
        assert taken.returncode == 0, taken.stderr


def _sealed(root: Path) -> list[str]:
    """Names of all good backups."""
    return sorted(good(root))


def test_a_killed_prune_leaves_sealed_ones_and_what_the_next_collects(arena: Arena) -> None:
    _three(arena.prepared)
    before, names = tree(arena.prepared), _sealed(arena.prepared)
    assert len(names) == 3
    counts = set()

    def judge(killed: Killed) -> None:
        left = _sealed(killed.root)
        assert left == names[len(names) - len(left) :], f"the oldest go first and the newest stays, {killed}"
        assert left, killed
        counts.add(len(left))
        again = child(killed.root, "prune")
        assert again.returncode == 0, f"{killed}{again.stderr}"
        assert _sealed(killed.root) == names[-1:], killed
        assert strays(killed.root) == [], killed

    # Reading three archives and removing two of them take more steps than this, each killed before and after.
    assert arena.kill_everywhere("prune", judge, trees=(before,), may_go=names[:-1]) > 20
    assert counts == {1, 2, 3}


def test_after_a_killed_prune_a_backup_tidies_up(arena: Arena) -> None:
    _three(arena.prepared)
    names = _sealed(arena.prepared)

    def judge(killed: Killed) -> None:
        left = _sealed(killed.root)
        taken = child(killed.root, "create")
        assert taken.returncode == 0, f"{killed}{taken.stderr}"
        assert len(_sealed(killed.root)) == len(left) + 1, killed
        assert strays(killed.root) == [], killed

    arena.kill_everywhere("prune", judge, last=5, may_go=names[:-1], named="prune, then create")


def test_a_prune_after_a_killed_restore_keeps_what_is_being_restored(arena: Arena) -> None:
    _three(arena.prepared)
    names = _sealed(arena.prepared)
    oldest = names[0]

    def judge(killed: Killed) -> None:
        under_way = (killed.root / ".dhash-guard/restore.json").exists()
        pruned = child(killed.root, "prune")
        assert pruned.returncode == 0, f"{killed}{pruned.stderr}"
        restored = (killed.root / ".dhash-guard/undo.json").exists()
        assert (oldest in _sealed(killed.root)) == (under_way or restored), killed
        recovered = child(killed.root, "recover")
        assert recovered.returncode == 0, f"{killed}{recovered.stderr}"

    arena.kill_everywhere("restore", judge, last=6, may_go=names[:-1], named="restore, then prune")
