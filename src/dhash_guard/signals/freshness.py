"""Decides whether an answer is young enough to speak of now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dhash_guard.records.sample import Absence, AbsenceKind
from dhash_guard.records.units import Seconds, format_duration
from dhash_guard.signals.path import Missing, find
from dhash_guard.signals.reading import finite

_MILLISECONDS_FROM = 1e11
"""As seconds this is the year 5138; numbers above it are taken as milliseconds."""


def moment(found: Any) -> float | None:
    """UTC seconds of an ISO 8601 text with a zone, of epoch seconds, or of epoch milliseconds; None for all else."""
    if isinstance(found, str):
        try:
            written = datetime.fromisoformat(found.strip())
        except ValueError:
            return None
        return written.timestamp() if written.tzinfo is not None else None
    number = finite(found)
    return number / 1000 if number is not None and number > _MILLISECONDS_FROM else number


def untimely(document: Any, time_at: str, now: float, fresh: Seconds) -> Absence | None:
    """Why a JSON answer may not be used: its own time is missing, unreadable, or too far from `now`."""
    found = find(document, time_at)
    if isinstance(found, Missing):
        return Absence(AbsenceKind.MISSING_PATH, f"no time at {time_at}")
    if found is None:
        return Absence(AbsenceKind.EMPTY, f"{time_at} is null")
    at = moment(found)
    if at is None:
        return Absence(AbsenceKind.NOT_A_NUMBER, f"{time_at} is no time; ISO 8601 with a zone or epoch seconds are")
    return stale(at, now, fresh)


def stale(at: float, now: float, fresh: Seconds, what: str = "answer") -> Absence | None:
    """The absence where `at` lies further than `fresh` from `now`, before or after it; all in seconds."""
    age = now - at
    if abs(age) <= fresh:
        return None
    side = "old" if age > 0 else "in the future"
    return Absence(AbsenceKind.STALE, f"{what} is {_distinct(abs(age), fresh)} {side}, at most {format_duration(fresh)}")


def _distinct(age: float, fresh: Seconds) -> str:
    """The age in words; rounding must not make a sentence of "2m old, at most 2m"."""
    written = format_duration(age)
    return written if written != format_duration(fresh) else f"{age:.6f}s"
