"""The one-sided rank test of Mann and Whitney (1947), normal approximation with corrections for ties and continuity."""

from __future__ import annotations

import math
from collections.abc import Sequence


def p_value_greater(these: Sequence[float], those: Sequence[float]) -> float:
    """How likely `these` would be ranked as high or higher, were both drawn alike; 1.0 where all values are equal."""
    first, second = len(these), len(those)
    both = sorted([(value, 0) for value in these] + [(value, 1) for value in those])
    total, ranks, ties, begin = len(both), 0.0, 0, 0
    while begin < total:
        end = begin
        while end < total and both[end][0] == both[begin][0]:
            end += 1
        rank = (begin + 1 + end) / 2
        ranks += rank * sum(side == 0 for _, side in both[begin:end])
        ties += (end - begin) ** 3 - (end - begin)
        begin = end
    above = ranks - first * (first + 1) / 2
    variance = first * second / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = (above - first * second / 2 - 0.5) / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))
