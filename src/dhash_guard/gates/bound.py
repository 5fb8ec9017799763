"""Decides how sure a share of few events is: the exact binomial tail, and the bound that follows from it."""

from __future__ import annotations

import math

from dhash_guard.records.sample import Counts

_TINY = 1e-300
_STEPS = 10_000
_EXACT_ENOUGH = 1e-15


def tail(successes: int, trials: int, share: float) -> float:
    """P(X ≥ successes) for X ~ Binomial(trials, share): the regularised incomplete beta function (DLMF 8.17.5)."""
    if successes <= 0:
        return 1.0
    if successes > trials or share <= 0:
        return 0.0
    return 1.0 if share >= 1 else _beta(successes, trials - successes + 1, share)


def lower_bound(successes: int, trials: int, confidence: float) -> float:
    """The one-sided exact lower bound of a share (Clopper and Pearson 1934): the share at which `tail` is 1 - confidence."""
    low, high = 0.0, successes / trials
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(successes, trials, middle) < 1 - confidence else (low, middle)
    return low


def surely(counts: Counts, side: str, limit: float, confidence: float) -> bool:
    """Whether the bound, not only the bare ratio, lies beyond `limit` (a fraction) on this side.

    Counts that are no whole numbers (a rate that was extrapolated) are rounded towards less evidence.
    """
    whole = math.ceil(counts.whole - 1e-9)
    if side in ("above", "from"):
        hits, share = math.floor(counts.part + 1e-9), limit
    else:
        hits, share = math.floor(counts.whole - counts.part + 1e-9), 1 - limit
    chance = tail(hits, whole, share)
    return chance < 1 - confidence if side in ("above", "below") else chance <= 1 - confidence


def bound(counts: Counts, side: str, confidence: float) -> float:
    """The bound itself, for people: the share that the events at least (or, for a lower limit, at most) prove."""
    whole = math.ceil(counts.whole - 1e-9)
    if side in ("above", "from"):
        return lower_bound(math.floor(counts.part + 1e-9), whole, confidence)
    return 1 - lower_bound(math.floor(counts.whole - counts.part + 1e-9), whole, confidence)


def _beta(a: int, b: int, x: float) -> float:
    """I_x(a, b) by its continued fraction (DLMF 8.17.22), on the side where that converges fast."""
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta_left(b, a, 1 - x)
    return _beta_left(a, b, x)


def _beta_left(a: int, b: int, x: float) -> float:
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, math.exp(front) * _fraction(a, b, x) / a)


def _fraction(a: int, b: int, x: float) -> float:
    """The continued fraction, evaluated forwards (Lentz 1976, as modified by Thompson and Barnett 1986)."""
    c, d = 1.0, 1.0 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _EXACT_ENOUGH:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
