"""Runs the product's own judge over a labelled watch; its gates stand here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attrs import evolve
from benchmarks.judging.engines import Answer
from benchmarks.judging.traces import Trace

from dhash_guard.config.presets import gates_of
from dhash_guard.gates.baseline import baseline_of
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.watch import Watch
from dhash_guard.records.outcome import Decision, Status
from dhash_guard.records.sample import Tick, Value
from dhash_guard.records.units import Seconds
from dhash_guard.rollout.history import LOOKS

STARTED_AT = 1_700_000_000.0
STEP = 60.0

SIGNALS = {"latency": "health.latency", "errors": "error_rate"}

OURS: Mapping[str, Mapping[str, Gate]] = {
    family: {name: gate for name, gate in gates_of("default/errors").items() if gate.signal == signal}
    for family, signal in SIGNALS.items()
}
"""The gates that are compared, per family: those that are shipped."""


def scaled(gates: Mapping[str, Gate], by: float) -> dict[str, Gate]:
    """The same gates with other limits, for the frontier: the part of a ratio above 1, or the limit, times `by`."""
    found = {}
    for name, gate in gates.items():
        if gate.fail_ratio is not None:
            found[name] = evolve(gate, fail_ratio=1 + (gate.fail_ratio - 1) * by)
        elif gate.fail_above is not None:
            found[name] = evolve(gate, fail_above=evolve(gate.fail_above, value=gate.fail_above.value * by))
        else:
            found[name] = gate
    return found


@dataclass(frozen=True)
class Ours:
    """The product's watch with the gates of `OURS`, their limits times `scale`, and the newest `looks` from before.

    Sixty are what a collector or Prometheus has recorded; ten are what `deploy` takes itself where nobody has.
    """

    scale: float = 1.0
    looks: int = LOOKS

    def decide(self, trace: Trace) -> Answer:
        return judged(scaled(OURS[trace.family], self.scale), trace, self.looks)


def judged(gates: Mapping[str, Gate], trace: Trace, looks: int) -> Answer:
    """Replay one trace: a look a minute, no extension; the look of the rollback, or whether it could not tell."""
    signal = SIGNALS[trace.family]
    known = trace.before[-looks:]
    before = _ticks(signal, known, STARTED_AT - len(known) * STEP)
    duration = max(len(trace.after) - 1, 1) * STEP
    plan = WatchPlan(duration=Seconds(duration), interval=Seconds(STEP), extend_by=Seconds(0.0), baseline=len(before))
    watch = Watch(gates, plan, started_at=STARTED_AT, automatic=True, baseline=baseline_of(before, STARTED_AT))
    last = 0
    for tick in _ticks(signal, trace.after, STARTED_AT):
        last = tick.index
        if watch.observe(tick).ending is not None:
            break
    verdict = watch.verdict()
    if verdict.decision is Decision.ROLL_BACK:
        return Answer(last)
    return Answer(None, cannot_tell=verdict.status is Status.CANNOT_TELL)


def _ticks(signal: str, values: tuple[Value, ...], begin: float) -> list[Tick]:
    return [Tick(index, begin + index * STEP, {signal: value}) for index, value in enumerate(values)]
