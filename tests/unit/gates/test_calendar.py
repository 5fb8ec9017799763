"""Weekly windows: when they are open, when they close, when the next one opens."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dhash_guard.gates.calendar import Day, TimeOfDay, Window, open_until, opens_next


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def window(since: str, until: str, *days: str) -> Window:
    def minutes(text: str) -> TimeOfDay:
        return TimeOfDay(int(text[:2]) * 60 + int(text[3:]))

    return Window(since=minutes(since), until=minutes(until), days=tuple(map(Day, days)) or tuple(Day))


WORK = window("09:00", "16:30", "mon", "tue", "wed", "thu")
NIGHT = window("22:00", "02:00", "fri")
ALL_DAY = window("00:00", "00:00", "sat")

# 2026-11-21 is a Saturday.
CASES = [
    ([WORK], "2026-11-18T09:00", "2026-11-18T16:30", "2026-11-19T09:00"),
    ([WORK], "2026-11-18T08:59", None, "2026-11-18T09:00"),
    ([WORK], "2026-11-18T16:29", "2026-11-18T16:30", "2026-11-19T09:00"),
    ([WORK], "2026-11-18T16:30", None, "2026-11-19T09:00"),
    ([WORK], "2026-11-20T10:00", None, "2026-11-23T09:00"),
    ([NIGHT], "2026-11-20T22:00", "2026-11-21T02:00", "2026-11-27T22:00"),
    ([NIGHT], "2026-11-21T01:59", "2026-11-21T02:00", "2026-11-27T22:00"),
    ([NIGHT], "2026-11-21T02:00", None, "2026-11-27T22:00"),
    ([NIGHT], "2026-11-21T22:30", None, "2026-11-27T22:00"),
    ([NIGHT], "2026-11-20T01:00", None, "2026-11-20T22:00"),
    ([ALL_DAY], "2026-11-21T00:00", "2026-11-22T00:00", "2026-11-28T00:00"),
    ([ALL_DAY], "2026-11-21T23:59", "2026-11-22T00:00", "2026-11-28T00:00"),
    ([ALL_DAY], "2026-11-22T00:00", None, "2026-11-28T00:00"),
    ([NIGHT, ALL_DAY], "2026-11-21T01:00", "2026-11-22T00:00", "2026-11-27T22:00"),
    ([WORK, NIGHT], "2026-11-19T17:00", None, "2026-11-20T22:00"),
    ([], "2026-11-21T01:00", None, None),
]


@pytest.mark.parametrize(
    ("windows", "now", "closes", "opens"), CASES, ids=[f"{number}-{one[1]}" for number, one in enumerate(CASES)]
)
def test_open_closed_and_next(windows: list[Window], now: str, closes: str | None, opens: str | None) -> None:
    assert open_until(windows, at(now)) == (at(closes) if closes is not None else None)
    assert opens_next(windows, at(now)) == (at(opens) if opens is not None else None)
