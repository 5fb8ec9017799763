"""Decides how long a breach must last: a run of ticks, M of the last N, or an aggregate over a covered window."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from attrs import define, field, frozen

from dhash_guard.gates.reading import Level, Limits, plain
from dhash_guard.gates.settings import Aggregate, Gate
from dhash_guard.records.sample import Absence, Counts, Health, Value
from dhash_guard.records.units import Seconds, format_duration


@frozen(kw_only=True)
class Standing:
    """How a hold stands after a tick.

    `level` is None while nothing can be said, and then `reason_code` and `text` say why; otherwise FAIL means the
    breach has lasted as long as the gate asks. `strikes` is (so far, needed), for the eye.
    """

    level: Level | None
    reason_code: str
    text: str
    observed: float | None = None
    samples: int = 0
    strikes: tuple[int, int] | None = None


class Hold(Protocol):
    """Folds the values of one signal; `interval` is the planned distance of looks at that moment, in seconds."""

    def observe(self, at: float, interval: float, value: Value, limits: Limits) -> Standing: ...


def hold_of(gate: Gate, started_at: float) -> Hold:
    """The hold that a gate asks for; without one, a single breach is enough."""
    if gate.over is not None:
        return Window(gate.over, gate.aggregate or Aggregate.MEAN, gate.min_samples, started_at)
    if gate.of_last is not None:
        return OfLast(*gate.of_last, gate.min_samples)
    return Consecutive(gate.consecutive or 1, gate.min_samples)


@define
class Consecutive:
    """`needed` breaches in a row; an absence neither counts nor resets, `needed` absences in a row say nothing."""

    needed: int
    min_samples: int
    _run: int = 0
    _absent_run: int = 0
    _seen: int = 0
    _last: Standing | None = None

    def observe(self, at: float, interval: float, value: Value, limits: Limits) -> Standing:
        reduced = plain(value)
        if isinstance(reduced, Absence) and not reduced.unhealthy:
            self._absent_run += 1
            if self._absent_run >= self.needed or self._last is None:
                return _unknown(f"absent-{reduced.kind.value}", f"{reduced}, {self._absent_run} in a row", self._seen)
            return self._last
        self._absent_run = 0
        self._seen += 1
        level = _level(reduced, limits)
        self._run = self._run + 1 if level is Level.FAIL else 0
        enough = _sample_size(value, self._seen)
        if enough < self.min_samples:
            standing = _unknown("too-few-samples", f"n={enough}, needs {self.min_samples}", enough)
        else:
            standing = self._standing(reduced, level, limits, enough)
        self._last = standing
        return standing

    def _standing(self, value: float | Health | Absence, level: Level, limits: Limits, n: int) -> Standing:
        triggered = self._run >= self.needed
        how = f", {self._run} in a row (limit {self.needed})" if level is Level.FAIL and self.needed > 1 else ""
        return Standing(
            level=Level.FAIL if triggered else (Level.WARN if level is not Level.FINE else Level.FINE),
            reason_code="limit-crossed" if triggered else "within-limit",
            text=f"{_shown(value, limits)}{how}, n={n}",
            observed=value if isinstance(value, float) else None,
            samples=n,
            strikes=(self._run, self.needed),
        )


class OfLast:
    """`needed` breaches among the last `size` ticks; absences that could have been the missing ones say nothing."""

    def __init__(self, needed: int, size: int, min_samples: int) -> None:
        self.needed = needed
        self.min_samples = min_samples
        self._recent: deque[Level | None] = deque(maxlen=size)
        self._seen = 0

    def observe(self, at: float, interval: float, value: Value, limits: Limits) -> Standing:
        reduced = plain(value)
        level = None if isinstance(reduced, Absence) and not reduced.unhealthy else _level(reduced, limits)
        self._recent.append(level)
        self._seen += level is not None
        fails = sum(seen is Level.FAIL for seen in self._recent)
        unknown = sum(seen is None for seen in self._recent)
        size = self._recent.maxlen
        strikes = (fails, self.needed)
        enough = _sample_size(value, self._seen)
        if enough < self.min_samples:
            return _unknown("too-few-samples", f"n={enough}, needs {self.min_samples}", enough)
        if fails >= self.needed:
            return Standing(
                level=Level.FAIL,
                reason_code="limit-crossed",
                text=f"{_shown(reduced, limits)}, {fails} of the last {size} (limit {self.needed})",
                observed=reduced if isinstance(reduced, float) else None,
                samples=self._seen,
                strikes=strikes,
            )
        if unknown and fails + unknown >= self.needed:
            return _unknown("absent-in-window", f"{unknown} of the last {size} looks had no value", self._seen)
        return Standing(
            level=Level.WARN if fails or level is Level.WARN else Level.FINE,
            reason_code="within-limit",
            text=f"{_shown(reduced, limits)}, {fails} of the last {size} (limit {self.needed})",
            observed=reduced if isinstance(reduced, float) else None,
            samples=self._seen,
            strikes=strikes,
        )


@define
class Window:
    """An aggregate over the last `over` seconds; it speaks only when the window is covered without a long gap."""

    over: Seconds
    aggregate: Aggregate
    min_samples: int
    started_at: float
    _values: deque[tuple[float, float, Value]] = field(factory=deque)

    def observe(self, at: float, interval: float, value: Value, limits: Limits) -> Standing:
        reduced = plain(value)
        if isinstance(reduced, float):
            self._values.append((at, interval, value))
        start = at - self.over
        # The newest value at or before the start stays: it shows that the window is covered from its beginning.
        while len(self._values) > 1 and self._values[1][0] <= start + 1e-3:
            self._values.popleft()
        inner = [(when, sampled) for when, _, sampled in self._values if when > start + 1e-3]
        span = format_duration(self.over)
        if hole := self._hole(at, interval, start):
            return _unknown("window-not-covered", f"{hole} within {span}, n={len(inner)}", len(inner))
        n = self._sample_size([sampled for _, sampled in inner])
        if n < self.min_samples:
            return _unknown("too-few-samples", f"n={n} over {span}, needs {self.min_samples}", n)
        observed = aggregate_of([sampled for _, sampled in inner], self.aggregate)
        if observed is None:
            return _unknown("too-few-samples", f"no events to count over {span}", n)
        level = limits.level(observed)
        return Standing(
            level=level,
            reason_code="limit-crossed" if level is Level.FAIL else "within-limit",
            text=f"{self.aggregate.value} {limits.compare(observed)} over {span}, n={n}",
            observed=observed,
            samples=n,
        )

    def _hole(self, at: float, interval: float, start: float) -> str:
        """Say why the window is not covered, or nothing: too young, or a gap above two intervals."""
        if start < self.started_at - 1e-3:
            return f"only {format_duration(at - self.started_at)} watched"
        edges = [(start, interval), *((max(when, start), step) for when, step, _ in self._values), (at, interval)]
        for (one, step), (other, other_step) in pairwise(edges):
            if other - one > 2 * max(step, other_step) + 1e-3:
                return f"no value for {format_duration(other - one)}"
        return ""

    def _sample_size(self, values: Sequence[Value]) -> int:
        if self.aggregate is Aggregate.RATIO:
            return int(sum(value.whole for value in values if isinstance(value, Counts)))
        return len(values)


def aggregate_of(values: Sequence[Value], how: Aggregate) -> float | None:
    """One number from the values of a window; None where there is nothing to reckon with."""
    if how is Aggregate.RATIO:
        counts = [value for value in values if isinstance(value, Counts)]
        whole = math.fsum(count.whole for count in counts)
        return math.fsum(count.part for count in counts) / whole if whole > 0 else None
    numbers = [number for value in values if isinstance(number := plain(value), float)]
    if not numbers:
        return None
    match how:
        case Aggregate.LAST:
            return numbers[-1]
        case Aggregate.MAX:
            return max(numbers)
        case Aggregate.MIN:
            return min(numbers)
        case Aggregate.MEAN:
            # Clamped, because rounding may put the mean of equal values one bit above each of them.
            return min(max(math.fsum(numbers) / len(numbers), min(numbers)), max(numbers))
        case _:
            share = {Aggregate.MEDIAN: 0.5, Aggregate.P90: 0.9, Aggregate.P95: 0.95, Aggregate.P99: 0.99}[how]
            return percentile(numbers, share)


def percentile(numbers: Sequence[float], share: float) -> float:
    """The value at `share` of the sorted numbers, linear between neighbours (Hyndman and Fan 1996, type 7)."""
    ordered = sorted(numbers)
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def _sample_size(value: Value, seen: int) -> int:
    return int(value.whole) if isinstance(value, Counts) else seen


def _level(value: float | Health | Absence, limits: Limits) -> Level:
    """An absence that gets here was declared to mean unhealthy."""
    return Level.FAIL if isinstance(value, Absence) else limits.level(value)


def _shown(value: float | Health | Absence, limits: Limits) -> str:
    if isinstance(value, float):
        return limits.compare(value)
    return value.value if isinstance(value, Health) else str(value)


def _unknown(reason_code: str, text: str, samples: int) -> Standing:
    return Standing(level=None, reason_code=reason_code, text=text, samples=samples)
