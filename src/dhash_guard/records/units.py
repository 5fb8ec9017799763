"""Decides what a written quantity means: durations, percentages, sizes, and the units that signals declare.

Inside the house a ratio is a fraction 0–1, a time is seconds, a size is bytes and a count is a number; a unit is
stated where a number enters and never guessed (a bare 5 is no percentage).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import Enum
from typing import NewType

from attrs import frozen

Seconds = NewType("Seconds", float)
"""A span of time in seconds, written `90s`, `10m`, `1h30m`, `250ms` or a bare number of seconds."""

Ratio = NewType("Ratio", float)
"""A fraction 0–1, written with a percent sign (`70%`)."""


class Dimension(Enum):
    """What kind of thing a normalised number counts."""

    RATIO = "ratio"
    TIME = "time"
    BYTES = "bytes"
    COUNT = "count"


class Unit(Enum):
    """A unit that a signal may declare for the numbers it reads."""

    PERCENT = "percent"
    FRACTION = "fraction"
    MS = "ms"
    S = "s"
    BYTES = "bytes"
    COUNT = "count"

    @property
    def dimension(self) -> Dimension:
        return _DIMENSIONS[self]


_DIMENSIONS = {
    Unit.PERCENT: Dimension.RATIO,
    Unit.FRACTION: Dimension.RATIO,
    Unit.MS: Dimension.TIME,
    Unit.S: Dimension.TIME,
    Unit.BYTES: Dimension.BYTES,
    Unit.COUNT: Dimension.COUNT,
}
_DIVISORS = {Unit.PERCENT: 100, Unit.MS: 1000}
_UPPER = {Unit.PERCENT: 100.0, Unit.FRACTION: 1.0}

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SPAN_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|kB|MB|GB)")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


@frozen
class Quantity:
    """A number with its dimension, normalised: `5%` is (0.05, RATIO), `2000ms` is (2.0, TIME)."""

    value: float
    dimension: Dimension

    def __str__(self) -> str:
        return format_value(self.value, self.dimension)


def normalise(value: float, unit: Unit) -> float | None:
    """Return `value` in the house unit, or None where it lies outside what the unit can express."""
    if not 0 <= value <= _UPPER.get(unit, math.inf):
        return None
    divisor = _DIVISORS.get(unit)
    # In decimal, because a limit written 0.1% and a value sent as 0.1 percent must be the same number.
    return value if divisor is None else float(Decimal(repr(value)) / divisor)


def parse_duration(text: str) -> Seconds:
    """Read `90`, `90s`, `1h30m` or `250ms` as seconds; raise ValueError otherwise."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return Seconds(float(text))
    spans = _SPAN.findall(text)
    if not spans or "".join(n + u for n, u in spans) != text:
        raise ValueError(f"{text!r} is no duration; write 90s, 10m, 1h30m or 250ms")
    return Seconds(float(sum(Decimal(number) * _SPAN_SECONDS[unit] for number, unit in spans)))


def parse_ratio(text: str) -> Ratio:
    """Read `70%` as 0.7; raise ValueError otherwise (a bare number could mean two things)."""
    text = text.strip()
    if text.endswith("%") and _NUMBER.fullmatch(number := text[:-1].strip()):
        value = float(Decimal(number) / 100)
        if 0 <= value <= 1:
            return Ratio(value)
        raise ValueError(f"{text!r} lies outside 0% to 100%")
    raise ValueError(f"{text!r} is no ratio; write it with a percent sign, such as 5%")


def parse_quantity(written: str | float) -> Quantity:
    """Read a limit: `5%`, `2000ms`, `512MiB` or a bare count; raise ValueError otherwise."""
    if isinstance(written, bool):
        raise ValueError(f"{written!r} is no quantity")  # noqa: TRY004  # one error for every wrong text
    if isinstance(written, (int, float)):
        if not math.isfinite(written):
            raise ValueError(f"{written!r} is no finite number")
        return Quantity(float(written), Dimension.COUNT)
    text = written.strip()
    if text.endswith("%"):
        return Quantity(float(parse_ratio(text)), Dimension.RATIO)
    if size := _SIZE.fullmatch(text):
        return Quantity(float(size[1]) * _SIZES[size[2]], Dimension.BYTES)
    if _SPAN.match(text):
        return Quantity(float(parse_duration(text)), Dimension.TIME)
    raise ValueError(f"{text!r} is no quantity; write 5%, 2000ms, 1.5s, 512MiB or a bare count such as 1000")


def format_value(value: float, dimension: Dimension) -> str:
    """Write a normalised number for people: `5%`, `2310 ms`, `12 s`, `3.2 MiB`, `1000`."""
    match dimension:
        case Dimension.RATIO:
            return f"{_short(value * 100)}%"
        case Dimension.TIME:
            return f"{_short(value * 1000)} ms" if abs(value) < 10 else f"{_short(value)} s"
        case Dimension.BYTES:
            return format_bytes(value)
        case Dimension.COUNT:
            return _short(value)


def format_bytes(size: float) -> str:
    """Write a size with a binary prefix."""
    for suffix, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= scale:
            return f"{size / scale:.1f} {suffix}"
    return f"{size:.0f} B"


def format_duration(seconds: float) -> str:
    """Write a span as people say it: `250ms`, `90s` becomes `1m30s`, `3600` becomes `1h`, from two days on `14d`."""
    if seconds < 1 and seconds != 0:
        return f"{_short(seconds * 1000)}ms"
    if seconds < 60:
        return f"{_short(seconds)}s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    days, hours = divmod(hours, 24) if hours >= 48 else (0, hours)
    minutes, left = divmod(rest, 60)
    return "".join(f"{n}{u}" for n, u in ((days, "d"), (hours, "h"), (minutes, "m"), (left, "s")) if n)


def _short(value: float) -> str:
    """At most four significant digits, no trailing zeros, no exponent below a million."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
