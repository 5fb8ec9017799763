"""The clock jumps ten years forward and back: order, retention and the way back do not depend on it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults import checker
from faults.arena import change
from faults.installed import aftermath, arguments_of, guard
from faults.table import judged
from support.programs import program

if TYPE_CHECKING:
    from faults.arena import Arena

FORWARD, BACK = "+10y", "-10y"


def _at(when: str) -> list[str]:
    return [program("faketime", "faketime"), "-f", when]


def _sequence(root: Path, name: str) -> int:
    shown = subprocess.run(["unzip", "-p", name, "MANIFEST.jsonl"], cwd=root, capture_output=True, check=True)
    found: int = json.loads(shown.stdout.splitlines()[0])["sequence"]
    return found


def test_backups_stay_in_their_order(arena: Arena) -> None:
    root = arena.prepared
    for when in (FORWARD, BACK, "+0"):
        before = checker.good(root)
        done = guard(root, "backup", "create", under=_at(when))
        wrong = aftermath(root, before)
        new = set(checker.archives(root)) - set(before)
        if done.returncode or len(new) != 1 or max(checker.archives(root)) not in new:
            wrong.append(f"exit {done.returncode}, new: {new}: {done.stderr[-200:]}")
        judged("create", "at once", f"clock {when}", wrong)
    assert [_sequence(root, name) for name in checker.archives(root)] == [1, 2, 3, 4]


RULES = ["--keep-last 2", "--keep-daily 2", "--keep-within 1h", "--older-than 30d"]
SOME = ("--keep-last 2", "--keep-within 1h")


@pytest.mark.parametrize("rule", [pytest.param(r, marks=() if r in SOME else pytest.mark.full) for r in RULES])
def test_retention_decides_the_same_at_any_time(arena: Arena, rule: str) -> None:
    root = arena.prepared
    for when in (BACK, FORWARD, "+0"):
        assert guard(root, "backup", "create", under=_at(when)).returncode == 0
    names = checker.archives(root)

    def kept(when: str) -> list[str]:
        copy = arena.copy(f"at{when}") if when else root
        for name in (*names, *(f"{each}.sha256" for each in names)):
            (copy / name).write_bytes((root / name).read_bytes())
        done = guard(copy, "backup", "prune", *rule.split(), under=_at(when))
        assert done.returncode == 0, done.stderr
        assert checker.violations(copy, before=checker.good(copy)) == []
        return checker.archives(copy)

    found = {when: kept(when) for when in (BACK, "+0", FORWARD)}
    wrong = [] if len({tuple(each) for each in found.values()}) == 1 else [f"kept {found}"]
    wrong += [f"the newest went at {when}" for when, each in found.items() if names[-1] not in each]
    judged("prune", rule, "clock ±10 years", wrong)


@pytest.mark.parametrize("when", [FORWARD, BACK])
@pytest.mark.parametrize("operation", ["restore", "verify", "prune"])
def test_the_way_back_at_any_time(arena: Arena, when: str, operation: str) -> None:
    root = arena.prepared
    good = checker.tree(root)
    change(root)
    old, before = checker.tree(root), checker.good(root)
    done = guard(root, *arguments_of(operation, root), under=_at(when))
    wrong = [] if done.returncode == 0 else [f"it ended with {done.returncode}: {done.stderr[-200:]}"]
    wrong += checker.violations(root, before=before, trees=(good if operation == "restore" else old,))
    judged(operation, "at once", f"clock {when}", wrong)
