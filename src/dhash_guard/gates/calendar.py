"""Decides whether a moment lies in one of the weekly windows in which an environment may be changed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NewType

from attrs import frozen

TimeOfDay = NewType("TimeOfDay", int)
"""Minutes since midnight UTC, written 22:00."""

_DAY = 86400.0
_WEEK = 7
_EPOCH_DAY = 3
"""1970-01-01 was a Thursday, the fourth day of the week."""


class Day(Enum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


@frozen(kw_only=True)
class Window:
    """A time of the week in UTC. One that ends before it begins goes on past midnight; `days` are those it begins on."""

    since: TimeOfDay
    until: TimeOfDay
    days: tuple[Day, ...] = tuple(Day)

    @property
    def seconds(self) -> float:
        """How long it is open; a window from a time to the same time is a whole day."""
        return float((self.until - self.since) % 1440 or 1440) * 60.0


def open_until(windows: Sequence[Window], now: float) -> float | None:
    """When the window that is open now closes (UTC epoch seconds), the latest of several; None where none is open."""
    ends = [end for begin, end in _spans(windows, now) if begin <= now < end]
    return max(ends, default=None)


def opens_next(windows: Sequence[Window], now: float) -> float | None:
    """When the next window opens (UTC epoch seconds); None where there is none."""
    return min((begin for begin, _ in _spans(windows, now) if begin > now), default=None)


def _spans(windows: Sequence[Window], now: float) -> list[tuple[float, float]]:
    """Begin and end of every opening from a day before to a week after now."""
    today = int(now // _DAY)
    found = []
    for day in range(today - 1, today + _WEEK + 1):
        weekday = tuple(Day)[(day + _EPOCH_DAY) % _WEEK]
        for window in windows:
            if weekday in window.days:
                begin = day * _DAY + window.since * 60.0
                found.append((begin, begin + window.seconds))
    return found
