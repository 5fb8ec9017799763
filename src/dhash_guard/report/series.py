"""Decides what of a recorded signal is a line and what is a gap: absences and holes in time are never joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from attrs import frozen

from dhash_guard.records.sample import Absence, Counts, Health, Tick
from dhash_guard.report.limits import finite

HOLE = "no look"


@frozen
class Point:
    """One value at one time, in seconds since the start."""

    at: float
    value: float


@frozen
class Gap:
    """A stretch without values: from, to, and how often for which reason."""

    begin: float
    end: float
    reasons: tuple[tuple[str, int], ...]


@frozen
class Series:
    """A signal as it is drawn: unbroken segments, and the gaps between and around them."""

    segments: tuple[tuple[Point, ...], ...]
    gaps: tuple[Gap, ...]

    @property
    def points(self) -> list[Point]:
        return [point for segment in self.segments for point in segment]


Look = tuple[float, float | Health | str]
"""A time and what was seen: a number, a health word, or the reason for an absence."""


def looks(ticks: Sequence[Tick], signal: str, start: float) -> list[Look]:
    """What each look saw of a signal, in order of time; counts become their ratio."""
    found = [(tick.at - start, _seen(tick.samples[signal])) for tick in ticks if signal in tick.samples]
    return sorted(found, key=lambda look: look[0])


def _seen(value: object) -> float | Health | str:
    match value:
        case Absence(kind, detail):
            return f"{kind.value} ({detail})" if detail else kind.value
        case Health():
            return value
        case Counts():
            return value.ratio if value.ratio is not None else "empty (nothing counted)"
        case _:
            number = finite(value)
            return number if number is not None else "not-a-number"


def holes(times: Sequence[float]) -> list[bool]:
    """For each look, whether the span before it is over two intervals; the interval may change (fast, then slow)."""
    steps = [later - before for before, later in pairwise(times)]
    return [False, *(step > 2 * max(usual(steps, i), 1e-9) for i, step in enumerate(steps))]


def usual(steps: Sequence[float], i: int) -> float:
    """The interval around step `i`: the wider of what was usual before and after, so that a new rhythm is no hole."""
    before, after = steps[max(0, i - 3) : i], steps[i + 1 : i + 4]
    return max((median(side) for side in (before, after) if side), default=steps[i])


def series(seen: Sequence[Look]) -> Series:
    """Part the looks at a signal into segments and gaps."""
    times = [at for at, _ in seen]
    broken = holes(times)
    segments: list[list[Point]] = [[]]
    gaps: list[Gap] = []
    for i, (at, value) in enumerate(seen):
        if broken[i]:
            gaps.append(Gap(times[i - 1], at, ((HOLE, 1),)))
            segments.append([])
        if isinstance(value, float):
            segments[-1].append(Point(at, value))
        elif isinstance(value, str):
            gaps.append(Gap(*around(times, broken, i), ((value, 1),)))
            segments.append([])
    return Series(tuple(tuple(segment) for segment in segments if segment), merge(gaps, 1e-6))


def around(times: Sequence[float], broken: Sequence[bool], i: int) -> tuple[float, float]:
    """The stretch one look speaks for: half-way to its neighbours, never into a hole nor beyond the first or last look."""
    before = times[i] - times[i - 1] if i and not broken[i] else None
    after = times[i + 1] - times[i] if i + 1 < len(times) and not broken[i + 1] else None
    usual = before or after or 0.0
    left = (before if before is not None else usual) if i else 0.0
    right = (after if after is not None else usual) if i + 1 < len(times) else 0.0
    return times[i] - left / 2, times[i] + right / 2


def merge(gaps: Iterable[Gap], within: float) -> tuple[Gap, ...]:
    """Join gaps that touch (or lie closer than `within`), adding up their reasons."""
    joined: list[tuple[float, float, dict[str, int]]] = []
    for gap in sorted(gaps, key=lambda g: (g.begin, g.end)):
        if joined and gap.begin - joined[-1][1] <= within:
            begin, end, reasons = joined.pop()
        else:
            begin, end, reasons = gap.begin, gap.end, {}
        for reason, count in gap.reasons:
            reasons[reason] = reasons.get(reason, 0) + count
        joined.append((begin, max(end, gap.end), reasons))
    return tuple(Gap(begin, end, tuple(reasons.items())) for begin, end, reasons in joined)
