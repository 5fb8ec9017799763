"""For how much of a watch there were values: one counts for two intervals at most, back and ahead."""

from __future__ import annotations

import pytest

from dhash_guard.gates.coverage import Coverage
from dhash_guard.records.sample import Absence, AbsenceKind, Counts
from support.watching import START

Look = tuple[float, float]
"""Seconds after the start, and the planned distance of looks then."""


def seen(*looks: Look) -> Coverage:
    one = Coverage(START)
    for at, interval in looks:
        one.observe(START + at, interval, 1.0)
    return one


@pytest.mark.parametrize(
    ("rule", "looks", "asked", "seconds"),
    [
        ("a value reaches two intervals ahead", [(0, 30)], 60, 60),
        ("and no farther", [(0, 30)], 120, 60),
        ("two intervals between values are covered", [(0, 30), (60, 30)], 60, 60),
        ("of more only two are", [(0, 30), (90, 30)], 90, 60),
        ("a late first value reaches back", [(45, 30)], 45, 45),
        ("by two intervals", [(90, 30)], 90, 60),
        ("at a slower pace farther back", [(0, 5), (60, 30)], 60, 60),
        ("a slower look reaches as far ahead", [(0, 30), (60, 5)], 60, 60),
        ("a faster one less", [(0, 30), (60, 5)], 80, 70),
        ("every hole counts", [(0, 30), (90, 30), (180, 30)], 180, 120),
        ("no value at all", [], 60, 0),
    ],
)
def test_covered_seconds(rule: str, looks: list[Look], asked: float, seconds: float) -> None:
    assert seen(*looks).share(START + asked) * asked == pytest.approx(seconds), rule


def test_at_its_start_a_watch_is_covered_by_its_first_value() -> None:
    assert seen((0, 30)).share(START) == 1.0
    assert seen().share(START) == 0.0


@pytest.mark.parametrize(
    ("value", "silent"),
    [
        (Absence(AbsenceKind.TIMEOUT), True),
        (Counts(0.0, 0.0), True),
        (Absence(AbsenceKind.TIMEOUT, unhealthy=True), False),
        (Counts(0.0, 1.0), False),
    ],
)
def test_what_says_nothing_covers_nothing(value: Absence | Counts, silent: bool) -> None:
    one = Coverage(START)
    assert (one.observe(START + 10, 30, value) is not None) is silent
    assert one.share(START + 10) == (0.0 if silent else 1.0)


@pytest.mark.parametrize(
    ("rule", "first", "block", "interval"),
    [
        ("from the beginning", [], (0, 30, 60), 30),
        ("after a value", [(0, 30)], (30, 60, 90), 30),
        ("after a hole", [(0, 30)], (150, 180, 200), 30),
        ("at a slower pace", [(0, 5), (5, 5)], (60, 90), 30),
        ("at a faster pace", [(0, 30)], (55, 60, 65, 70), 5),
        ("a block of one", [(0, 30)], (70,), 30),
    ],
)
@pytest.mark.parametrize("later", [0, 50, 500])
def test_a_block_of_values_covers_what_each_of_them_would(
    rule: str, first: list[Look], block: tuple[float, ...], interval: float, later: float
) -> None:
    at_once, each = seen(*first), seen(*first, *((at, interval) for at in block))
    at_once.skim([START + at for at in block], interval)
    end = START + block[-1] + later
    assert at_once.share(end) == pytest.approx(each.share(end)), rule
