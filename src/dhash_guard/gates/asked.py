"""Decides which hold a gate asks for; without one, a single breach is enough."""

from __future__ import annotations

from dhash_guard.gates.comparison import RankTest
from dhash_guard.gates.holds import Consecutive, OfLast
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.reading import Limits
from dhash_guard.gates.sequential import SURE
from dhash_guard.gates.settings import Aggregate, Gate
from dhash_guard.gates.standing import Hold
from dhash_guard.gates.windows import Window
from dhash_guard.records.deployment import Baseline


def hold_of(gate: Gate, limits: Limits, plan: WatchPlan, baseline: Baseline | None, started_at: float) -> Hold:
    """A fresh hold for a watch that begins at `started_at` (UTC epoch seconds)."""
    if gate.test is not None and baseline is not None and gate.fail_ratio is not None and gate.at_least is not None:
        ratio, floor = gate.fail_ratio, gate.at_least.value
        before = tuple(max(value * ratio, value + floor) for value in baseline.medians[gate.signal].values)
        alpha = 1 - (gate.confidence if gate.confidence is not None else SURE)
        return RankTest(before, gate.over, alpha, plan.looks(), gate.min_samples, limits)
    return plain_hold(gate, limits, started_at)


def plain_hold(gate: Gate, limits: Limits, started_at: float) -> Hold:
    """The same of a gate that has no test."""
    if gate.over is not None:
        return Window(gate.over, gate.aggregate or Aggregate.MEAN, gate.min_samples, started_at, limits)
    if gate.of_last is not None:
        return OfLast(*gate.of_last, gate.min_samples, limits)
    return Consecutive(gate.consecutive or 1, gate.min_samples, limits)
