"""Eight commands at the same moment: each is done as if it had been alone, or is told that somebody else is at it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults import checker
from faults.arena import change, child
from faults.installed import aftermath, arguments_of
from faults.table import judged
from support.project import clean_environment

if TYPE_CHECKING:
    from faults.arena import Arena

RACER = Path(__file__).with_name("racer.py")
ROUNDS = [pytest.param(n, marks=() if n < 2 else pytest.mark.full) for n in range(12)]
LOCKED = 8


def _at_once(root: Path, operations: list[str]) -> list[tuple[str, int]]:
    """The exit code of each operation."""
    commands = [arguments_of(each, root) for each in operations]
    done = subprocess.run(
        [sys.executable, str(RACER), str(root), json.dumps(commands)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(zip(operations, json.loads(done.stdout), strict=True))


def _sequences(root: Path) -> list[int]:
    """The sequence numbers in the manifests, in the order of the names."""
    found = []
    for name in checker.archives(root):
        shown = subprocess.run(["unzip", "-p", name, "MANIFEST.jsonl"], cwd=root, capture_output=True, check=True)
        found.append(json.loads(shown.stdout.splitlines()[0])["sequence"])
    return found


@pytest.mark.parametrize("turn", ROUNDS)
def test_eight_backups(arena: Arena, turn: int) -> None:
    root, before = arena.prepared, checker.good(arena.prepared)
    old = checker.tree(root)
    codes = [code for _, code in _at_once(root, ["create"] * 8)]
    wrong = checker.violations(root, before=before, trees=(old,), tidy=True)
    wrong += [f"one ended with {code}" for code in codes if code not in (0, LOCKED)]
    if not codes.count(0) or len(checker.archives(root)) != len(before) + codes.count(0):
        wrong.append(f"{codes} made {len(checker.archives(root)) - len(before)} backups")
    if _sequences(root) != list(range(1, len(checker.archives(root)) + 1)):
        wrong.append(f"sequences {_sequences(root)}")
    judged("8 × create", "at once", "concurrent", wrong + aftermath(root, before, (old,)))


@pytest.mark.parametrize("turn", ROUNDS)
def test_everything_at_once(arena: Arena, turn: int) -> None:
    root = arena.prepared
    for _ in range(2):
        assert child(root, "create").returncode == 0
    good = checker.tree(root)
    change(root)
    before, old = checker.good(root), checker.tree(root)
    operations = ["create", "prune", "restore", "list", "create", "prune", "restore", "verify"]
    ended = _at_once(root, operations[turn % 8 :] + operations[: turn % 8])
    may_go = sorted(before)[:-1] if ("prune", 0) in ended else []
    # A backup that was taken first may be the newest then, and stays in place of all others.
    may_go = sorted(before) if may_go and ("create", 0) in ended else may_go
    after = good if ("restore", 0) in ended else old
    wrong = checker.violations(root, before=before, trees=(after,), may_go=may_go, tidy=True)
    # A restore finds its backup before it has the lock: one that a prune took meanwhile is not there any more.
    allowed = {"restore": (0, LOCKED, 2, 3), "verify": (0, LOCKED, 3)}
    wrong += [f"{each} ended with {code}" for each, code in ended if code not in allowed.get(each, (0, LOCKED))]
    if not checker.good(root):
        wrong.append("no good backup is left")
    judged("create, prune, restore, list, verify", "at once", "concurrent", wrong)
