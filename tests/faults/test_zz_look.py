"""Deploy, watch and rollback may die at any step: production never reads healthy without evidence, the next run goes on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from faults.release_arena import AFTER_THE_LEASE, LATER, Releases, Snapshot, Tree
from faults.table import judged

pytestmark = pytest.mark.skipif(
    "not hasattr(__import__('signal'), 'SIGKILL')", reason="needs signals; run on Linux or macOS"
)

DEPLOY = ("deploy", "--backup-first", "--force", "--tag")
BACK = ("rollback", "--force", "--reason", "it hurts")
MONITOR = ("monitor",)
GATE = ("gate", "--env", "mirror")


@frozen
class Case:
    """A command that dies, what was done before it, how it ends if nobody kills it, and what is tried afterwards, in turn."""

    command: tuple[str, ...]
    before: tuple[tuple[str, ...], ...]
    tag: str
    ends: int
    then: tuple[str, ...]


CASES = {
    "deploy": Case((*DEPLOY, "next"), (), "next", 0, ("again", "rollback", "monitor", "elsewhere")),
    "deploy that rolls back": Case((*DEPLOY, "bad"), (), "bad", 5, ("again", "rollback", "monitor", "elsewhere")),
    "watch": Case(MONITOR, ((*DEPLOY, "next"),), "next", 0, ("monitor", "rollback", "again")),
    "watch that rolls back": Case(MONITOR, ((*DEPLOY, "slow"),), "slow", 5, ("monitor", "rollback", "elsewhere")),
    "rollback": Case(BACK, ((*DEPLOY, "next"), MONITOR), "next", 0, ("rollback", "monitor", "again", "elsewhere")),
}

KEY = ("deployment record", "run sh", "PATCH", "POST deployments", "ledger", "evidence", "token", "journal", "exchange")
"""What the steps are called around which everything turns: the change, the record, the lock, the verdict."""

CLEAR = (0, 1, 3, 5, 6, 8)
"""How the next command may end: done, rolled back, or holding for a reason that has a code."""


def whole(tag: str) -> Tree:
    """What stands there where a release is in place entirely."""
    return f"{tag}\n".encode(), f'{{"schema": "{tag}"}}\n'.encode()


class Killings:
    """One case, killed wherever it is asked for; `outcomes` counts how the next commands ended."""

    def __init__(self, releases: Releases, name: str) -> None:
        self.releases, self.name, self.case = releases, name, CASES[name]
        self.outcomes: Counter[str] = Counter()
        self.start = self._prepared()
        self.known = releases.successes()
        done = releases.ask(self.case.command, self.start.env)
        assert done.code == self.case.ends, done.out + done.errors
        assert releases.violations(self.known) == []
        self.steps = done.steps

    def _prepared(self) -> Snapshot:
        """The first release is healthy in production, the second on staging; then what the case asks for."""
        releases, ahead, env = self.releases, -3600.0, {}
        for tag, commands in (("first", ((*DEPLOY, "first"), MONITOR)), (self.case.tag, self.case.before)):
            (releases.root / "notes.txt").write_text(tag)
            env = releases.here(tag)
            staging = (("deploy", "--env", "staging", "--force", "--tag", tag), ("monitor", "--env", "staging"))
            for command in (*staging, *commands):
                done = releases.ask(command, env, ahead)
                assert done.code == 0, done.out + done.errors
                ahead += LATER
        return releases.snapshot("start", env)

    def kill(self, step: int, when: str, then: str, *, cancel: bool = False, half: bool = False) -> None:
        """Kill it there, go on with `then`, and judge twice."""
        releases = self.releases
        releases.restore(self.start)
        releases.looked_at = releases.root
        env = self.start.env | ({"HALF": "yes"} if half else {})
        died = releases.ask(self.case.command, env, at=0 if half else step, when=when, cancel=cancel)
        assert died.killed or (cancel and "struck by SIGINT" in died.errors), f"not hit: {died.out}{died.errors}"
        wrong = [f"right after it: {one}" for one in releases.violations(self.known)]
        wrong += self._left_alone_elsewhere() + self._unproven("right after it")
        record = releases.record()
        undone = record is not None and record["state"] in ("begun", "rolling-back") and record["tag"] == self.case.tag
        wrong += self._gone_on(then, half=half) + releases.violations(self.known) + self._unproven("at last")
        if undone and then == "monitor" and releases.record()["state"] == "healthy":
            wrong.append("a watch called half a release healthy")
        fault = "cancelled" if cancel else f"killed {when}"
        print(self.name, step, when, then, self.steps[step-1], wrong) if wrong else None

    def _next(self, command: tuple[str, ...], ahead: float, root: Path | None = None) -> tuple[int, list[str]]:
        """A command of the job that is run again, and what is wrong with how it ended."""
        done = self.releases.ask(command, self.start.env | {"GITHUB_RUN_ATTEMPT": "2"}, ahead, root=root)
        wrong = [f"{command[0]} ended with {done.code}: {done.errors[-2000:]}"] if done.code not in CLEAR else []
        return done.code, wrong + (["a traceback"] if "Traceback" in done.errors else [])

    def _left_alone_elsewhere(self) -> list[str]:
        """While the lease lasts no other machine deploys."""
        if self.releases.holder() is None:
            return []
        code, wrong = self._next((*DEPLOY, self.case.tag), LATER, self.releases.elsewhere(self.start))
        return wrong + ([f"another machine deployed under a living lease: {code}"] if code != 8 else [])

    def _unproven(self, moment: str) -> list[str]:
        """The gate of the next environment says go only where the watch of this very commit is sealed."""
        releases = self.releases
        healthy = {one["run"]["commit"] for one in releases.sealed() if one["deployment"] in releases.healthy()}
        copy = releases.elsewhere(Snapshot(releases.root, b"", {}))
        code, wrong = self._next((*GATE,), 2 * LATER, copy)
        if code == 0 and self.start.env["GITHUB_SHA"] not in healthy:
            wrong.append(f"{moment}: the next environment's gate goes without evidence")
        return wrong

    def _gone_on(self, then: str, *, half: bool) -> list[str]:
        releases, tag = self.releases, self.case.tag
        if then == "elsewhere":
            there = releases.elsewhere(self.start)
            releases.looked_at = there
            code, wrong = self._next((*DEPLOY, tag), AFTER_THE_LEASE, there)
            if code == 8:
                wrong.append("the lease never ends")
        else:
            command = {"again": (*DEPLOY, tag), "rollback": BACK, "monitor": MONITOR}[then]
            code, wrong = self._next(command, LATER)
            if then == "again" and code == 0:
                code, more = self._next(MONITOR, 2 * LATER)
                wrong += more
            if then == "rollback" and code == 0 and releases.tree() != whole("first"):
                wrong.append("the rollback did not go back")
            if releases.tree() not in (whole("first"), whole(tag)) and not (half and code not in (0, 5)):
                wrong.append("the files are neither old nor new")
        self.outcomes[f"{then}: {code}"] += 1
        return wrong


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Releases]:
    with Releases.on(tmp_path) as made:
        yield made


@pytest.mark.parametrize("name", CASES)
def test_killed_around_what_everything_turns_on(releases: Releases, name: str) -> None:
    killings = Killings(releases, name)
    key = [n for n, step in enumerate(killings.steps, 1) if any(word in step for word in KEY)]
    others = sorted(set(range(1, len(killings.steps) + 1)) - set(key))
    chosen = sorted({*key, *random.Random(20261121).sample(others, len(others) // 12)})
    for number, step in enumerate(chosen):
        killings.kill(step, "before" if "run sh" in killings.steps[step - 1] else "after", killings.case.then[number % len(killings.case.then)])
    print(name, len(killings.steps), len(chosen), dict(killings.outcomes))
