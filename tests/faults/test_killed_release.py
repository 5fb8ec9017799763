"""Deploy, watch and rollback may die at any step: production never reads healthy without evidence, the next run goes on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
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
    """A command that dies, what was done before it, how it ends if nobody kills it, and what is tried then, in turn."""

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


def released(releases: Releases, tag: str, commands: tuple[tuple[str, ...], ...], name: str) -> Snapshot:
    """A new commit whose release is healthy on staging, and then these commands in production; kept under `name`."""
    (releases.root / "notes.txt").write_text(tag)
    env, ahead = releases.here(tag), -7200.0 if tag == "first" else -3600.0
    for command in (("deploy", "--env", "staging", "--force", "--tag", tag), ("monitor", "--env", "staging"), *commands):
        done = releases.ask(command, env, ahead)
        assert done.code == 0, done.out + done.errors
        ahead += LATER
    return releases.snapshot(name, env)


class Killings:
    """One case, killed wherever it is asked for; `outcomes` counts how the next commands ended."""

    def __init__(self, releases: Releases, healthy: Snapshot, name: str) -> None:
        """`healthy` is how everything stands with a release before in place."""
        self.releases, self.name, self.case = releases, name, CASES[name]
        self.outcomes: Counter[str] = Counter()
        self.begun = False
        releases.restore(healthy)
        self.start = released(releases, self.case.tag, self.case.before, name)
        self.known = releases.successes()
        done = releases.ask(self.case.command, self.start.env)
        assert done.code == self.case.ends, done.out + done.errors
        assert releases.violations(self.known) == []
        self.steps = done.steps

    @property
    def first(self) -> int:
        """The first step that no other case has."""
        bad = "run sh" if self.name == "deploy that rolls back" else ""
        return next(n for n, step in enumerate(self.steps, 1) if bad in step)

    def held(self) -> None:
        """Assert that other machines met a living lease, where the command holds one."""
        assert self.name == "watch" or self.outcomes.pop("elsewhere, the lease lives: 8", 0) > 1

    def kill(self, step: int, when: str, then: str, *, cancel: bool = False, half: bool = False) -> None:
        """Kill it there, go on with `then`, and judge twice."""
        releases = self.releases
        releases.restore(self.start)
        env = self.start.env | ({"HALF": "yes"} if half else {})
        died = releases.ask(self.case.command, env, at=0 if half else step, when=when, cancel=cancel)
        assert died.killed or (cancel and "struck by SIGINT" in died.errors), f"not hit: {died.out}{died.errors}"
        wrong = [f"cancelled, it ended with {died.code}"] if not died.killed and died.code not in CLEAR else []
        wrong += [f"right after it: {one}" for one in releases.violations(self.known)]
        wrong += self._left_alone_elsewhere() + self._unproven(releases.elsewhere(Snapshot(releases.root, b"", {})))
        record = releases.record()
        self.begun = record["tag"] == self.case.tag
        undone = self.begun and record["state"] in ("begun", "rolling-back")
        wrong += self._gone_on(then, half=half) + releases.violations(self.known)
        if then in ("again", "monitor"):
            wrong += self._unproven(releases.root)
        if record["state"] == "healthy" and then in ("again", "monitor") and record["record"] not in releases.successes():
            wrong.append("GitHub never learns of a healthy release")
        if undone and then == "monitor" and releases.record()["state"] == "healthy":
            wrong.append("a watch called half a release healthy")
        fault = "cancelled" if cancel else f"killed {when}"
        judged(self.name, "in the middle of run sh" if half else self.steps[step - 1], fault, wrong)

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
        self.outcomes[f"elsewhere, the lease lives: {code}"] += 1
        return wrong + ([f"another machine deployed under a living lease: {code}"] if code != 8 else [])

    def _unproven(self, root: Path) -> list[str]:
        """The gate of the next environment says go only where the watch of this very commit is sealed."""
        proven = self.releases.healthy()
        healthy = {one["run"]["commit"] for one in self.releases.sealed() if one["deployment"] in proven}
        code, wrong = self._next(GATE, 3 * LATER, root)
        if code == 0 and self.start.env["GITHUB_SHA"] not in healthy:
            wrong.append("the next environment's gate goes without evidence")
        if code == 0 and self.releases.record()["state"].startswith("roll"):
            wrong.append("the next environment's gate goes for what is taken back")
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
            # Where the release never began, the one to undo is the first.
            old = whole("first" if self.begun else "none")
            if then == "rollback" and code == 0 and releases.tree() != old:
                wrong.append("the rollback did not go back")
            if releases.tree() not in (old, whole("first"), whole(tag)) and not (half and code not in (0, 5)):
                wrong.append("the files are neither old nor new")
        self.outcomes[f"{then}: {code}"] += 1
        return wrong


Cases = Callable[[str], Killings]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    """Each case by its name, prepared once."""
    with Releases.on(tmp_path_factory.mktemp("releases")) as releases:
        healthy = released(releases, "first", ((*DEPLOY, "first"), MONITOR), "first")
        made: dict[str, Killings] = {}

        def prepared(name: str) -> Killings:
            if name not in made:
                made[name] = Killings(releases, healthy, name)
            made[name].outcomes.clear()
            return made[name]

        yield prepared


@pytest.mark.parametrize("name", CASES)
def test_killed_around_what_everything_turns_on(cases: Cases, name: str) -> None:
    """Every third of the change, the record, the lock and the verdict; of the other steps three that chance chose once."""
    killings = cases(name)
    key = [n for n, step in enumerate(killings.steps, 1) if any(word in step for word in KEY) and n >= killings.first]
    others = sorted(set(range(killings.first, len(killings.steps) + 1)) - set(key))
    chosen = sorted({*key[::3], *random.Random(20261121).sample(others, 3)})
    for number, step in enumerate(chosen):
        killings.kill(step, "after", killings.case.then[number % len(killings.case.then)])
    killings.held()
    assert sum(killings.outcomes.values()) >= len(chosen) > 3


@pytest.mark.full
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("name", CASES)
def test_killed_before_and_after_every_step(cases: Cases, name: str, part: int) -> None:
    killings = cases(name)
    plans = [(n, when) for n in range(1, len(killings.steps) + 1) for when in ("before", "after")]
    for number, (step, when) in list(enumerate(plans))[part::8]:
        killings.kill(step, when, killings.case.then[(number // 8 + part) % len(killings.case.then)])
    killings.held()
    killings.releases.restore(killings.start)
    beyond = killings.releases.ask(killings.case.command, killings.start.env, at=len(killings.steps) + 1)
    assert not beyond.killed


@pytest.mark.parametrize("then", ["again", "rollback", "monitor"])
def test_killed_in_the_middle_of_the_projects_own_command(cases: Cases, then: str) -> None:
    """Half of the files are new: the next run deploys all of it, or goes back, or says that a person is needed."""
    killings = cases("deploy")
    killings.kill(1, "before", then, half=True)
    killings.outcomes.pop("elsewhere, the lease lives: 8")
    assert list(killings.outcomes) == [{"again": "again: 0", "rollback": "rollback: 0", "monitor": "monitor: 6"}[then]]
    expected = {"again": whole("next"), "rollback": whole("first"), "monitor": (b"next\n", whole("first")[1])}[then]
    assert killings.releases.tree() == expected


CANCELLED = {
    "deploy": ("run sh",),
    "deploy that rolls back": ("run sh", "exchange"),
    "watch": ("samples",),
    "watch that rolls back": ("samples", "exchange"),
    "rollback": ("exchange",),
}
"""The steps at which each is cancelled, besides those that all of them have."""


@pytest.mark.parametrize("name", CASES)
def test_cancelled_as_a_runner_does(cases: Cases, name: str) -> None:
    """INT, a little later TERM, and then KILL, whatever is done in between."""
    killings = cases(name)
    words = ("take lock", "evidence", "POST deployments/statuses", *CANCELLED[name])
    points = {word: next((n for n, step in enumerate(killings.steps, 1) if word in step), 0) for word in words}
    assert all(points.values()), f"no such step: {points}"
    for number, step in enumerate(sorted({*points.values()})):
        killings.kill(step, "after", killings.case.then[number % len(killings.case.then)], cancel=True)
