"""Decides how the values of a window become one number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dhash_guard.gates.settings import Aggregate
from dhash_guard.records.sample import Counts, Value

SHARES = {Aggregate.MEDIAN: 0.5, Aggregate.P90: 0.9, Aggregate.P95: 0.95, Aggregate.P99: 0.99}

Look = tuple[float, float, Value]
"""A look at a signal: when (UTC epoch seconds), its number, and the value that it came from."""


def aggregate_of(looks: Sequence[Look], how: Aggregate) -> float | None:
    """One number from the looks of a window, in order of time; None where there is nothing to reckon with."""
    if how is Aggregate.RATIO:
        counts = pooled(looks)
        return counts.ratio if counts is not None else None
    numbers = [number for _, number, _ in looks]
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
            return min(max(tidy(math.fsum(numbers) / len(numbers)), min(numbers)), max(numbers))
        case Aggregate.RISE:
            return numbers[-1] - numbers[0]
        case Aggregate.TREND:
            return min(
                numbers[-1] - numbers[0], slope([when for when, _, _ in looks], numbers) * (looks[-1][0] - looks[0][0])
            )
        case _:
            return percentile(numbers, SHARES[how])


def pooled(looks: Sequence[Look]) -> Counts | None:
    """The events of a window: added up, or for running counts what came since the window's first look."""
    counts = [value for _, _, value in looks if isinstance(value, Counts)]
    if not counts:
        return None
    if counts[-1].running:
        first, last = counts[0], counts[-1]
        return Counts(last.part - first.part, last.whole - first.whole)
    return Counts(math.fsum(count.part for count in counts), math.fsum(count.whole for count in counts))


def percentile(numbers: Sequence[float], share: float) -> float:
    """The value at `share` of the sorted numbers, linear between neighbours (Hyndman and Fan 1996, type 7)."""
    ordered = sorted(numbers)
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def tidy(value: float) -> float:
    """The number to twelve digits: what binary fractions add to it must not put it beyond a limit that it equals."""
    return float(f"{value:.12g}")


def slope(times: Sequence[float], numbers: Sequence[float]) -> float:
    """The least-squares slope, per second; 0 where all looks are at one moment."""
    middle, height = math.fsum(times) / len(times), math.fsum(numbers) / len(numbers)
    spread = math.fsum((when - middle) ** 2 for when in times)
    if spread == 0:
        return 0.0
    return math.fsum((when - middle) * (number - height) for when, number in zip(times, numbers, strict=True)) / spread
