"""Decides how the settings of a gate read: the limits as lines and words, and how long a breach must last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from dhash_guard.records.units import Dimension
from dhash_guard.report.words import dimension_of, number, span

_PASSES = {"above": "≤", "below": "≥", "from": "<", "to": ">"}
"""The sign that a passing value bears: `fail_above: 5%` passes at ≤ 5%."""


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
    if (ratio := finite(settings.get("fail_ratio"))) is not None:
        times = f"{number(ratio, Dimension.COUNT)} × before"
        return f"≤ {number(limit, dimension)} ({times})" if limit is not None else f"≤ {times}"
    if fails := [str(line) for line in limits_of(settings) if line.level == "fail"]:
        return " and ".join(fails)
    return number(limit, dimension) if limit is not None else "none"


def hold_text(settings: Mapping[str, Any]) -> str:
    """How long a breach must last: `3 in a row`, `4 of the last 5`, `mean over 10m`."""
    parts = []
    if (over := finite(settings.get("over"))) is not None:
        parts.append(f"{settings.get('aggregate') or 'all'} over {span(over)}")
    of_last = settings.get("of_last")
    if isinstance(of_last, list | tuple) and len(of_last) == 2:
        parts.append(f"{of_last[0]} of the last {of_last[1]}")
    if (run := finite(settings.get("consecutive"))) is not None:
        parts.append(f"{run:.0f} in a row" if run > 1 else "at once")
    if (least := finite(settings.get("min_samples"))) is not None and least > 1:
        parts.append(f"from {least:.0f} samples")
    return ", ".join(parts) or "at once"
