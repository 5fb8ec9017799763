"""Writes recorded logs in which one signal tells a story and every other one is harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dhash_guard.gates.baseline import baseline_of
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.sample import Counts, Health, Tick, Value
from support.watching import START, values

LOOKS = 121
"""An hour at thirty seconds, both ends included."""
STEP = 30.0

RUNNING = "health.success_ratio"
"""Kept as counts that run since the watch began: its stories say `ok` and `bad`."""

HARMLESS = {
    "health": "ok",
    "health.latency": "50ms",
    RUNNING: "ok",
    "host.cpu": "10%",
    "host.memory": "10%",
    "host.disk": "10%",
    "error_rate": "0%",
    "extraction_failure_rate": "0%",
    "low_confidence_queue": "0",
    "avg_hash_time": "10ms",
    "p95_hash_time": "100ms",
    "p95_latency": "100ms",
}

UNITS = {
    "error_rate": "fraction",
    "extraction_failure_rate": "fraction",
    "low_confidence_queue": "count",
    "avg_hash_time": "ms",
    "p95_hash_time": "ms",
    "p95_latency": "ms",
}
"""What an environment must have besides the machine and the health of the service."""


def environment(preset: str, *, counted: bool) -> dict[str, Any]:
    """What a preset needs to be read by: all signals, and an hour's watch; `counted` keeps the errors as counts."""
    at: dict[str, Any] = {name: {"at": name, "unit": unit} for name, unit in UNITS.items()}
    if counted:
        at["error_rate"] = {"part_at": "errors", "whole_at": "requests"}
    return {
        "signals": {
            "service": {"kind": "http-json", "path": "/metrics", "timeout": "2s", "values": at},
            "host": {"kind": "host"},
        },
        "monitor": {"duration": "60m", "interval": "30s", "baseline": 10},
        "gates": {"preset": preset},
    }


def hour(signal: str, story: str, *, counted: bool) -> list[Tick]:
    """An hour in which `signal` tells the story and is harmless after it, and all others are harmless throughout."""
    columns = {name: _column(name, story if name == signal else "", counted=counted) for name in HARMLESS}
    return [
        Tick(index, START + STEP * index, {name: column[index] for name, column in columns.items()})
        for index in range(LOOKS)
    ]


def _column(signal: str, story: str, *, counted: bool) -> list[Value]:
    calm = "0/100" if counted and signal == "error_rate" else HARMLESS[signal]
    told = list(values(story))
    assert len(told) <= LOOKS, story
    told += list(values(f"{LOOKS - len(told)}*{calm}")) if len(told) < LOOKS else []
    return list(_running(told)) if signal == RUNNING else told


def _running(told: list[Value]) -> Iterator[Value]:
    """Words become what was counted since the watch began; counts that a story gives by itself are left alone."""
    good = 0
    for number, value in enumerate(told, start=1):
        good += value is Health.HEALTHY
        yield value if isinstance(value, Counts) else Counts(good, number, running=True)


def write_log(path: Path, ticks: list[Tick]) -> None:
    """The ticks as a recorded log."""
    path.write_text("".join(json.dumps(tick.to_data()) + "\n" for tick in ticks))


def note_deployment(root: Path, signal: str, before: str) -> None:
    """Leave the record of an open deployment, before which the looks at `signal` were these."""
    looks = [Tick(i, START - 3600 + STEP * i, {signal: value}) for i, value in enumerate(values(before))]
    deployment = Deployment(
        id="before",
        environment="production",
        tag="next",
        commit="",
        begun_at=START - 60,
        newest_sequence=0,
        backup="",
        baseline=baseline_of(looks, START - 120),
        state=DeploymentState.OPEN,
    )
    path = root / ".dhash-guard" / "deployments" / "production.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical(to_data(deployment)))
