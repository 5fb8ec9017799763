"""Yields the ticks of a watch: live ones when they are due, or those of a recorded log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.ledger import samples
from dhash_guard.records.canonical import canonical
from dhash_guard.records.sample import Absence, Tick
from dhash_guard.rollout.run import Guarded
from dhash_guard.signals import Sampler
from dhash_guard.system.redaction import Redactor

STATE_FILE = "state.json"


def live(run: Guarded, plan: WatchPlan, sampler: Sampler, started_at: float, first_index: int) -> Iterator[Tick]:
    """Look when the plan says so, for ever; the caller stops.

    Moments are reckoned from the monotonic clock, so that a jump of the wall clock moves no tick.
    """
    clock = run.machine.clock
    origin = clock.monotonic() - (clock.now() - started_at if first_index else 0.0)
    index = first_index
    while True:
        elapsed = clock.monotonic() - origin
        yield sampler.look(index, round(started_at + elapsed, 3))
        index += 1
        elapsed = clock.monotonic() - origin
        clock.sleep(plan.next_due(elapsed) - elapsed)


def without_secrets(tick: Tick, redactor: Redactor) -> Tick:
    """One form is judged, recorded and shown: with secrets already masked in what a service answered."""
    samples = {
        name: evolve(value, detail=redactor.text(value.detail)) if isinstance(value, Absence) else value
        for name, value in tick.samples.items()
    }
    return Tick(tick.index, tick.at, samples)


@frozen
class Unfinished:
    """A watch over the same deployment that was killed: when it began, what it had seen, and whether its time is over."""

    run: str
    started_at: float
    ticks: tuple[Tick, ...]
    late: bool = False


def note_state(run: Guarded, **state: Any) -> None:
    """Write how far the watch has come, after each tick."""
    run.machine.files.make_directory(run.folder)
    facts = {"run": run.facts.id, "configuration": run.configuration.digest, **state}
    run.machine.files.write_atomic(run.folder / STATE_FILE, canonical(facts))


def unfinished(run: Guarded, plan: WatchPlan, deployment: str) -> Unfinished | None:
    """The newest killed watch over the same deployment with the same configuration, which this one may continue."""
    now = run.machine.clock.now()
    for folder in sorted(_folders(run.configuration.layout.runs(run.environment)), reverse=True):
        state = _state(folder / STATE_FILE)
        if state.get("deployment") != deployment or state.get("configuration") != run.configuration.digest:
            continue
        started_at = state.get("started_at")
        if state.get("finished") or not isinstance(started_at, float):
            return None
        late = now >= started_at + plan.duration + plan.extend_by
        return Unfinished(folder.name, started_at, tuple(_intact(folder / "samples.jsonl")), late)
    return None


def _folders(path: Path) -> list[Path]:
    return [entry for entry in path.iterdir() if entry.is_dir()] if path.is_dir() else []


def _state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _intact(path: Path) -> Iterator[Tick]:
    """The recorded ticks up to the first line that is torn or changed."""
    try:
        yield from samples.read_linked(path)
    except (OSError, ValueError):
        return
