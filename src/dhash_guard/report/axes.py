"""Decides where an axis is marked: round times, and round values in the unit that people read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import frozen

from dhash_guard.records.units import Dimension

_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@frozen
class Axis:
    """A span of values and the round ones among them."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where a value stands between low (0) and high (1), clamped."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def time_axis(end: float, most: int = 5) -> Axis:
    """From zero to `end` seconds with at most `most` steps."""
    end = max(end, 1.0)
    step = next((s for s in _TIMES if end / s <= most), 86400.0 * math.ceil(end / 86400 / most))
    return Axis(0.0, end, tuple(step * i for i in range(int(end / step + 1e-9) + 1)))


def value_axis(values: Sequence[float], dimension: Dimension, most: int = 4) -> Axis:
    """From zero (or the lowest negative) to a little above the highest; a share never shows more than 100%."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if high - low < 1e-9 * max(abs(high), abs(low), 1e-3):
        high = low + 1.0
    step = _step((high - low) * 1.08 / most, dimension)
    first, last = math.floor(low / step), math.ceil(high * 1.08 / step)
    if dimension is Dimension.RATIO and high <= 1.0:
        last = min(last, max(1, math.ceil(1.0 / step - 1e-9)))
    return Axis(first * step, last * step, tuple(step * i for i in range(first, last + 1)))


def _step(rough: float, dimension: Dimension) -> float:
    if dimension is Dimension.BYTES:
        return float(2.0 ** math.ceil(math.log2(rough)))
    scale = 10.0 ** math.floor(math.log10(rough))
    return next(scale * nice for nice in (1, 2, 5, 10) if scale * nice >= rough * 0.999)
