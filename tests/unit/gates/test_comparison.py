"""The planned rank test look by look: which values it compares, at which looks it tests, and what it says."""

from __future__ import annotations

import pytest

from dhash_guard.gates.comparison import RankTest
from dhash_guard.gates.reading import Level, Limits
from dhash_guard.records.sample import Counts, Value
from dhash_guard.records.units import Seconds, parse_quantity
from support.watching import START, values

FAIL, FINE = Level.FAIL, Level.FINE
LIMITS = Limits(None, ("above", parse_quantity("1s")), None)
CALM = tuple(0.01 * index for index in range(40))


def rank_test(
    before: tuple[float, ...] = CALM, *, looks: int = 60, over: float | None = None, alpha: float = 0.01, least: int = 1
) -> RankTest:
    return RankTest(before, None if over is None else Seconds(over), alpha, looks, least, LIMITS)


def levels(one: RankTest, series: str) -> list[Level | None]:
    return [one.observe(START + index, 1.0, value) for index, value in enumerate(values(series))]


@pytest.mark.parametrize(
    ("rule", "over", "series", "samples"),
    [
        ("a window keeps what is younger than it", 3, "1 1 1", 3),
        ("a value as old as the window is out", 3, "1 1 1 1", 3),
        ("without a window the newest sixty are kept", None, "61*1", 60),
        ("an absence is no value", None, "1 - nan 1", 2),
        ("absences let a window grow old", 3, "1 1 - -", 1),
    ],
)
def test_the_values_that_are_compared(rule: str, over: float | None, series: str, samples: int) -> None:
    one = rank_test(over=over, looks=1000)
    levels(one, series)
    assert one.standing().samples == samples, rule


@pytest.mark.parametrize(
    ("rule", "least", "series", "told"),
    [
        ("one value speaks", 1, "9", [FINE]),
        ("no value says nothing", 1, "- -", [None, None]),
        ("from min_samples on it speaks", 3, "0 0 0 0", [None, None, FINE, FINE]),
        ("forty below nine are proven by three above", 1, "9 9 9 9", [FINE, FINE, FAIL, FAIL]),
    ],
)
def test_when_it_speaks(rule: str, least: int, series: str, told: list[Level | None]) -> None:
    assert levels(rank_test(least=least), series) == told, rule


@pytest.mark.parametrize(
    ("rule", "looks", "series", "fires"),
    [
        ("of 300 looks every fifth is planned", 300, "9*9", 4),
        ("what comes after the plan proves nothing", 3, "0 0 0 20*9", None),
        ("a rise at the very end of the plan is seen", 5, "- - - - 9", 4),
    ],
)
def test_only_planned_looks_decide(rule: str, looks: int, series: str, fires: int | None) -> None:
    told = levels(rank_test(looks=looks, alpha=0.3), series)
    assert (told.index(FAIL) if FAIL in told else None) == fires, rule


def test_a_chance_that_is_just_allowed_fires() -> None:
    """One value above one from before has a chance of one half, and a plan of one look may spend all of it."""
    assert levels(rank_test((1.0,), looks=1, alpha=0.5), "2") == [FAIL]
    assert levels(rank_test((1.0,), looks=1, alpha=0.49), "2") == [FINE]
    assert levels(rank_test((1.0,), looks=1, alpha=0.5), "1") == [FINE], "a tie counts for the value before"


@pytest.mark.parametrize(
    ("rule", "one", "series", "text"),
    [
        ("nothing seen", rank_test(), "-", "n=0, needs 1"),
        ("too little within its window", rank_test(over=60, least=3), "1 1", "n=2 within 1m, needs 3"),
        (
            "not tested yet",
            rank_test(looks=120),
            "2",
            "1 values (median 2000 ms) against 40 from before, not surely higher: p=1 > 0",
        ),
        (
            "surely higher",
            rank_test((1.0, 2.0, 3.0), looks=1, alpha=0.25),
            "4",
            "1 values (median 4000 ms) against 3 from before, higher: p=0.25 ≤ 0.25",
        ),
        (
            "not surely",
            rank_test((1.0, 2.0, 3.0), looks=1, alpha=0.2),
            "4",
            "1 values (median 4000 ms) against 3 from before, not surely higher: p=0.25 > 0.2",
        ),
    ],
)
def test_what_it_says(rule: str, one: RankTest, series: str, text: str) -> None:
    levels(one, series)
    assert one.standing().text == text, rule


def test_a_share_of_counts_is_compared_as_a_number() -> None:
    one = rank_test((0.1,), looks=1, alpha=0.5)
    share: Value = Counts(1.0, 4.0)
    assert one.observe(START, 1.0, share) is FAIL
    assert one.standing().observed == 0.25
