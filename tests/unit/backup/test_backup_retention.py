"""Which backups stay: every rule by itself and together, whatever the clock says, and nothing bad in a good one's place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.backup.retention import LEAP, SLACK, Decision, decide
from dhash_guard.backup.settings import Keep
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.units import Seconds

DAY = 86400.0
DECADE = 3652 * DAY


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOON = at("2026-11-18 12:00")
"""A Wednesday."""


def one(sequence: int, when: float | str, **changed: Any) -> BackupFacts:
    plain = BackupFacts(
        name=f"b{sequence}",
        environment="production",
        purpose=Purpose.BACKUP,
        sequence=sequence,
        sealed_at=at(when) if isinstance(when, str) else when,
        size=1,
        sha256="",
        members=1,
        components=(),
    )
    return evolve(plain, **changed)


def daily(count: int, *, last: float = NOON, step: float = DAY) -> list[BackupFacts]:
    """One a day, the newest at `last`, with the highest sequence."""
    return [one(n, last - (count - n) * step) for n in range(1, count + 1)]


def days(number: float) -> Seconds:
    return Seconds(number * DAY)


def kept(backups: list[BackupFacts], keep: Keep, *, now: float = NOON, **more: Any) -> str:
    """The numbers that stay."""
    found = decide(backups, "production", keep, now, **more)
    return " ".join(decision.backup.name[1:] for decision in found if decision.keep)


def reasons(backups: list[BackupFacts], keep: Keep, *, now: float = NOON, **more: Any) -> dict[str, str]:
    found: tuple[Decision, ...] = decide(backups, "production", keep, now, **more)
    return {decision.backup.name: "; ".join(decision.reasons) for decision in found}


TEN = daily(10)
TWICE = [one(n, NOON - (20 - n) * DAY / 2) for n in range(1, 21)]
"""At noon and at midnight for ten days."""

MIDNIGHT = [one(1, "2026-11-16 23:59:59"), one(2, "2026-11-17 00:00:00"), one(3, "2026-11-17 23:59:59")]
YEAR_END = [one(1, "2025-12-28 12:00"), one(2, "2025-12-29 12:00"), one(3, "2026-01-04 12:00"), one(4, "2026-01-05 12:00")]
MONTHS = [one(1, "2026-08-31 23:59"), one(2, "2026-09-01 00:00"), one(3, "2026-09-30 23:59"), one(4, "2026-11-01 00:00")]
SAME = [one(n, NOON) for n in range(1, 6)]
BACKWARDS = [one(n, NOON - n * DAY) for n in range(1, 6)]
"""The clock went back a day before each."""

SPRING = [one(1, "2026-03-28 23:30"), one(2, "2026-03-29 00:30"), one(3, "2026-03-29 01:30"), one(4, "2026-03-29 22:30")]
AUTUMN = [one(1, "2026-10-24 23:30"), one(2, "2026-10-25 00:30"), one(3, "2026-10-25 01:30"), one(4, "2026-10-25 23:30")]
AHEAD = [*daily(5), one(6, NOON + DECADE), one(7, NOON + DECADE + 1)]
BEHIND = [*daily(5), one(6, NOON - DECADE), one(7, NOON - DECADE + DAY)]
LONG_PAUSE = [*daily(3, last=NOON - DECADE), one(4, NOON)]
HALF_YEAR = [one(1, NOON - 400 * DAY), one(2, NOON - 200 * DAY), one(3, NOON)]

TABLE = [
    # numbers
    ("last 1", TEN, Keep(last=1), "10"),
    ("last 3", TEN, Keep(last=3), "8 9 10"),
    ("last as many as there are", TEN, Keep(last=10), "1 2 3 4 5 6 7 8 9 10"),
    ("last more than there are", TEN, Keep(last=99), "1 2 3 4 5 6 7 8 9 10"),
    ("one alone", [one(1, NOON)], Keep(last=1), "1"),
    ("one alone, however old", [one(1, NOON - 9000 * DAY)], Keep(older_than=days(1)), "1"),
    ("last goes by sequence, not by date", BACKWARDS, Keep(last=2), "4 5"),
    ("equal seconds", SAME, Keep(last=2), "4 5"),
    # periods, in UTC
    ("daily, one a day", TEN, Keep(daily=3), "8 9 10"),
    ("daily takes the newest of a day", TWICE, Keep(daily=3), "16 18 20"),
    ("a day ends at midnight UTC", MIDNIGHT, Keep(daily=2), "1 3"),
    ("equal seconds are one day", SAME, Keep(daily=3), "5"),
    ("days without one do not count", [one(1, NOON - 9 * DAY), one(2, NOON)], Keep(daily=2), "1 2"),
    ("weekly", TEN, Keep(weekly=2), "7 10"),
    ("weekly takes the newest of a week", TWICE, Keep(weekly=1), "20"),
    ("ISO weeks go over the year", YEAR_END, Keep(weekly=3), "1 3 4"),
    ("monthly", MONTHS, Keep(monthly=2), "3 4"),
    ("months without one do not count", MONTHS, Keep(monthly=3), "1 3 4"),
    ("the hour that is missing in spring is none in UTC", SPRING, Keep(daily=2), "1 4"),
    ("the hour that comes twice in autumn is none in UTC", AUTUMN, Keep(daily=2), "1 4"),
    # spans
    ("within", TEN, Keep(within=days(2)), "8 9 10"),
    ("within is inclusive", daily(2), Keep(within=days(1)), "1 2"),
    ("within nothing", TEN, Keep(within=days(0)), "10"),
    ("within is relative to the newest", daily(10, last=NOON - 50 * DAY), Keep(within=days(2)), "8 9 10"),
    ("within a day of 23 hours", daily(3, step=DAY - 3600), Keep(within=days(1)), "2 3"),
    ("older than, alone", TEN, Keep(older_than=days(3)), "7 8 9 10"),
    ("older than, exactly", daily(2), Keep(older_than=days(1)), "1 2"),
    ("older than, all but the last good one", daily(3), Keep(older_than=days(0)), "3"),
    ("older than is relative to the newest", daily(4, last=NOON - 99 * DAY), Keep(older_than=days(1)), "3 4"),
    # together
    ("a union", TEN, Keep(last=1, weekly=2), "7 10"),
    ("a union of all", TWICE, Keep(last=2, daily=3, weekly=2, monthly=1, within=days(1)), "14 16 18 19 20"),
    ("only what is older goes", TEN, Keep(last=2, older_than=days(4)), "6 7 8 9 10"),
    ("last wins over older than", TEN, Keep(last=8, older_than=days(1)), "3 4 5 6 7 8 9 10"),
    ("a policy without rules keeps all", TEN, Keep(), "1 2 3 4 5 6 7 8 9 10"),
    ("nothing there", [], Keep(last=1), ""),
    # clocks that jump
    ("ahead: what is dated in the future counts for nothing and stays", AHEAD, Keep(last=2), "4 5 6 7"),
    ("behind: what came before the step stays", BEHIND, Keep(last=2), "4 5 6 7"),
    ("behind, within", BEHIND, Keep(within=days(1)), "1 2 3 4 5 6 7"),
    ("a pause of ten years looks like a jump", LONG_PAUSE, Keep(older_than=days(1)), "2 3 4"),
    ("a pause of half a year does not", HALF_YEAR, Keep(within=days(30)), "3"),
    ("dates that go back by days", BACKWARDS, Keep(within=days(2)), "1 2 3 4 5"),
]


@pytest.mark.parametrize(("backups", "keep", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_stays(backups: list[BackupFacts], keep: Keep, expected: str) -> None:
    assert kept(backups, keep) == expected
    assert kept(backups[::-1], keep) == expected, "the order of the list must not matter"
    again = [decision.backup for decision in decide(backups, "production", keep, NOON) if decision.keep]
    assert kept(again, keep) == expected, "done twice is done once"


BAD = [
    ("damaged", {"problem": "no readable archive"}, "counts for nothing: no readable archive"),
    ("another environment", {"environment": "staging"}, "counts for nothing: it belongs to staging"),
    ("no environment", {"environment": ""}, "counts for nothing: it belongs to an unknown environment"),
    ("in the future", {"sealed_at": NOON + SLACK + 1}, "counts for nothing: dated in the future, 2026-11-18T12:05:01.000Z"),
    ("before all time", {"sealed_at": -1.0}, "counts for nothing: its date is none"),
    ("after all time", {"sealed_at": 1e18}, "counts for nothing: its date is none"),
    ("no number", {"sealed_at": float("nan")}, "counts for nothing: its date is none"),
    ("a copy", {"sha256": "ab"}, "counts for nothing: the same archive as b1"),
]


@pytest.mark.parametrize(("changed", "reason"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
@pytest.mark.parametrize("keep", [Keep(last=2), Keep(daily=2), Keep(older_than=days(1)), Keep(within=days(1))])
def test_a_bad_one_counts_for_nothing_and_stays(changed: dict[str, Any], reason: str, keep: Keep) -> None:
    good = [evolve(facts, sha256="ab" if facts.sequence == 1 else "") for facts in daily(5)]
    bad = one(6, NOON, **changed)
    assert kept([*good, bad], keep) == "4 5 6"
    assert reasons([*good, bad], keep)["b6"] == reason


def test_what_is_discounted_counts_for_nothing() -> None:
    assert kept(daily(5), Keep(last=2), discounted={"b5": "it does not read back"}) == "3 4 5"
    assert reasons(daily(5), Keep(last=2), discounted={"b5": "x"})["b5"] == "counts for nothing: x"


def test_with_no_good_one_everything_stays() -> None:
    bad = [evolve(facts, problem="broken") for facts in daily(3)]
    snapshot = one(4, NOON, purpose=Purpose.PRE_ROLLBACK)
    assert kept([*bad, snapshot], Keep(last=1)) == "1 2 3 4"
    assert reasons([*bad, snapshot], Keep(last=1))["b4"] == "there is no good backup"


@pytest.mark.parametrize("keep", [Keep(last=3), Keep(daily=3), Keep(within=days(2)), Keep(older_than=days(2))])
def test_a_clock_that_jumps_back_deletes_nothing(keep: Keep) -> None:
    assert kept(TEN, keep, now=NOON - DECADE) == "1 2 3 4 5 6 7 8 9 10"


@pytest.mark.parametrize("keep", [Keep(last=3), Keep(daily=3), Keep(within=days(2)), Keep(older_than=days(2))])
def test_a_clock_that_jumps_forward_changes_nothing(keep: Keep) -> None:
    assert kept(TEN, keep, now=NOON + DECADE) == kept(TEN, keep) == "8 9 10"


@pytest.mark.parametrize(
    "keep", [Keep(last=3), Keep(daily=3), Keep(weekly=2), Keep(monthly=2), Keep(within=days(2)), Keep(older_than=days(2))]
)
@pytest.mark.parametrize("elapsed", [0.0, 3600.0, DAY, 40 * DAY])
@pytest.mark.parametrize("jump", [DECADE, DECADE + 1234.5, -DECADE])
def test_a_backup_taken_after_a_jump_costs_none_that_would_stay(keep: Keep, elapsed: float, jump: float) -> None:
    true = [*TWICE, one(21, NOON + elapsed)]
    jumped = [*TWICE, one(21, NOON + elapsed + jump)]
    would = set(kept(true, keep, now=NOON + elapsed).split())
    assert would <= set(kept(jumped, keep, now=NOON + elapsed + jump).split())


def test_a_step_of_exactly_the_limit_is_believed() -> None:
    assert kept([one(1, NOON - LEAP), one(2, NOON)], Keep(older_than=days(1))) == "2"
    assert kept([one(1, NOON - LEAP - 1), one(2, NOON)], Keep(older_than=days(1))) == "1 2"


def test_within_the_slack_is_no_future() -> None:
    assert kept([one(1, NOON), one(2, NOON + SLACK)], Keep(last=1)) == "2"


def test_pinned_ones_stay_and_count() -> None:
    assert kept(TEN, Keep(last=2), pinned={"b3": "a rollback goes back to it"}) == "3 9 10"
    assert reasons(TEN, Keep(last=2), pinned={"b3": "why"})["b3"] == "pinned: why"
    assert reasons(TEN, Keep(last=1), pinned={"b10": "why"})["b10"] == "last 1 of 1; pinned: why"


def test_snapshots_have_a_retention_of_their_own() -> None:
    snapshots = [one(n, NOON, purpose=Purpose.PRE_ROLLBACK) for n in range(11, 15)]
    assert kept([*TEN, *snapshots], Keep(last=3)) == "8 9 10 12 13 14"
    assert kept([*TEN, *snapshots], Keep(daily=3)) == "8 9 10 11 12 13 14", "ten where last says nothing"
    assert reasons([*TEN, *snapshots], Keep(last=3))["b11"] == "no rule keeps it"


def test_every_reason_is_said() -> None:
    assert reasons(TEN, Keep(last=2, daily=2, weekly=2, monthly=1)) == {
        **{f"b{n}": "no rule keeps it" for n in (1, 2, 3, 4, 5, 6, 8)},
        "b7": "weekly 2026-W46",
        "b9": "last 2 of 2; daily 2026-11-17",
        "b10": "last 1 of 2; daily 2026-11-18; weekly 2026-W47; monthly 2026-11",
    }
    assert reasons(daily(3), Keep(older_than=days(1))) == {
        "b1": "older than 1d",
        "b2": "not older than 1d",
        "b3": "not older than 1d",
    }
    assert reasons(daily(3), Keep(last=1, older_than=Seconds(3600.0)))["b1"] == "older than 1h, and no rule keeps it"
    assert reasons(LONG_PAUSE, Keep(last=1))["b3"] == (
        "before a step of 3652 days in the dates, perhaps of the clock: last 1 of 1"
    )
    assert reasons(TEN, Keep())["b1"] == "the policy names no rule"


def test_what_lacks_a_component_takes_nobodys_place_and_nobody_takes_its() -> None:
    whole, part = ("database", "release"), ("logs",)
    mixed = [one(n, NOON - (9 - n) * DAY, components=whole if n in (1, 2, 4) else part) for n in range(1, 10)]
    assert kept(mixed, Keep(last=2), needed=("database",)) == "2 4 8 9"
    assert kept(mixed, Keep(older_than=days(1)), needed=("database",)) == "4 8 9"
    assert kept(mixed, Keep(last=2)) == "8 9"
