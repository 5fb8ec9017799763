"""Decides how the settings of a gate read: the limits as lines and words, and how long a breach must last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from dhash_guard.gates.sequential import SURE
from dhash_guard.records.units import Dimension
from dhash_guard.report.words import dimension_of, number, plural, span

_PASSES = {"above": "≤", "below": "≥", "from": "<", "to": ">"}
"""The sign that a passing value bears: `fail_above: 5%` passes at ≤ 5%."""
_AGGREGATES = {"rise": "rise (last less first)", "trend": "trend (net growth)"}
WITHOUT = {"not-judged": "; not judged without a baseline", "cannot-tell": "; cannot tell without a baseline"}
"""What a relative limit says where nothing is known from before, by its policy; to be put behind the limit."""


@frozen
class Limit:
    """One line of a gate: `level` is fail or warn, `side` the key's ending (above, below, from, to)."""

    level: str
    side: str
    value: float
    dimension: Dimension

    @property
    def upper(self) -> bool:
        """Whether values over the line are the breach."""
        return self.side in ("above", "from")

    def __str__(self) -> str:
        return f"{_PASSES[self.side]} {number(self.value, self.dimension)}"


def limits_of(settings: Mapping[str, Any]) -> tuple[Limit, ...]:
    """The absolute limits of a gate; what does not look like one is left out, for evidence may come from strangers."""
    found = (_limit(level, side, settings.get(f"{level}_{side}")) for level in ("fail", "warn") for side in _PASSES)
    return tuple(limit for limit in found if limit is not None)


def _limit(level: str, side: str, written: Any) -> Limit | None:
    if not isinstance(written, Mapping):
        return None
    value = finite(written.get("value"))
    return None if value is None else Limit(level, side, value, dimension_of(str(written.get("dimension", ""))))


def finite(value: Any) -> float | None:
    """The number in data from outside, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e300 and math.isfinite(value) else None


def limit_text(settings: Mapping[str, Any], limit: float | None, dimension: Dimension) -> str:
    """What passes, in a few characters: `≤ 5%`, `not unhealthy`, `≤ 468 ms (1.5 × before)`."""
    if words := settings.get("fail_when"):
        return f"not {' or '.join(map(str, words)) if isinstance(words, list | tuple) else words}"
    if finite(settings.get("fail_ratio")) is not None and settings.get("test"):
        return f"not surely above {relative_words(settings)}"
    if finite(settings.get("fail_ratio")) is not None:
        known = f"≤ {number(limit, dimension)} ({relative_words(settings)})" if limit is not None else ""
        return known or f"≤ {relative_words(settings)}{WITHOUT.get(str(settings.get('without_baseline')), '')}"
    if fails := [str(line) for line in limits_of(settings) if line.level == "fail"]:
        return " and ".join(fails) + surely(settings)
    return number(limit, dimension) if limit is not None else "none"


def relative_words(settings: Mapping[str, Any]) -> str:
    """What a relative limit is made of: `1.5 × before, or 3 deviations above it`; the highest of them is the limit."""
    return ", or ".join(relative_parts(settings))


def relative_parts(settings: Mapping[str, Any]) -> list[str]:
    """The multiple of what was before and, with a spread, the deviations above it."""
    ratio, spread = finite(settings.get("fail_ratio")), finite(settings.get("spread"))
    parts = [f"{number(ratio, Dimension.COUNT)} × before"] if ratio is not None else []
    return parts + ([f"{number(spread, Dimension.COUNT)} deviations above it"] if spread is not None else [])


def surely(settings: Mapping[str, Any]) -> str:
    """How sure a breach must be, to be put behind the limit: the exact bound of a ratio must cross it."""
    confidence = finite(settings.get("confidence"))
    return f", breach {sure(confidence)}" if confidence is not None and not settings.get("test") else ""


def hold_text(settings: Mapping[str, Any]) -> str:
    """How long a breach must last: `3 in a row`, `4 of the last 5`, `mean over 10m`; and what takes an alert back."""
    parts = []
    if (over := finite(settings.get("over"))) is not None:
        parts.append(f"{tested(settings) or _aggregated(settings)} over {span(over)}")
    elif test := tested(settings):
        parts.append(test)
    of_last = settings.get("of_last")
    if isinstance(of_last, list | tuple) and len(of_last) == 2:
        parts.append(f"{of_last[0]} of the last {of_last[1]}")
    if (run := finite(settings.get("consecutive"))) is not None:
        parts.append(f"{run:.0f} in a row" if run > 1 else "at once")
    if (least := finite(settings.get("min_samples"))) is not None and least > 1:
        parts.append(f"from {least:.0f} samples")
    clears = cleared(settings)
    return ", ".join([*(parts or ["at once"]), *([f"clears {clears}"] if clears else [])])


def _aggregated(settings: Mapping[str, Any]) -> str:
    named = str(settings.get("aggregate") or "mean")
    return _AGGREGATES.get(named, named)


def tested(settings: Mapping[str, Any]) -> str:
    """The test in the place of a hold, with the chance that it raises no false alarm."""
    if not (test := settings.get("test")):
        return ""
    confidence = finite(settings.get("confidence"))
    return f"{test} test against before, {sure(SURE if confidence is None else confidence)}"


def sure(chance: float) -> str:
    """A confidence in words: `95% sure`."""
    return f"{chance * 100:.4g}% sure"


def cleared(settings: Mapping[str, Any]) -> str:
    """What takes an alert back: `below 4% for 3 looks`; empty where nothing does."""
    after = finite(settings.get("clear_after"))
    lines = [line for side in ("above", "below") if (line := _limit("clear", side, settings.get(f"clear_{side}")))]
    if after is None and not lines:
        return ""
    where = " ".join(f"{line.side} {number(line.value, line.dimension)}" for line in lines) or "within the limit"
    return f"{where} for {plural(int(after or 1), 'look')}"
