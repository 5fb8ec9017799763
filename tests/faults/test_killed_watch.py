"""A watch that is killed at any tick: the next process goes on with it and never says more than the whole one would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import evolve, frozen

from dhash_guard.config import Configuration, load
from dhash_guard.errors import CannotTell
from dhash_guard.gates.watch import TickReport, Watch
from dhash_guard.ledger import samples
from dhash_guard.ledger.verify import verify
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Status
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import deployments
from dhash_guard.rollout.monitor import WatchOrders, monitor
from dhash_guard.rollout.run import open_run
from dhash_guard.system.http import NoAnswer, Trouble
from support.loopback import Loopback, body
from support.project import HEALTH_GATE, LENIENT, PROGRAM, Project, clean_environment
from support.watching import START, baseline
from support.world import Said, UnsyncedFiles, said, world

LOOKS = 60
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "service": "dhash",
    "environments": {
        "production": {
            "kind": "production",
            "base_url": "http://service",
            "signals": {
                "service": {
                    "kind": "http-json",
                    "path": "/metrics",
                    "values": {
                        "p95": {"at": "p95", "unit": "ms"},
                        "errors": {"part_at": "errors", "whole_at": "requests", "counter": True},
                    },
                }
            },
            "monitor": {"duration": f"{LOOKS - 1}s", "interval": "1s"},
            "gates": {
                "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"},
                "p95": {"signal": "p95", "fail_above": "2000ms", "consecutive": 3, "action": "rollback"},
                "mean": {"signal": "p95", "fail_above": "2000ms", "over": "10s", "aggregate": "mean", "action": "block"},
                "often": {"signal": "p95", "fail_above": "1500ms", "of_last": [4, 8], "action": "block"},
                "errors": {"signal": "errors", "fail_above": "5%", "min_samples": 20, "action": "block"},
                "successes": {"signal": "health.success_ratio", "fail_below": "70%", "min_samples": 5, "action": "block"},
            },
            "rollback": {"automatic": False},
        }
    },
}


def service(p95: Callable[[int], float | None]) -> Callable[[str, float], Said]:
    """A service that is well; what it measures in its n-th second is `p95`, or nothing where that is None."""

    def web(asked: str, now: float) -> Said:
        second = round(now - START)
        if asked == "/health":
            return said({"status": "ok"})
        value = p95(second)
        if value is None:
            return NoAnswer(Trouble.TIMEOUT, "no answer within 5 s")
        return said({"p95": value, "errors": second // 50, "requests": 10 * second})

    return web


GAPS = {7, 15, 16, 33, 40, 41, 52}
SERIES: dict[str, tuple[Callable[[str, float], Said], Status]] = {
    "good": (service(lambda second: 100.0), Status.HEALTHY),
    "bad from the twentieth tick on": (service(lambda second: 9000.0 if second >= 20 else 100.0), Status.DEGRADED),
    "bad for a moment": (service(lambda second: 9000.0 if 20 <= second <= 22 else 100.0), Status.DEGRADED),
    "with gaps": (service(lambda second: None if second in GAPS else 100.0), Status.HEALTHY),
    "gaps, then bad": (
        service(lambda second: None if second in GAPS else 9000.0 if second >= 38 else 100.0),
        Status.DEGRADED,
    ),
    "nothing at its end": (service(lambda second: None if second in GAPS or second >= 56 else 100.0), Status.CANNOT_TELL),
}


class Killed(BaseException):
    """The process is gone at this point: nothing after it is written."""


class KilledDisk(UnsyncedFiles):
    """The disk of a process that is killed at its n-th tick: before, in the middle of or after a write."""

    def __init__(self, moment: str, tick: int) -> None:
        self._moment = moment
        self._left = {"samples.jsonl": tick + 1, "state.json": tick + 1}
        self.dead = False

    def append(self, path: Path, content: bytes, *, durable: bool = False) -> None:
        self._alive()
        due = self._due(path)
        if due and self._moment == "before the tick is written":
            self._die()
        if due and self._moment == "in the middle of the line":
            super().append(path, content[: len(content) // 2], durable=durable)
            self._die()
        super().append(path, content, durable=durable)
        if due and self._moment == "before the note":
            self._die()

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        self._alive()
        due = b'"finished":false' in content and self._due(path)
        super().write_atomic(path, content, mode)
        if due and self._moment == "after the note":
            self._die()

    def _due(self, path: Path) -> bool:
        if path.name not in self._left:
            return False
        self._left[path.name] -= 1
        return self._left[path.name] == 0

    def _alive(self) -> None:
        assert not self.dead, "something was written after the process was killed"

    def _die(self) -> None:
        self.dead = True
        raise Killed


class Unseen:
    """Nobody looks on."""

    def show(self, watch: Watch, report: TickReport) -> None:
        pass

    def close(self) -> None:
        pass


@frozen
class Told:
    """How a watch ended, and what it said on its way."""

    evidence: Evidence
    lines: list[str]

    @property
    def status(self) -> Status:
        assert self.evidence.verdict is not None
        return self.evidence.verdict.status


def deployed(root: Path) -> Configuration:
    """A project with a deployment that waits for its verdict."""
    root.mkdir()
    (root / "dhash-guard.yml").write_text(yaml.safe_dump(CONFIGURATION))
    configuration = load(None, root, {})
    undecided(configuration)
    return configuration


def undecided(configuration: Configuration) -> None:
    """As it was before any watch: nothing is left of an earlier case."""
    shutil.rmtree(configuration.layout.state, ignore_errors=True)
    machine, _ = world(SERIES["good"][0], START)
    deployment = Deployment(
        id="the-deployment",
        environment="production",
        tag="next",
        commit="",
        begun_at=START - 30,
        newest_sequence=0,
        backup="",
        baseline=baseline(p95=0.1, health=0.0),
        state=DeploymentState.OPEN,
    )
    deployments.keep(machine, configuration, deployment)


def watched(configuration: Configuration, series: str, at: float, files: UnsyncedFiles | None = None) -> Told:
    """One process that watches, from opening its run to sealing it."""
    machine, _ = world(SERIES[series][0], at, files)
    lines: list[str] = []
    run = open_run(machine, configuration, "monitor", lines.append)
    return Told(monitor(run, WatchOrders(), Unseen()), lines)


def killed_at(configuration: Configuration, series: str, moment: str, tick: int) -> float | None:
    """When the process died; None where the watch had come to its end before."""
    disk = KilledDisk(moment, tick)
    machine, clock = world(SERIES[series][0], START, disk)
    run = open_run(machine, configuration, "monitor", lambda text: None)
    try:
        monitor(run, WatchOrders(), Unseen())
    except Killed:
        return clock.now()
    return None


def written(configuration: Configuration) -> int:
    """How many looks the newest run has in whole lines."""
    newest = max(path.parent.name for path in configuration.layout.runs("production").glob("*/state.json"))
    count = 0
    try:
        for _ in samples.read_linked(configuration.layout.run("production", newest) / "samples.jsonl"):
            count += 1
    except (ValueError, OSError):
        return count
    return count


def state_of(configuration: Configuration) -> DeploymentState:
    deployment = deployments.latest(configuration)
    assert deployment is not None
    return deployment.state


def proven(configuration: Configuration, told: Told) -> None:
    """The record of the run that ended verifies offline: hashes, samples and verdict."""
    path = configuration.layout.run("production", told.evidence.run.id) / "evidence.json"
    assert verify(configuration.layout, path).verdict == told.status.value


STATES = {
    Status.HEALTHY: DeploymentState.HEALTHY,
    Status.DEGRADED: DeploymentState.DEGRADED,
    Status.CANNOT_TELL: DeploymentState.HELD,
}


@pytest.mark.parametrize("series", SERIES)
def test_undisturbed(tmp_path: Path, series: str) -> None:
    configuration = deployed(tmp_path / "project")
    told = watched(configuration, series, START)
    assert told.status is SERIES[series][1], told.evidence.verdict
    proven(configuration, told)
    assert state_of(configuration) is STATES[told.status]


MOMENTS = ["before the tick is written", "in the middle of the line", "before the note", "after the note"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("series", SERIES)
def test_killed_at_every_tick(tmp_path: Path, series: str, moment: str) -> None:
    whole = SERIES[series][1]
    ended = 0
    configuration = deployed(tmp_path / "project")
    # Between two ticks and within one at every tick; the two moments that lie before a tick at every fifteenth.
    every = range(LOOKS) if moment in ("before the note", "after the note") else range(0, LOOKS, 15)
    for tick in every:
        undecided(configuration)
        died = killed_at(configuration, series, moment, tick)
        if died is None:
            ended += 1
            continue
        assert state_of(configuration) is DeploymentState.OPEN, "a watch that is gone decides nothing"
        before = written(configuration) if tick else 0
        told = watched(configuration, series, died + 0.4)
        at = f"killed {moment}, tick {tick}"
        # At the very end there is no time left to go on, and a watch of its own begins.
        assert told.status is whole or told.status is Status.CANNOT_TELL, (at, told.evidence.verdict)
        if before and died + 0.4 < START + LOOKS - 1:
            # Beside a gap of the service's own, the one that the kill made may be one too many.
            assert told.status is whole or series == "with gaps", (at, told.evidence.verdict)
            assert any(f": {before} looks so far" in line for line in told.lines), at
            assert told.evidence.verdict is not None
            assert told.evidence.verdict.started_at == START
        proven(configuration, told)
        assert state_of(configuration) is STATES[told.status]
    # The bad series end early: every tick up to their end was killed at.
    last = {"bad from the twentieth tick on": 22, "bad for a moment": 22, "gaps, then bad": 42}.get(series, LOOKS - 1)
    assert ended == sum(tick > last for tick in every)


@pytest.mark.parametrize("away", [1.6, 7.0, 25.0])
@pytest.mark.parametrize("series", [name for name in SERIES if name != "bad for a moment"])
def test_away_for_a_while(tmp_path: Path, series: str, away: float) -> None:
    """What nobody looked at is a gap: the answer is the same, or nobody can tell.

    A fault that comes and goes while nobody looks leaves no trace; how much of the watch may be missing is `coverage`.
    """
    whole = SERIES[series][1]
    configuration = deployed(tmp_path / "project")
    for tick in range(0, LOOKS, 10):
        undecided(configuration)
        died = killed_at(configuration, series, "after the note", tick)
        if died is None:
            continue
        told = watched(configuration, series, died + away)
        assert told.status is whole or told.status is Status.CANNOT_TELL, (tick, told.evidence.verdict)
        proven(configuration, told)


def test_what_was_seen_to_break_is_not_forgotten(tmp_path: Path) -> None:
    """Killed between the breach and its record, and taken up only when the hour is over and all is well again."""
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "bad for a moment", "after the note", 22) is not None
    told = watched(configuration, "bad for a moment", START + LOOKS + 600)
    assert told.status is Status.DEGRADED
    proven(configuration, told)


def test_what_had_seen_nothing_wrong_begins_anew(tmp_path: Path) -> None:
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "good", "after the note", 22) is not None
    told = watched(configuration, "good", START + LOOKS + 600)
    assert told.status is Status.HEALTHY
    assert told.evidence.verdict is not None
    assert told.evidence.verdict.started_at == START + LOOKS + 600


def planned(configuration: Configuration, duration: float, interval: float = 1.0) -> Configuration:
    """As a command line with other options has it, or a file that was edited meanwhile."""
    environment = configuration.environment
    plan = evolve(environment.monitor, duration=Seconds(duration), interval=Seconds(interval))
    digest = f"{duration} s, a look every {interval} s"
    return evolve(configuration, environment=evolve(environment, monitor=plan), digest=digest)


@pytest.mark.parametrize(("duration", "interval"), [(40.0, 1.0), (90.0, 1.0), (59.0, 2.0)])
def test_what_was_seen_to_break_is_not_forgotten_under_another_plan(
    tmp_path: Path, duration: float, interval: float
) -> None:
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "bad for a moment", "after the note", 22) is not None
    told = watched(planned(configuration, duration, interval), "bad for a moment", START + 25)
    assert told.status is Status.DEGRADED
    assert state_of(configuration) is DeploymentState.DEGRADED


def test_what_had_seen_nothing_wrong_begins_anew_under_another_plan(tmp_path: Path) -> None:
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "good", "after the note", 22) is not None
    told = watched(planned(configuration, 40.0), "good", START + 25)
    assert told.evidence.verdict is not None
    assert (told.status, told.evidence.verdict.started_at) == (Status.HEALTHY, START + 25)


def test_what_this_configuration_does_not_see_break_cannot_be_told(tmp_path: Path) -> None:
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "bad for a moment", "after the note", 22) is not None
    shorter = planned(configuration, 10.0)
    with pytest.raises(CannotTell, match="saw mean, p95 fail"):
        watched(shorter, "bad for a moment", START + 25)
    assert state_of(configuration) is DeploymentState.OPEN


def test_what_was_seen_to_break_without_a_deployment_is_not_forgotten_in_its_time(tmp_path: Path) -> None:
    configuration = deployed(tmp_path / "project")
    for later, status in ((25, Status.DEGRADED), (LOOKS + 600, Status.HEALTHY)):
        shutil.rmtree(configuration.layout.state)
        assert killed_at(configuration, "bad for a moment", "after the note", 22) is not None
        assert watched(configuration, "bad for a moment", START + later).status is status


def test_what_was_there_before_the_last_change_is_not_blamed_on_it(tmp_path: Path) -> None:
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "bad for a moment", "after the note", 22) is not None
    deployment = deployments.latest(configuration)
    assert deployment is not None
    machine, _ = world(SERIES["good"][0], START)
    deployments.keep(machine, configuration, evolve(deployment, changed_at=START + 24))
    assert watched(configuration, "bad for a moment", START + 25).status is Status.HEALTHY


def test_a_log_that_is_judged_between_hides_no_breach(tmp_path: Path) -> None:
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "bad for a moment", "after the note", 22) is not None
    log = tmp_path / "other.jsonl"
    log.write_text(json.dumps({"tick": 0, "at": START, "samples": {"p95": 0.1}}) + "\n")
    machine, _ = world(SERIES["good"][0], START + 24)
    run = open_run(machine, configuration, "monitor", lambda text: None)
    monitor(run, WatchOrders(recorded=log), Unseen())
    assert watched(configuration, "bad for a moment", START + 25).status is Status.DEGRADED


def test_killed_while_it_went_on_forgets_nothing(tmp_path: Path) -> None:
    configuration = deployed(tmp_path / "project")
    assert killed_at(configuration, "bad for a moment", "after the note", 22) is not None
    machine, _ = world(SERIES["good"][0], START + 24, KilledDisk("after the note", 10))
    run = open_run(machine, configuration, "monitor", lambda text: None)
    with pytest.raises(Killed):
        monitor(run, WatchOrders(), Unseen())
    assert watched(configuration, "bad for a moment", START + 26).status is Status.DEGRADED


def test_killed_again_and_again(tmp_path: Path) -> None:
    """Sixty processes, of which each sees one tick."""
    configuration = deployed(tmp_path / "project")
    at = START
    for _ in range(LOOKS - 2):
        seen = written(configuration) if at > START else 0
        disk = KilledDisk("after the note", seen)
        machine, clock = world(SERIES["good"][0], at, disk)
        run = open_run(machine, configuration, "monitor", lambda text: None)
        with pytest.raises(Killed):
            monitor(run, WatchOrders(), Unseen())
        assert written(configuration) == seen + 1
        at = clock.now() + 1.0
    told = watched(configuration, "good", at)
    assert told.status is Status.CANNOT_TELL
    assert told.evidence.verdict is not None
    # A counter's first look only sets its zero point, so sixty processes have counted nothing; all else was seen.
    unknown = [outcome.gate for outcome in told.evidence.verdict.outcomes if outcome.status is not Status.HEALTHY]
    assert unknown == ["errors"]
    assert told.evidence.samples is not None
    assert told.evidence.samples.count >= LOOKS - 1
    proven(configuration, told)


# The installed program, a real kill, and a real service.


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Loopback().serving() as service:
        yield Project(tmp_path / "project", service)


@pytest.mark.parametrize(("bad_from", "code", "status"), [(None, 0, "healthy"), (18, 5, "degraded")])
@pytest.mark.parametrize("tick", [1, 16])
def test_the_installed_program_is_killed_and_goes_on(
    project: Project, tick: int, bad_from: int | None, code: int, status: str
) -> None:
    project.environment["monitor"] = {"duration": "4s", "interval": "50ms", "extend_by": "20s", "baseline": 1}
    project.environment["gates"] = {"health": HEALTH_GATE, "p95": {"signal": "p95", "fail_above": "2000ms", **LENIENT}}
    project.write()
    project.deployed()
    first = len(project.service.asked)

    def metrics() -> tuple[int, bytes]:
        asked = sum("metrics" in path for path in project.service.asked[first:])
        return body({"p95": 9000.0 if bad_from is not None and asked >= bad_from else 100.0, "rate": 0.01})

    project.service.routes["/metrics"] = metrics
    child = subprocess.Popen([str(PROGRAM), "monitor"], cwd=project.root, env=clean_environment(), stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while sum("metrics" in path for path in project.service.asked[first:]) <= tick:
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    record = project.root / ".dhash-guard/deployments/production.json"
    assert json.loads(record.read_bytes())["state"] == "open"
    done = project.guard("monitor")
    assert "going on with the watch of" in done.err
    assert done.code in (code, 3), done.out + done.err
    verdict = project.evidence()["verdict"]
    assert verdict["status"] == (status if done.code == code else "cannot-tell")
    assert project.version == ("good" if done.code == 5 else "next")
    assert project.guard("evidence", "verify").code == 0
