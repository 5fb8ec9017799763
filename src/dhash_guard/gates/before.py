"""Decides whether a gate had failed before the deployment already, so that its breach is an old fault."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from attrs import evolve

from dhash_guard.gates.asked import plain_hold
from dhash_guard.gates.reading import Level, Limits, plain
from dhash_guard.gates.settings import Gate
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Value
from dhash_guard.records.units import Seconds

_Look = tuple[float, Value]
_NOTHING = Absence(AbsenceKind.EMPTY)


def degraded_before(gate: Gate, limits: Limits, baseline: Baseline | None) -> bool:
    """Whether the gate's own hold fires on the looks from before; a limit relative to them knows no old fault."""
    if baseline is None or gate.fail_ratio is not None:
        return False
    if not baseline.looks:
        return _by_summary(gate, limits, baseline)
    looks = [(tick.at, tick.samples.get(gate.signal, _NOTHING)) for tick in baseline.looks]
    known = [(at, value) for at, value in looks if _says(value)]
    return bool(known) and _fires(gate, limits, known)


def _says(value: Value) -> bool:
    reduced = plain(value)
    return not isinstance(reduced, Absence) or reduced.unhealthy


def _fires(gate: Gate, limits: Limits, looks: Sequence[_Look]) -> bool:
    """Fold the looks; the largest distance between two is taken for the interval, so that none of them is a gap."""
    times = [at for at, _ in looks]
    step = max((later - earlier for earlier, later in pairwise(times)), default=0.0) or 1.0
    started_at = times[0] - step
    hold = plain_hold(_shortened(gate, looks, times[-1] - started_at), limits, started_at)
    return any(hold.observe(at, step, value) is Level.FAIL for at, value in looks)


def _shortened(gate: Gate, looks: Sequence[_Look], span: float) -> Gate:
    """The gate with a hold that these looks can fill: of a longer run each must be bad, of a longer window all are taken.

    Of a ratio kept as counts `min_samples` stays: too few events prove no old fault, as they would prove no new one.
    """
    size, counted = len(looks), any(isinstance(value, Counts) for _, value in looks)
    return evolve(
        gate,
        consecutive=min(gate.consecutive, size) if gate.consecutive is not None else None,
        of_last=(min(gate.of_last[0], size), gate.of_last[1]) if gate.of_last is not None else None,
        over=Seconds(min(gate.over, span)) if gate.over is not None else None,
        min_samples=gate.min_samples if counted else min(gate.min_samples, size),
    )


def _by_summary(gate: Gate, limits: Limits, baseline: Baseline) -> bool:
    """Of a record without looks, as older ones are, what was in the middle decides; it cannot tell a growth."""
    if gate.fail_when is not None:
        return baseline.health is not None and limits.level(Health(baseline.health)) is Level.FAIL
    before = baseline.medians.get(gate.signal)
    growth = gate.aggregate is not None and gate.aggregate.grows
    return before is not None and not growth and limits.level(before.median) is Level.FAIL
