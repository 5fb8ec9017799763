"""The last checkpoint: what is not recorded yet, and what may still be told, is waited for and not held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.config import Configuration, load
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout import deployments
from dhash_guard.rollout.monitor import WatchOrders, monitor
from dhash_guard.rollout.run import open_run
from support.watching import START
from support.world import Said, world

HOUR = 3600.0


class Unseen:
    """Nobody looks on."""

    def show(self, *shown: object) -> None: ...

    def close(self) -> None: ...


def nobody(asked: str, now: float) -> Said:
    raise AssertionError(f"a checkpoint over a log asked for {asked}")


def deployed(root: Path, **plan: Any) -> Configuration:
    """A deployment that began with START, and is judged at checkpoints."""
    environment = {
        "kind": "production",
        "base_url": "http://service",
        "signals": {"service": {"kind": "http-json", "path": "/", "values": {"p95": {"at": "p95", "unit": "s"}}}},
        "monitor": {"mode": "checkpoint", "duration": "60m", "interval": "30s"} | plan,
        "gates": {"p95": {"signal": "p95", "fail_above": "2000ms", "consecutive": 3, "action": "block"}},
    }
    whole = {"version": 1, "service": "dhash", "environments": {"production": environment}}
    (root / "dhash-guard.yml").write_text(json.dumps(whole))  # which is YAML
    configuration = load(root / "dhash-guard.yml", root, {}, "production")
    machine, _ = world(nobody, START)
    deployment = Deployment(
        id="the-deployment",
        environment="production",
        tag="next",
        commit="",
        begun_at=START,
        newest_sequence=0,
        backup="",
        baseline=None,
        state=DeploymentState.OPEN,
    )
    deployments.keep(machine, configuration, deployment)
    return configuration


def collected(configuration: Configuration, values: Sequence[float | None], late: float = 0.0) -> None:
    """What a collector wrote: a look every 30 seconds, the first of them `late` seconds after the start."""
    path = configuration.layout.collected("production")
    path.parent.mkdir(parents=True, exist_ok=True)
    looks = [
        {"tick": i, "at": START + late + 30.0 * i, "samples": {"p95": {"absent": "timeout"} if value is None else value}}
        for i, value in enumerate(values)
    ]
    path.write_text("".join(json.dumps(look) + "\n" for look in looks))


def judged(configuration: Configuration, after: float) -> tuple[Evidence, list[str]]:
    """The checkpoint so many seconds after the start, and what it said."""
    machine, _ = world(nobody, START + after)
    lines: list[str] = []
    run = open_run(machine, configuration, "monitor", lines.append)
    return monitor(run, WatchOrders(automatic=False), Unseen()), lines


def state(configuration: Configuration) -> DeploymentState:
    found = deployments.latest(configuration)
    assert found is not None
    return found.state


def test_a_look_that_is_due_is_waited_for(tmp_path: Path) -> None:
    """The look that closes the watch may come a whole interval after its end."""
    configuration = deployed(tmp_path)
    collected(configuration, [0.1] * 120, late=17.0)  # the last at T+59m47s
    told, lines = judged(configuration, HOUR + 5)
    assert (told.result, told.exit_code) == ("on-course", 3), "nobody may take it for healthy"
    assert state(configuration) is DeploymentState.OPEN
    assert any("judge again at" in line and "in 25s" in line for line in lines), lines
    collected(configuration, [0.1] * 121, late=17.0)
    told, _ = judged(configuration, HOUR + 30)
    assert (told.result, told.exit_code) == ("healthy", 0)
    assert state(configuration) is DeploymentState.HEALTHY


def test_a_look_that_never_comes_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    configuration = deployed(tmp_path)
    collected(configuration, [0.1] * 120)
    told, _ = judged(configuration, HOUR + 30)
    assert (told.result, told.exit_code) == ("cannot-tell", 3)
    assert state(configuration) is DeploymentState.HELD


def test_what_cannot_be_told_yet_is_extended(tmp_path: Path) -> None:
    configuration = deployed(tmp_path, extend_by="15m")
    collected(configuration, [0.1] * 60 + [None] * 62)
    told, lines = judged(configuration, HOUR + 60)
    assert (told.result, told.exit_code) == ("on-course", 3)
    assert state(configuration) is DeploymentState.OPEN
    assert any("judge again at" in line and "in 14m30s" in line for line in lines), lines
    told, _ = judged(configuration, HOUR + 15 * 60 + 30)
    assert (told.result, told.exit_code) == ("cannot-tell", 3)
    assert state(configuration) is DeploymentState.HELD


def test_what_can_be_told_at_the_end_is_not_extended(tmp_path: Path) -> None:
    configuration = deployed(tmp_path, extend_by="15m")
    collected(configuration, [0.1] * 123)
    assert judged(configuration, HOUR + 60)[0].result == "healthy"


@pytest.mark.parametrize(("after", "code"), [(1800.0, 0), (HOUR + 10, 0), (1.25 * HOUR + 10, 3)])
def test_only_while_a_checkpoint_is_to_come_it_is_exit_0(tmp_path: Path, after: float, code: int) -> None:
    configuration = deployed(tmp_path, checkpoints=["30m", "75m"], extend_by="15m")
    collected(configuration, [0.1] * 60 + [None] * 60)
    told, lines = judged(configuration, after)
    assert (told.result, told.exit_code) == ("on-course", code), lines
