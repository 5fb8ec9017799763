"""Yields the ticks of a watch: live ones when they are due, or those of a recorded log."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.records.sample import Absence, Tick
from dhash_guard.rollout.run import Guarded
from dhash_guard.signals import Sampler
from dhash_guard.system.redaction import Redactor


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
