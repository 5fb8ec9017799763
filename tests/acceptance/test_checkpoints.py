"""Judging what was recorded, at checkpoints: on course, healthy, degraded, or cannot tell; and the collector."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.project import PROGRAM, Project, clean_environment
from support.prometheus import serving

CHECKPOINTS = ["5m", "15m", "30m", "60m"]
HOUR = {"mode": "checkpoint", "checkpoints": CHECKPOINTS, "duration": "60m", "interval": "30s", "baseline": 1}
P95 = {"signal": "p95", "fail_above": "2000ms", "consecutive": 3, "action": "rollback"}
MINUTE = 60.0


@pytest.fixture
def hourly(project: Project) -> Project:
    """An hour that is judged at checkpoints, by p95 alone."""
    project.environment["monitor"] = dict(HOUR)
    project.environment["gates"] = {"p95": dict(P95)}
    project.write()
    return project


def ago(minutes: float) -> float:
    """So many minutes ago, at a whole second."""
    return float(int(time.time() - minutes * MINUTE))


def written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def log_of(project: Project) -> Path:
    return project.root / ".dhash-guard/collected/production.jsonl"


def collected(project: Project, start: float, values: Sequence[Any], *, step: float = 30.0, name: str = "p95") -> None:
    """What a collector would have written: a value at each step."""
    path = log_of(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    ticks = [{"tick": i, "at": start + step * i, "samples": {name: value}} for i, value in enumerate(values)]
    path.write_text("".join(json.dumps(tick) + "\n" for tick in ticks))


@contextmanager
def collecting(project: Project) -> Iterator[subprocess.Popen[bytes]]:
    """A collector that has written a look, and is told to end when the block does."""
    before = looks(project)
    quiet = subprocess.DEVNULL
    command = [str(PROGRAM), "monitor", "--collect"]
    child = subprocess.Popen(command, cwd=project.root, env=clean_environment(), stdout=quiet, stderr=quiet)
    try:
        until(lambda: looks(project) > before)
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=20)


def looks(project: Project) -> int:
    path = log_of(project)
    return path.read_bytes().count(b"\n") if path.exists() else 0


def until(condition: Callable[[], bool], limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def state(project: Project) -> Any:
    return json.loads((project.root / ".dhash-guard/deployments/production.json").read_bytes())


def test_a_collectors_log_is_on_course_and_then_healthy(hourly: Project) -> None:
    hourly.environment["monitor"] |= {"interval": "500ms"}
    del hourly.environment["monitor"]["checkpoints"]
    hourly.environment["gates"]["p95"]["coverage"] = "20%"
    hourly.write()
    with collecting(hourly):
        hourly.deployed()
        until(lambda: time.time() > state(hourly)["begun_at"] + 2)
        done = hourly.guard("monitor")
        assert done.code == 0, done.err
        assert "the next checkpoint is at" in done.err
        assert state(hourly)["state"] == "open"
        evidence = hourly.evidence()
        assert (evidence["result"], evidence["verdict"]["status"]) == ("on-course", "cannot-tell")
        assert (evidence["verdict"]["decision"], evidence["verdict"]["reason_code"]) == ("hold", "cut-short")
        assert hourly.guard("evidence", "verify").code == 0
        done = hourly.guard("monitor", "--duration", "1s")
    assert done.code == 0, done.err + done.out
    evidence = hourly.evidence()
    assert (evidence["result"], evidence["verdict"]["ending"]) == ("healthy", "planned")
    assert evidence["verdict"]["started_at"] == pytest.approx(state(hourly)["begun_at"], abs=0.001)
    assert not evidence["judged"]["recorded"]
    assert state(hourly)["state"] == "healthy"


def test_what_a_collector_saw_before_a_deployment_is_its_baseline(hourly: Project) -> None:
    hourly.environment["monitor"] |= {"baseline": 2}
    hourly.write()
    collected(hourly, ago(50), [float(index % 7) for index in range(101)])
    assert "looks recorded before" in hourly.deployed().out
    assert state(hourly)["baseline"]["medians"]["p95"]["count"] == pytest.approx(60, abs=1)
    assert state(hourly)["baseline"]["medians"]["health.latency"]["count"] == 2
    hourly.deployed("v3")  # what the release before it did is not in its baseline
    assert state(hourly)["baseline"]["medians"]["p95"]["count"] == 2


def test_a_collector_that_stopped_is_said_and_does_without(hourly: Project) -> None:
    collected(hourly, ago(50), [1.0] * 90)
    done = hourly.deployed()
    assert "ends at" in done.err
    assert "the baseline does without it" in done.err
    assert state(hourly)["baseline"]["medians"]["p95"]["count"] == 1


def test_an_hour_from_a_log_is_healthy(hourly: Project) -> None:
    start = ago(61)
    collected(hourly, start - 30 * MINUTE, [9.0] * 60 + [0.1] * 121)
    done = hourly.guard("monitor", "--since", written(start))
    assert done.code == 0, done.err + done.out
    evidence = hourly.evidence()
    assert (evidence["result"], evidence["samples"]["count"]) == ("healthy", 121)
    done = hourly.guard("evidence", "verify")
    assert (done.code, "lead again to: healthy" in done.out) == (0, True), done.err


def test_what_was_bad_is_degraded_at_the_next_checkpoint(hourly: Project) -> None:
    start = ago(6)
    collected(hourly, start, [0.1] * 4 + [9.0] * 8)
    done = hourly.guard("monitor", "--since", written(start), "--no-rollback")
    assert done.code == 1, done.err
    assert hourly.evidence()["verdict"]["gate"] == "p95"
    assert hourly.guard("evidence", "verify").code == 0


def test_a_bad_deployment_is_rolled_back_at_the_next_checkpoint(hourly: Project) -> None:
    hourly.deployed()
    begun = state(hourly)["begun_at"]
    collected(hourly, begun + 0.001, [9.0] * 3, step=0.01)
    done = hourly.guard("monitor")
    assert done.code == 5, done.err + done.out
    assert hourly.version == "good"


def test_a_weeks_good_events_do_not_thin_out_what_is_broken_now(hourly: Project) -> None:
    hourly.environment["gates"] = {"rate": {"signal": "rate", "fail_above": "5%", "consecutive": 3, "action": "block"}}
    hourly.write()
    start = ago(6)
    counts = [{"part": 3.0 * i, "whole": 1e6 + 10.0 * i, "running": True} for i in range(12)]
    collected(hourly, start, counts, name="rate")
    done = hourly.guard("monitor", "--since", written(start))
    assert done.code == 1, done.err


def test_without_any_recorded_series_nothing_can_be_told(hourly: Project) -> None:
    hourly.deployed()
    done = hourly.guard("monitor")
    assert done.code == 3, done.err
    assert "has no recorded series" in done.err
    assert state(hourly)["state"] == "held"
    assert hourly.guard("monitor").code == 3, "a held deployment stays undecided"


def test_a_log_that_began_too_late_is_left_out(hourly: Project) -> None:
    start = ago(30)
    collected(hourly, start + 10 * MINUTE, [0.1] * 40)
    done = hourly.guard("monitor", "--since", written(start))
    assert (done.code, "does not cover" in done.err) == (3, True), done.err


def test_a_gate_that_cannot_tell_yet_is_named_and_at_the_end_holds(hourly: Project) -> None:
    hourly.environment["gates"]["rate"] = {"signal": "rate", "fail_above": "5%", "action": "rollback"}
    hourly.write()
    for minutes, code, word in ((6, 0, "warning: rate cannot tell so far"), (61, 3, "cannot-tell: rate")):
        start = ago(minutes)
        collected(hourly, start, [0.1] * (minutes * 2))
        done = hourly.guard("monitor", "--since", written(start))
        assert (done.code, word in done.err) == (code, True), done.err


def test_a_collector_that_stopped_is_told_and_never_healthy(hourly: Project) -> None:
    for minutes, code in ((20, 0), (61, 3)):
        start = ago(minutes)
        collected(hourly, start, [0.1] * 10)
        done = hourly.guard("monitor", "--since", written(start))
        assert (done.code, "does the collector still run?" in done.err) == (code, True), done.err
        assert hourly.evidence()["verdict"]["status"] == "cannot-tell"


def test_the_gate_does_not_take_on_course_for_healthy(hourly: Project) -> None:
    commit = ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "one"]
    for command in (["init", "-q"], ["add", "."], commit):
        subprocess.run(["git", *command], cwd=hourly.root, check=True)
    hourly.settings["environments"]["staging"] = dict(hourly.environment, kind="staging")
    hourly.environment["requires"] = {"monitored": {"environment": "staging", "verdict": "healthy", "within": "1h"}}
    hourly.write()
    for minutes, code in ((61, 0), (6, 3)):
        start = ago(minutes)
        collected(hourly, start, [0.1] * (minutes * 2))
        shutil.copy(log_of(hourly), log_of(hourly).with_name("staging.jsonl"))
        assert hourly.guard("monitor", "--env", "staging", "--since", written(start)).code == 0
        done = hourly.guard("gate", "--env", "production")
        assert done.code == code, done.err


def test_a_start_has_to_be_known(hourly: Project) -> None:
    done = hourly.guard("monitor")
    assert (done.code, "--since" in done.err) == (2, True), done.err
    assert hourly.guard("monitor", "--since", "2026-11-21 04:00").code == 2
    assert hourly.guard("monitor", "--since", written(ago(-5))).code == 2
    hourly.environment["monitor"] = {"duration": "1s", "interval": "100ms"}
    hourly.write()
    assert hourly.guard("monitor", "--since", written(ago(5))).code == 2, "a watch begins now"


def test_a_collector_that_is_told_to_end_leaves_whole_lines_and_goes_on(project: Project) -> None:
    project.environment["gates"] = {}
    project.environment["monitor"] = {"duration": "60m", "interval": "50ms"}
    project.write()
    with collecting(project) as first:
        until(lambda: looks(project) >= 3)
        assert project.guard("monitor", "--collect").code == 8, "two would mix their lines"
    assert first.returncode == 0
    path = log_of(project)
    with path.open("ab") as half:  # what a killed one leaves
        half.write(b'{"tick": 99, "at')
    with collecting(project) as second:
        pass
    assert second.returncode == 0
    ticks = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert path.read_bytes().endswith(b"\n")
    assert [tick["tick"] for tick in ticks] == list(range(len(ticks)))
    times = [tick["at"] for tick in ticks]
    assert times == sorted(set(times))
    assert ticks[0]["samples"]["p95"] == 0.1
    assert "deployments" not in os.listdir(project.root / ".dhash-guard")


def test_what_was_collected_elsewhere_can_be_judged_as_a_log(project: Project) -> None:
    done = project.guard("monitor", "--collect", "looks.jsonl", "--duration", "600ms")
    assert done.code == 0, done.err
    assert not log_of(project).exists()
    assert project.guard("monitor", "--recorded", "looks.jsonl").code == 0


def test_a_dry_run_of_a_collector_says_what_it_would_write_and_writes_nothing(hourly: Project) -> None:
    before = {path: path.stat().st_mtime_ns for path in hourly.root.rglob("*")}
    began = time.monotonic()
    done = hourly.guard("monitor", "--collect", "--dry-run")
    assert done.code == 0, done.err
    assert time.monotonic() - began < MINUTE, "an hour of looks that nobody keeps"
    assert f"would write a look every 30s for 1h, into {log_of(hourly)}" in done.out
    assert "just now 5 of 5 signals had a value" in done.out
    assert "looks written" not in done.out
    assert "nothing was changed" in done.out
    assert {path: path.stat().st_mtime_ns for path in hourly.root.rglob("*")} == before


def test_a_dry_run_of_a_collector_finds_what_would_stop_it(hourly: Project) -> None:
    collected(hourly, ago(-60), [0.1])
    before = log_of(hourly).read_bytes()
    done = hourly.guard("monitor", "--collect", "--dry-run")
    assert (done.code, "clock says" in done.err) == (3, True), done.err
    assert log_of(hourly).read_bytes() == before


def test_a_dry_run_of_a_collector_does_not_mend_the_log(hourly: Project) -> None:
    collected(hourly, ago(5), [0.1] * 3)
    with log_of(hourly).open("ab") as half:
        half.write(b'{"tick": 3, "at')
    before = log_of(hourly).read_bytes()
    done = hourly.guard("monitor", "--collect", str(log_of(hourly)), "--dry-run", "--json")
    assert (done.code, done.json["result"]) == (0, "planned"), done.err
    assert log_of(hourly).read_bytes() == before


def test_a_collector_never_goes_back_in_time(hourly: Project) -> None:
    collected(hourly, ago(-60), [0.1])
    before = log_of(hourly).read_bytes()
    done = hourly.guard("monitor", "--collect", "--duration", "60s")
    assert (done.code, log_of(hourly).read_bytes()) == (3, before), done.err


def test_the_last_checkpoint_over_a_real_prometheus(hourly: Project, tmp_path: Path) -> None:
    start = ago(61)
    points = [(start + 15 * index, 120.0) for index in range(245)]
    with serving(tmp_path / "server", {"p95_ms": points, "slow_ms": [(at, 9000.0) for at, _ in points]}) as server:
        for query, code in (("max(p95_ms)", 0), ("max(slow_ms)", 1), ("nobody_recorded_this", 3)):
            values = {"p95": {"query": query, "unit": "ms"}}
            hourly.environment["signals"] = {"central": {"kind": "prometheus", "url": server.url, "values": values}}
            hourly.write()
            done = hourly.guard("monitor", "--since", written(start), "--no-rollback")
            assert done.code == code, done.err + done.out
            assert hourly.guard("evidence", "verify").code == 0
