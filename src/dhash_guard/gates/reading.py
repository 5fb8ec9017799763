"""Decides what one value means for one gate: fine, a warning, a breach, or nothing at all."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from dhash_guard.gates.settings import FAIL_LIMITS, WARN_LIMITS, Gate, limit_of
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Value
from dhash_guard.records.units import Quantity, format_value

_SEVERITY = {Health.HEALTHY: 0, Health.WARNING: 1, Health.UNHEALTHY: 2}
_SIGNS = {"above": ">", "below": "<", "from": "≥", "to": "≤"}


class Level(Enum):
    """What a number or word means against the limits."""

    FINE = "fine"
    WARN = "warn"
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

    def compare(self, value: float) -> str:
        """The arithmetic for people: `2310 ms > 2000 ms`."""
        if self.fail is None:
            return ""
        side, limit = self.fail
        sign = (
            _SIGNS[side] if crosses(value, side, limit.value) else {"above": "≤", "below": "≥", "from": "<", "to": ">"}[side]
        )
        written = format_value(value, limit.dimension)
        # Two different numbers must not be written alike, or the sentence says "5% > 5%".
        if value != limit.value and written == str(limit):
            written = f"{value!r} ({written})"
        return f"{written} {sign} {limit}{self.origin}"


def limits_of(gate: Gate, baseline: Baseline | None) -> Limits | None:
    """Resolve the limits of a gate; None where a baseline is asked for and there is none for its signal."""
    warn = limit_of(gate, WARN_LIMITS)
    if gate.fail_ratio is None:
        return Limits(gate.fail_when, limit_of(gate, FAIL_LIMITS), warn)
    before = baseline.medians.get(gate.signal) if baseline is not None else None
    if before is None or gate.at_least is None:
        return None
    # The effect floor keeps a zero or tiny baseline from turning noise into a breach.
    limit = max(before.median * gate.fail_ratio, before.median + gate.at_least.value)
    quantity = Quantity(limit, gate.at_least.dimension)
    written = format_value(before.median, gate.at_least.dimension)
    origin = f" (before: {written}, ×{gate.fail_ratio:g}, at least +{gate.at_least})"
    return Limits(None, ("above", quantity), warn, origin)


def plain(value: Value) -> float | Health | Absence:
    """Reduce counts to their ratio; counts without a denominator say nothing."""
    if isinstance(value, Counts):
        ratio = value.ratio
        return Absence(AbsenceKind.EMPTY, "no events to count") if ratio is None else ratio
    return value
