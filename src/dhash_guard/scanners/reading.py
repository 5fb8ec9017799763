"""Decides whether bytes are a report at all, and reads values from it strictly: what is not as expected is unreadable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dhash_guard.records.canonical import loads
from dhash_guard.records.vulnerability import Severity

_WORDS = {
    "info": Severity.LOW,
    "informational": Severity.LOW,
    "negligible": Severity.LOW,
    "low": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
_SCORES = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.0, Severity.LOW))


class Unreadable(Exception):
    """The report tells nothing; the message says why."""


def parsed(content: bytes, largest: int) -> Any:
    """The JSON of a report, in any of the encodings in which shells redirect it; raise Unreadable."""
    if len(content) > largest:
        raise Unreadable(f"is larger than {largest // 1024 // 1024} MiB")
    if not content.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise Unreadable("is empty")
    try:
        return loads(content)
    except ValueError as problem:
        raise Unreadable(f"is no whole JSON ({str(problem)[:120]}); it may have been cut off") from problem


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """`value` as a mapping; raise Unreadable."""
    if not isinstance(value, Mapping):
        raise Unreadable(f"has no {what}")
    return value


def listing(value: Any, what: str) -> list[Any]:
    """`value` as a list; raise Unreadable."""
    if not isinstance(value, list):
        raise Unreadable(f"has no {what}")
    return value


def text(value: Any) -> str:
    """The text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def by_word(word: Any) -> Severity | None:
    """The severity of a word such as `moderate`; None for a word that is not known."""
    return _WORDS.get(text(word).strip().casefold())


def by_score(score: Any) -> Severity | None:
    """The severity of a CVSS base score from 0 to 10, also written as text; None for anything else."""
    try:
        number = float(score) if not isinstance(score, bool) else math.nan
    except (TypeError, ValueError):
        return None
    if not 0.0 <= number <= 10.0:
        return None
    return next(severity for least, severity in _SCORES if number >= least)


def gravest(*severities: Severity | None) -> Severity | None:
    """The gravest of those that are known."""
    return max((one for one in severities if one is not None), key=lambda one: one.rank, default=None)
