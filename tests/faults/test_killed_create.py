"""Taking a backup may die at any step: what has a final name is whole, and what was there before stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.arena import child
from faults.checker import archives, strays, tree

if TYPE_CHECKING:
    from faults.arena import Arena, Killed

pytestmark = pytest.mark.skipif(
    "not hasattr(__import__('signal'), 'SIGKILL')", reason="needs signals; run on Linux or macOS"
)


def test_a_killed_backup_is_sealed_or_absent(arena: Arena) -> None:
    [first] = archives(arena.prepared)
    before = tree(arena.prepared)
    counts = set()

    def judge(killed: Killed) -> None:
        names = archives(killed.root)
        assert names[0] == first, killed
        counts.add(len(names))
        again = child(killed.root, "create")
        assert again.returncode == 0, f"{killed}{again.stderr}"
        assert len(archives(killed.root)) == len(names) + 1, killed
        assert strays(killed.root) == [], killed

    assert arena.kill_everywhere("create", judge, trees=(before,)) > 10
    assert counts == {1, 2}
