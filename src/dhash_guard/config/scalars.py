"""Decides what a single written value means for a type; nothing is converted that is not written as that type."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, get_args

from dhash_guard.config.names import suggest
from dhash_guard.config.node import Node, Wrong
from dhash_guard.config.shapes import words
from dhash_guard.config.verbs import Instant
from dhash_guard.gates.calendar import TimeOfDay
from dhash_guard.records.units import Quantity, Ratio, Seconds, parse_duration, parse_quantity, parse_ratio

TIME_OF_DAY = r"([01][0-9]|2[0-3]):[0-5][0-9]"
UTC_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|\+00:00)"
LONGEST = 366 * 86400.0
"""No span of a configuration is longer than a year; arithmetic over it stays finite."""


def boolean(node: Node) -> bool:
    """The bare words true and false, and nothing else."""
    if isinstance(node.value, bool):
        return node.value
    if node.off:
        raise _wrong(node, "off would remove the setting, which is not the same as false; write true or false")
    raise _wrong(node, f"{node.shown} is no boolean; write true or false without quotes")


def integer(node: Node) -> int:
    """A whole number without quotes."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    raise _wrong(node, f"{node.shown} is no whole number; write one without quotes, such as 3")


def number(node: Node) -> float:
    """A number without quotes."""
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return float(node.value)
    raise _wrong(node, f"{node.shown} is no number; write one without quotes, such as 1.5")


def text(node: Node) -> str:
    """Text; numbers and booleans need quotes to be it."""
    if isinstance(node.value, str):
        return node.value
    if isinstance(node.value, (dict, list)):
        raise _wrong(node, f"{node.shown} cannot stand here; write one text")
    raise _wrong(node, f"{node.shown} is no text; put it in quotes")


def seconds(node: Node) -> Seconds:
    """A span in seconds: `90s`, `1h30m`, or a bare number of seconds."""
    span = Seconds(_parsed(node, parse_duration, "a duration such as 30s, 10m or 1h30m"))
    if not 0 <= span <= LONGEST:
        raise _wrong(node, f"{node.shown} lies outside 0 to 366 days; write a duration such as 30s, 10m or 1h30m")
    return span


def ratio(node: Node) -> Ratio:
    """A fraction from 0 to 1, written with a percent sign."""
    if isinstance(node.value, str):
        return Ratio(_parsed(node, parse_ratio, ""))
    raise _wrong(node, f"{node.shown} is no ratio; write it with a percent sign, such as 70%")


def quantity(node: Node) -> Quantity:
    """A limit with its unit, or a bare count."""
    found: Quantity = _parsed(node, parse_quantity, "5%, 2000ms, 512MiB or a bare count such as 1000")
    if not math.isfinite(found.value):
        raise _wrong(node, f"{node.shown} is too large; write a smaller number")
    return found


def instant(node: Node) -> Instant:
    """UTC epoch seconds of a time written with its Z."""
    try:
        return parse_instant(text(node))
    except ValueError as problem:
        raise _wrong(node, f"{node.shown} {problem}") from problem


def parse_instant(written: str) -> Instant:
    """Read `2026-12-23T00:00Z` as UTC epoch seconds; raise ValueError otherwise, with what is to be said of the text."""
    what = "is no UTC time; write one such as 2026-12-23T00:00Z"
    if not re.fullmatch(UTC_TIME, written):
        raise ValueError(what)
    try:
        return Instant(datetime.fromisoformat(written).timestamp())
    except ValueError as problem:  # the 31st of a month that has 30 days
        raise ValueError(what) from problem


def time_of_day(node: Node) -> TimeOfDay:
    """Minutes since midnight UTC of a time such as 22:00."""
    written = node.value
    if not isinstance(written, str) or not re.fullmatch(TIME_OF_DAY, written):
        raise _wrong(node, f"{node.shown} is no time of day; write one such as 22:00, in UTC")
    hours, minutes = written.split(":")
    return TimeOfDay(int(hours) * 60 + int(minutes))


def word(node: Node, kind: type[Enum]) -> Enum:
    """A member of an enumeration by its exact word."""
    member: Enum = _choice(node, words(kind))
    return member


def literal(node: Node, kind: Any) -> Any:
    """One of a few fixed values."""
    for value in get_args(kind):
        if type(node.value) is type(value) and node.value == value:
            return value
    if isinstance(get_args(kind)[0], str):
        return _choice(node, {str(value): value for value in get_args(kind)})
    raise _wrong(node, f"{node.shown} cannot stand here; write {' or '.join(json.dumps(v) for v in get_args(kind))}")


def anything(node: Node) -> Any:
    """Plain data, as a request's body takes it."""
    if node.off:
        raise _wrong(node, 'off removes nothing here; put the word in quotes ("off") to send it')
    if isinstance(node.value, dict):
        return {key: anything(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [child.value if child.off else anything(child) for child in node.value]
    return node.value


def _choice(node: Node, options: dict[str, Any]) -> Any:
    if isinstance(node.value, str) and node.value in options:
        return options[node.value]
    allowed = f"use one of {', '.join(options)}"
    near = suggest(node.value, options) if isinstance(node.value, str) else ""
    hint = f"{near} ({allowed})" if near.startswith("did") else allowed
    raise _wrong(node, f"{node.shown} is not known here; {hint}")


def _parsed(node: Node, parse: Callable[[Any], Any], example: str) -> Any:
    """What a parser of records/units makes of the value; its own sentence is the fault's."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _wrong(node, f"{node.shown} cannot stand here; write {example}")
    if parse is parse_duration and not isinstance(value, str):
        return Seconds(float(value))
    try:
        return parse(value)
    except ValueError as problem:
        raise _wrong(node, str(problem)) from problem
    except ArithmeticError as problem:
        raise _wrong(node, f"{node.shown} is too large; write a smaller number") from problem


def _wrong(node: Node, what: str) -> Wrong:
    if node.value is None:
        what = "has no value; write one, or remove the line"
    return Wrong(node.fault(what))
