"""Decides what an aggregate over the last minutes says, and whether the window is covered without a long gap."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import takewhile

from attrs import define, field

from dhash_guard.gates.aggregates import SHARES, Look, aggregate_of, pooled
from dhash_guard.gates.foresight import DOUBT, Ahead, Line, stays_within
from dhash_guard.gates.reading import Level, Limits, plain
from dhash_guard.gates.settings import Aggregate
from dhash_guard.gates.slope import Slope
from dhash_guard.gates.standing import Folded, Standing, unknown
from dhash_guard.records.sample import Counts, Health, Value
from dhash_guard.records.units import Seconds, format_duration

_EPS = 1e-3
_RESUM = 4096
"""After so many looks the running sums are made anew, so that rounding cannot gather."""
_DOUBTFUL_TREND = 1e-6
"""As DOUBT for a running slope, in which more rounding gathers."""


@define
class Window:
    """An aggregate over the last `over` seconds; it speaks only when the window is covered without a long gap."""

    over: Seconds
    aggregate: Aggregate
    min_samples: int
    started_at: float
    limits: Limits
    _looks: deque[Look] = field(factory=deque)
    _holes: deque[tuple[float, float, float]] = field(factory=deque)
    _at: float = field(init=False)
    _interval: float = 0.0
    _last: float = field(init=False)
    _reach: float = 0.0
    _sum: float = 0.0
    _part: float = 0.0
    _whole: float = 0.0
    _largest: float = 0.0
    _since_resum: int = 0
    _lines: tuple[Line, ...] = field(init=False)
    _slope: Slope | None = None
    """While some looks are folded at once; what looks live reckons a trend from the numbers."""

    def __attrs_post_init__(self) -> None:
        self._at = self._last = self.started_at
        self._lines = Line.of(Level.FAIL, self.limits.fail) + Line.of(Level.WARN, self.limits.warn)

    def observe(self, at: float, interval: float, value: Value) -> Level | None:
        reduced = plain(value)
        self._at, self._interval = at, interval
        if isinstance(reduced, float):
            self._take(at, interval, reduced, value)
        self._forget(at - self.over)
        return self._told()

    def calm(self, times: Sequence[float], values: Sequence[float | Health]) -> bool:
        if self.aggregate is Aggregate.RATIO or self._holes:
            return False
        numbers: Sequence[float] = values  # type: ignore[assignment]  # a window has no words
        if not any(line.count for line in self._lines) and not self.aggregate.grows and self.limits.all_fine(values):
            return True
        start = times[-1] - self.over + _EPS
        gone = [number for at, number, _ in takewhile(lambda look: look[0] <= start, self._looks)]
        held = [number for _, number, _ in self._looks] if self.aggregate.grows else []
        size = len(self._looks)
        return all(
            stays_within(
                self.aggregate,
                Ahead(
                    line=line,
                    coming=line.among(numbers),
                    least=max(size - len(gone), 1),
                    most=size + len(numbers),
                    total=self._sum,
                    largest=max(self._largest, *map(abs, numbers)),
                    numbers=numbers,
                    gone=gone,
                    held=held,
                ),
            )
            for line in self._lines
        )

    def skim(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> None:
        numbers: Sequence[float] = values  # type: ignore[assignment]
        self._take(times[0], interval, numbers[0], numbers[0])  # the one that may follow a gap
        self._looks.extend(zip(times[1:], numbers[1:], numbers[1:], strict=True))
        self._sum += math.fsum(numbers[1:])
        self._largest = max(self._largest, *map(abs, numbers))
        for line in self._lines:
            line.count += line.among(numbers[1:])
        self._at = self._last = times[-1]
        self._interval, self._reach = interval, 2 * interval
        self._forget(times[-1] - self.over)

    def fold(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> Folded:
        numbers: Sequence[float] = values  # type: ignore[assignment]  # a window has no words
        told: set[Level] = set()
        covered = self.started_at + self.over - _EPS
        taken = 0
        if self.aggregate is Aggregate.TREND:
            self._slope = self._sums()
        for taken, (at, number) in enumerate(zip(times, numbers, strict=True), 1):
            if taken == 1 or self._holes:  # only the first may follow a gap
                level = self.observe(at, interval, number)
            else:
                self._at = self._last = at
                self._add(at, number, number)
                self._let_go(at - self.over)
                level = self._placed() if at >= covered and len(self._looks) >= self.min_samples else None
            if level is not None and level is not Level.FINE:
                told.add(level)
            if level is Level.FAIL:
                break
        self._slope = None
        return taken, told

    def _take(self, at: float, interval: float, number: float, value: Value) -> None:
        allowed = max(self._reach, 2 * interval)
        if at - self._last > allowed + _EPS:
            self._holes.append((self._last, at, allowed))
        self._last, self._reach = at, 2 * interval
        self._add(at, number, value)

    def _add(self, at: float, number: float, value: Value) -> None:
        self._looks.append((at, number, value))
        self._sum += number
        if not -self._largest <= number <= self._largest:
            self._largest = abs(number)
        if self._slope is not None:
            self._slope.count(at, number, 1)
        if isinstance(value, Counts):
            self._part += value.part
            self._whole += value.whole
        for line in self._lines:
            line.count += line.crossed_by(number)

    def _forget(self, start: float) -> None:
        self._let_go(start)
        while self._holes and self._holes[0][1] - max(self._holes[0][0], start) <= self._holes[0][2] + _EPS:
            self._holes.popleft()

    def _let_go(self, start: float) -> None:
        looks = self._looks
        while looks and looks[0][0] <= start + _EPS:
            at, number, value = looks.popleft()
            self._sum -= number
            if self._slope is not None:
                self._slope.count(at, number, -1)
            if isinstance(value, Counts):
                self._part -= value.part
                self._whole -= value.whole
            self._since_resum += 1
            for line in self._lines:
                if line.count:
                    line.count -= line.crossed_by(number)
        if self._since_resum > _RESUM:
            self._resum()

    def _resum(self) -> None:
        self._sum, self._since_resum = math.fsum(number for _, number, _ in self._looks), 0
        counts = [value for _, _, value in self._looks if isinstance(value, Counts)]
        self._part = math.fsum(value.part for value in counts)
        self._whole = math.fsum(value.whole for value in counts)
        self._slope = self._sums() if self._slope is not None else None

    def _sums(self) -> Slope:
        began = self._looks[0][0] if self._looks else self._at
        return Slope.over(((at, number) for at, number, _ in self._looks), began)

    def _events(self) -> Counts | None:
        """The events of the window; reckoned exactly where they are no whole numbers and lie near a limit."""
        newest = self._looks[-1][2] if self._looks else None
        if not isinstance(newest, Counts) or newest.running or not self._whole > 0:
            return pooled(self._looks)
        ratio = self._part / self._whole
        if any(abs(ratio - line.limit) < DOUBT for line in self._lines):
            return pooled(self._looks)
        return Counts(self._part, self._whole)

    def _gap(self) -> float:
        """The length of a gap in the window, in seconds, that is longer than two intervals; 0 where there is none."""
        start = self._at - self.over
        if self._holes:
            return self._holes[0][1] - max(self._holes[0][0], start)
        silent = self._at - max(self._last, start)
        return silent if silent > max(self._reach, 2 * self._interval) + _EPS else 0.0

    def _covered(self) -> bool:
        return self._at - self.over >= self.started_at - _EPS and not self._gap()

    def _told(self) -> Level | None:
        if not self._covered() or self._size() < self.min_samples or not self._looks:
            return None
        if self.aggregate is Aggregate.RATIO:
            counts = self._events()
            ratio = counts.ratio if counts is not None else None
            return None if counts is None or ratio is None else self.limits.level_of(counts, ratio)
        return self._placed()

    def _placed(self) -> Level:
        for line in self._lines:
            if self._beyond(line):
                return line.level
        return Level.FINE

    def _beyond(self, line: Line) -> bool:
        """Whether the aggregate crosses this line; counts of values decide where they can, the numbers elsewhere."""
        size, upper = len(self._looks), line.upper
        match self.aggregate:
            case Aggregate.RISE:
                return line.crossed_by(self._looks[-1][1] - self._looks[0][1])
            case Aggregate.TREND if self._slope is not None:
                trend = self._trend(self._slope)
                if abs(trend - line.limit) > _DOUBTFUL_TREND * (self._largest + abs(line.limit)):
                    return line.crossed_by(trend)
            case Aggregate.LAST:
                return line.crossed_by(self._looks[-1][1])
            case Aggregate.MAX | Aggregate.MIN:
                return line.count > 0 if (self.aggregate is Aggregate.MAX) is upper else line.count == size
            case Aggregate.MEAN if line.count in (0, size):
                return line.count == size
            case Aggregate.MEAN if abs(self._sum / size - line.limit) > DOUBT * (self._largest + abs(line.limit)):
                return line.crossed_by(self._sum / size)
            case Aggregate.MEDIAN | Aggregate.P90 | Aggregate.P95 | Aggregate.P99:
                low = math.floor(SHARES[self.aggregate] * (size - 1))
                first, last = (size - line.count, size) if upper else (0, line.count)
                if line.count == size or (first <= low and low + 1 < last):
                    return True
                if low + 1 < first or low >= last:
                    return False
        exact = aggregate_of(self._looks, self.aggregate)
        return exact is not None and line.crossed_by(exact)

    def _trend(self, slope: Slope) -> float:
        """As `aggregate_of` reckons it, but for rounding."""
        (began, first, _), (ended, last, _) = self._looks[0], self._looks[-1]
        return min(last - first, slope.per_second(len(self._looks)) * (ended - began))

    def _size(self) -> int:
        if self.aggregate is not Aggregate.RATIO:
            return len(self._looks)
        counts = self._events()
        return int(counts.whole + DOUBT) if counts is not None else 0

    def standing(self) -> Standing:
        span, seen = format_duration(self.over), len(self._looks)
        if self._at - self.over < self.started_at - _EPS:
            text = f"only {format_duration(self._at - self.started_at)} watched within {span}, n={seen}"
            return unknown("window-not-covered", text, seen)
        if gap := self._gap():
            return unknown("window-not-covered", f"no value for {format_duration(gap)} within {span}, n={seen}", seen)
        size, found = self._size(), aggregate_of(self._looks, self.aggregate)
        if size < self.min_samples:
            return unknown("too-few-samples", f"n={size} over {span}, needs {self.min_samples}", size)
        level = self._told()
        if found is None or level is None:
            return unknown("too-few-samples", f"no events to count over {span}", size)
        counts = pooled(self._looks) if self.aggregate is Aggregate.RATIO else None
        return Standing(
            level=level,
            text=f"{self.aggregate.value} {self.limits.compare(found, counts)} over {span}, n={size}",
            observed=found,
            samples=size,
        )
