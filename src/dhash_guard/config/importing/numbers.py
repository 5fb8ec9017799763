"""Decides what a foreign number means as a limit or a span; whatever could mean two things is refused with both."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from dhash_guard.config.importing.json_nodes import plain
from dhash_guard.config.node import Node
from dhash_guard.records.units import format_duration, parse_duration

LEAST_BARE_MS = 100
"""A time limit without a unit below this would be read as seconds by one reader and as milliseconds by another."""

SHORTEST = 0.001
"""No span is shorter than a millisecond, which is what our file can write."""

UNITS = {
    "percent": "percent", "percentage": "percent", "%": "percent", "fraction": "fraction", "ratio": "fraction",
    "ms": "ms", "milliseconds": "ms", "millisecond": "ms", "s": "s", "seconds": "s", "second": "s",
    "count": "count", "items": "count",
}  # fmt: skip
"""What a gate may write as its unit."""

_FACTORS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DIMENSIONS = {"percent": "ratio", "fraction": "ratio", "ms": "time", "s": "time", "count": "count", "looks": "looks"}


class Unclear(Exception):
    """A value that cannot be understood; the text says why and what to write instead."""


def number(leaf: Node) -> Decimal:
    """The finite number that is not negative; raise Unclear."""
    value: Any = plain(leaf)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unclear(f"{leaf.shown} is no number; write one without quotes")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unclear(f"{value} is no finite number; write the limit")
    if value < 0:
        raise Unclear("is negative; write a limit of 0 or more")
    return Decimal(repr(value))


def count(leaf: Node) -> int:
    """A whole number; raise Unclear."""
    found = number(leaf)
    if found != found.to_integral_value():
        raise Unclear(f"{leaf.shown} is no whole number; write how many looks")
    return int(found)


def limit(leaf: Node, unit: str, stated: bool) -> tuple[str | int | float, str]:
    """The limit as our file writes it, and the reading in words; `stated` says that the file names the unit itself."""
    value = number(leaf)
    if unit == "percent":
        return _percent(value, stated), "percent" if stated else "percent, as this family writes rates"
    if unit == "fraction":
        if value > 1:
            raise Unclear(f"{value} is no fraction: it could be {written(value)}% or a mistake; write it from 0 to 1")
        return f"{written(value * 100)}%", "a fraction" if stated else "a fraction, as this family writes rates"
    if unit == "ms":
        if not stated and 0 < value < LEAST_BARE_MS:
            both = f"{written(value)} ms or {written(value)} s"
            raise Unclear(f"has no unit and could be {both}; name it threshold_ms or threshold_seconds")
        return f"{written(value)}ms", "milliseconds" if stated else "milliseconds, as this family writes times"
    if unit == "s":
        return f"{written(value)}s", "seconds"
    return (int(value) if value == value.to_integral_value() else float(value)), "a count"


def _percent(value: Decimal, stated: bool) -> str:
    if value > 100:
        raise Unclear(f"{written(value)} percent is more than all; write it from 0 to 100")
    if not stated and 0 < value < 1:
        both = f"{written(value)}% or, as a fraction, {written(value * 100)}%"
        raise Unclear(f"has no unit and could be {both}; name it threshold_percent")
    return f"{written(value)}%"


def same_kind(one: str, other: str) -> bool:
    """Whether two units measure the same thing."""
    return _DIMENSIONS[one] == _DIMENSIONS[other]


def span(leaf: Node, unit: str) -> float:
    """Seconds; text such as "300s" says its own unit. Raise Unclear for what is no span longer than nothing."""
    value: Any = plain(leaf)
    if isinstance(value, str):
        try:
            seconds = float(parse_duration(value))
        except ValueError as problem:
            raise Unclear(str(problem)) from problem
        if value.strip().replace(".", "", 1).isdigit():
            raise Unclear(f"{leaf.shown} has no unit; write {value.strip()}s")
    else:
        seconds = float(number(leaf)) * _FACTORS[unit]
    if not SHORTEST <= seconds < math.inf:
        raise Unclear("is no span of time that could be kept; write one longer than nothing")
    return seconds


def span_text(seconds: float) -> str:
    """A span as our file writes it."""
    return format_duration(seconds) if seconds == int(seconds) else f"{written(Decimal(repr(round(seconds, 3))))}s"


def written(value: Decimal) -> str:
    """A number without exponent and trailing zeros."""
    return f"{value.normalize():f}"
