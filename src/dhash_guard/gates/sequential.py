"""Plans how often two samples may be compared, and how unlikely each comparison must be, so that alarms stay rare."""

from __future__ import annotations

import math
from functools import lru_cache

MOST_LOOKS = 60
"""Comparisons that a plan spends its error on at most; a watch with more looks tests every so many of them."""

SURE = 0.99
"""The chance of no false alarm in a whole watch that a test keeps where its gate names none."""


def pace(looks: int) -> tuple[int, int]:
    """For a watch of so many looks: the comparisons that its error is spread over, and every how many looks one is made."""
    planned = min(MOST_LOOKS, looks)
    return planned, -(-looks // planned)


def spent(alpha: float, share: float) -> float:
    """The error that may be spent after this share of the looks: Pocock's form of Lan and DeMets (Biometrika 70, 1983)."""
    return alpha * math.log(1 + (math.e - 1) * min(share, 1.0))


def allowance(alpha: float, look: int, looks: int) -> float:
    """How unlikely the data of look `look` (from 1) of `looks` must be.

    The allowances add up to `alpha`, so that the chance of any false alarm is at most `alpha` whatever the looks have
    in common (Bonferroni). That is stricter than boundaries computed from independent increments, which looks at
    overlapping windows do not have.
    """
    return spent(alpha, look / looks) - spent(alpha, (look - 1) / looks)


def chance(wins: int, before: int, after: int) -> float:
    """P(U ≥ wins) for Mann and Whitney's U (1947) of `before` and `after` values from one and the same distribution."""
    counts = _distribution(before, after)
    return sum(counts[wins:]) / math.comb(before + after, after) if wins < len(counts) else 0.0


@lru_cache(maxsize=256)
def _distribution(before: int, after: int) -> tuple[int, ...]:
    """How many of the orders of two samples have U = 0, 1, …: the coefficients of the Gaussian binomial."""
    if after == 0:
        return (1,)
    smaller = _distribution(before, after - 1)
    size = before * after + 1
    # Times (1 - q^(before + after)), then divided by (1 - q^after).
    counts = [*smaller, *[0] * (size - len(smaller))]
    for index in range(size - 1, before + after - 1, -1):
        counts[index] -= counts[index - before - after]
    for index in range(after, size):
        counts[index] += counts[index - after]
    return tuple(counts)
