"""What a snapshot from before a deployment keeps of its looks."""

from __future__ import annotations

import pytest

from dhash_guard.gates.baseline import baseline_of
from dhash_guard.records.deployment import MOST_VALUES, Summary
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Tick, Value
from support.watching import START, ticks, values

SILENT = Absence(AbsenceKind.TIMEOUT)


def summary(series: str) -> Summary | None:
    return baseline_of(ticks(series), START).medians.get("x")


@pytest.mark.parametrize(
    ("rule", "series", "median", "count"),
    [
        ("the middle value", "1 9 2", 2, 3),
        ("between the two in the middle", "1 2 4 9", 3, 4),
        ("an absence is no value", "- 1 - 3 nan", 2, 2),
        ("counts: the share of all events, not the middle share", "0/1 0/1 5/8", 0.5, 3),
        ("counts without events are no value", "0/0 1/4 0/0", 0.25, 1),
    ],
)
def test_what_a_signal_was_like_before(rule: str, series: str, median: float, count: int) -> None:
    found = summary(series)
    assert found is not None, rule
    assert (found.median, found.count, len(found.values)) == (median, count, count), rule


@pytest.mark.parametrize("series", ["- -", "0/0", "ok bad"])
def test_without_a_value_there_is_no_baseline(series: str) -> None:
    assert summary(series) is None


def test_running_counts_of_a_single_look_are_its_share() -> None:
    one = baseline_of([Tick(0, START, {"x": Counts(1.0, 4.0, running=True)})], START)
    assert one.medians["x"].median == 0.25


def test_the_newest_values_are_kept_in_their_order() -> None:
    found = summary(" ".join(str(index) for index in range(MOST_VALUES + 2)))
    assert found is not None
    assert found.count == MOST_VALUES + 2
    assert found.values == tuple(float(index) for index in range(2, MOST_VALUES + 2))


@pytest.mark.parametrize(
    ("words", "mostly"),
    [
        ("ok ok", Health.HEALTHY),
        ("ok warn ok", Health.HEALTHY),
        ("4*ok bad 5*ok", Health.HEALTHY),
        ("warn bad ok", Health.WARNING),
        ("ok bad", Health.UNHEALTHY),
        ("bad ok bad", Health.UNHEALTHY),
        ("- ok", Health.HEALTHY),
        ("- -", None),
    ],
)
def test_how_healthy_it_mostly_was_is_kept(words: str, mostly: Health | None) -> None:
    assert baseline_of(ticks(words, signal="health"), START).health is mostly


def test_the_newest_looks_are_kept_as_they_were() -> None:
    looks = ticks(" ".join(str(index) for index in range(MOST_VALUES + 2)))
    kept = baseline_of(looks, START, ticks("200*5")).looks
    assert kept == tuple(looks[2:])


def test_only_the_health_probe_says_how_healthy_the_service_was() -> None:
    rows: list[dict[str, Value]] = [{"health": word, "other": Health.UNHEALTHY, "x": SILENT} for word in values("ok warn")]
    found = baseline_of([Tick(index, START + index, row) for index, row in enumerate(rows)], START)
    assert (found.health, found.samples, found.medians) == (Health.WARNING, 2, {})


def test_a_number_for_health_is_no_word() -> None:
    found = baseline_of([Tick(0, START, {"health": 1.0})], START - 5)
    assert (found.health, found.medians["health"].median, found.taken_at) == (None, 1.0, START - 5)


def test_what_was_recorded_before_says_more_than_looks_within_seconds() -> None:
    recorded = ticks("4 6 5 5 4 6")
    assert baseline_of(ticks("9 9"), START, recorded).medians["x"].values == (4.0, 6.0, 5.0, 5.0, 4.0, 6.0)
    assert baseline_of(ticks("9 9 9 9 9 9"), START, recorded).medians["x"].values == (9.0,) * 6
    assert baseline_of(ticks("- -"), START, recorded).medians["x"].median == 5.0


def test_the_health_of_now_counts_whatever_was_recorded() -> None:
    found = baseline_of(ticks("ok", signal="health"), START, ticks("bad bad bad", signal="health"))
    assert (found.health, found.samples) == (Health.HEALTHY, 1)
