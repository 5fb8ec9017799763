"""Decides what one value means for one gate: fine, a warning, a breach, or nothing at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

from attrs import frozen

from dhash_guard.gates.aggregates import percentile
from dhash_guard.gates.bound import bound, surely
from dhash_guard.gates.settings import FAIL_LIMITS, WARN_LIMITS, Gate, limit_of
from dhash_guard.records.deployment import Baseline, Summary
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Value
from dhash_guard.records.units import Quantity, format_value

_SEVERITY = {Health.HEALTHY: 0, Health.WARNING: 1, Health.UNHEALTHY: 2}
_SIGNS = {"above": ">", "below": "<", "from": "≥", "to": "≤"}
_OPPOSITES = {"above": "≤", "below": "≥", "from": "<", "to": ">"}
_MAD_TO_DEVIATION = 1.4826
"""The median absolute deviation of a normal distribution times this is its standard deviation."""
_MAD_EFFICIENCY = 0.37

FEWEST = 8
"""Values from before that a spread is reckoned from at least; the spread of fewer says nothing."""


class Level(Enum):
    """What a number or word means against the limits, and a hold against how long a breach must last."""

    FINE = "fine"
    WARN = "warn"
    UNPROVEN = "unproven"
    """The ratio is beyond the fail limit, its bound is not."""
    SHORT = "short"
    """Beyond the fail limit, but not for long enough."""
    FAIL = "fail"


def crosses(value: float, side: str, limit: float) -> bool:
    """Strict for `above` and `below`, inclusive for `from` and `to` (semantics.md §2)."""
    match side:
        case "above":
            return value > limit
        case "below":
            return value < limit
        case "from":
            return value >= limit
        case "to":
            return value <= limit
    raise ValueError(side)


@frozen
class Limits:
    """The limits of a gate, ready to be compared: a baseline-relative one is resolved to a number."""

    word: Health | None
    fail: tuple[str, Quantity] | None
    warn: tuple[str, Quantity] | None
    origin: str = ""
    confidence: float | None = None

    def level(self, value: float | Health) -> Level:
        """Place one value."""
        if isinstance(value, Health):
            if self.word is not None and _SEVERITY[value] >= _SEVERITY[self.word]:
                return Level.FAIL
            return Level.FINE if value is Health.HEALTHY else Level.WARN
        if self.fail is not None and crosses(value, self.fail[0], self.fail[1].value):
            return Level.FAIL
        if self.warn is not None and crosses(value, self.warn[0], self.warn[1].value):
            return Level.WARN
        return Level.FINE

    def level_of(self, counts: Counts, ratio: float) -> Level:
        """Place a ratio of counts: with a confidence its exact bound must cross the limit, and not only the ratio."""
        level = self.level(ratio)
        if level is not Level.FAIL or self.confidence is None or self.fail is None:
            return level
        side, limit = self.fail
        # What is not proven is at least worth a look.
        return Level.FAIL if surely(counts, side, limit.value, self.confidence) else Level.UNPROVEN

    def all_fine(self, values: Sequence[float | Health]) -> bool:
        """Whether not one of these values (numbers only, or words only) is more than fine."""
        if self.word is not None:
            return values.count(Health.HEALTHY) == len(values)
        lines = [line for line in (self.fail, self.warn) if line is not None]
        numbers: Sequence[float] = values  # type: ignore[assignment]  # the caller has looked at the types
        least, most = min(numbers), max(numbers)
        return not any(crosses(most if side in ("above", "from") else least, side, line.value) for side, line in lines)

    def compare(self, value: float, counts: Counts | None = None) -> str:
        """The arithmetic for people: `2310 ms > 2000 ms`, `3/10 = 30% (surely 8.7%) > 5%`."""
        if self.fail is None:
            return ""
        side, limit = self.fail
        judged = value
        written = format_value(value, limit.dimension)
        if counts is not None and self.confidence is not None:
            judged = bound(counts, side, self.confidence)
            direction = "at least" if side in ("above", "from") else "at most"
            shown = format_value(judged, limit.dimension)
            written = f"{counts.part:g}/{counts.whole:g} = {written} ({direction} {shown} at {self.confidence:.4g})"
        sign = _SIGNS[side] if crosses(judged, side, limit.value) else _OPPOSITES[side]
        # Two different numbers must not be written alike, or the sentence says "5% > 5%".
        if value != limit.value and written == str(limit):
            written = f"{value!r} ({written})"
        return f"{written} {sign} {limit}{self.origin}"


def limits_of(gate: Gate, baseline: Baseline | None) -> Limits | None:
    """Resolve the limits of a gate; None where a baseline is asked for and there is none for its signal."""
    warn = limit_of(gate, WARN_LIMITS)
    if gate.fail_ratio is None:
        return Limits(gate.fail_when, limit_of(gate, FAIL_LIMITS), warn, confidence=gate.confidence)
    before = baseline.medians.get(gate.signal) if baseline is not None else None
    if before is None or gate.at_least is None or (gate.spread is not None and len(before.values) < FEWEST):
        return None
    dimension = gate.at_least.dimension
    limit = relative(gate, before)
    written = format_value(before.median, dimension)
    spread = f", {gate.spread:g} deviations" if gate.spread is not None else ""
    origin = f" (before: {written}, ×{gate.fail_ratio:g}, at least +{gate.at_least}{spread})"
    return Limits(None, ("above", Quantity(limit, dimension)), warn, origin, gate.confidence)


def relative(gate: Gate, before: Summary) -> float:
    """The limit that a baseline gives: the highest of ratio, effect floor, and the service's own unrest."""
    assert gate.fail_ratio is not None and gate.at_least is not None
    # The effect floor keeps a zero or tiny baseline from turning noise into a breach.
    limit = max(before.median * gate.fail_ratio, before.median + gate.at_least.value)
    if gate.spread is None:
        return limit
    return max(limit, beyond(before.values, gate.spread))


def beyond(values: Sequence[float], spread: float) -> float:
    """So many robust deviations above the median, on the log scale: times are skewed, and a log makes them even."""
    logs = [math.log(value) for value in values if value > 0]
    if not logs:
        return 0.0
    middle = percentile(logs, 0.5)
    deviation = _MAD_TO_DEVIATION * percentile([abs(value - middle) for value in logs], 0.5)
    return math.exp(min(middle + widened(spread, len(logs)) * deviation, 700.0)) if deviation else math.exp(middle)


def widened(spread: float, looks: int) -> float:
    """So many deviations, were they known, are more of those that so many looks tell.

    Student's quantile in place of the normal one, by its expansion (Abramowitz and Stegun, 26.7.5); a deviation that comes
    from a median is worth 37 % of the looks (Rousseeuw and Croux 1993).
    """
    free = _MAD_EFFICIENCY * (looks - 1)
    terms = (
        (spread**3 + spread) / 4,
        (5 * spread**5 + 16 * spread**3 + 3 * spread) / 96,
        (3 * spread**7 + 19 * spread**5 + 17 * spread**3 - 15 * spread) / 384,
    )
    return spread + sum(term / free**power for power, term in enumerate(terms, 1)) if free > 0 else math.inf


def plain(value: Value) -> float | Health | Absence:
    """Reduce counts to their ratio; counts without a denominator say nothing."""
    if isinstance(value, Counts):
        ratio = value.ratio
        return Absence(AbsenceKind.EMPTY, "no events to count") if ratio is None else ratio
    return value
