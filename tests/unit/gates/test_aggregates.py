"""How the values of a window become one number: every aggregate by hand, and the definitions behind them."""

from __future__ import annotations

import pytest

from dhash_guard.gates.aggregates import Look, aggregate_of, percentile, pooled, slope
from dhash_guard.gates.settings import Aggregate
from dhash_guard.records.sample import Counts
from support.watching import START

A = Aggregate


def looks(*points: tuple[float, float]) -> list[Look]:
    """Looks at bare numbers: (seconds after the start, number)."""
    return [(START + at, number, number) for at, number in points]


def counts(*pairs: tuple[float, float], running: bool = False) -> list[Look]:
    return [
        (START + index, part / whole if whole else 0.0, Counts(part, whole, running))
        for index, (part, whole) in enumerate(pairs)
    ]


UNEVEN = looks((10, 4), (11, 9), (13, 1), (17, 2), (18, 6))


@pytest.mark.parametrize(
    ("how", "number"),
    [
        (A.LAST, 6),
        (A.MAX, 9),
        (A.MIN, 1),
        (A.MEAN, 4.4),
        (A.MEDIAN, 4),
        (A.P90, 7.8),
        (A.P95, 8.4),
        (A.P99, 8.88),
        (A.RISE, 2),
    ],
)
def test_every_aggregate_of_five_looks(how: Aggregate, number: float) -> None:
    assert aggregate_of(UNEVEN, how) == pytest.approx(number)


@pytest.mark.parametrize("how", list(Aggregate))
def test_nothing_has_no_aggregate(how: Aggregate) -> None:
    assert aggregate_of([], how) is None


@pytest.mark.parametrize(
    ("rule", "points", "grown"),
    [
        ("the slope, where it says less", ((0, 1), (1, 4), (3, 6), (4, 6)), 4.8),  # 1.2 a second; the ends say 5
        ("the ends, where they say less", ((0, 3), (1, 0), (3, 2), (4, 5)), 2.0),  # the slope says 2.4
        ("of a fall the steeper one", ((0, 9), (1, 8), (3, 5), (4, 1)), -8.0),  # the slope says -7.6
    ],
)
def test_a_trend_is_what_the_window_grew_by(rule: str, points: tuple[tuple[float, float], ...], grown: float) -> None:
    assert aggregate_of(looks(*points), A.TREND) == pytest.approx(grown), rule


def test_the_slope_of_a_line_is_exact_at_todays_clock() -> None:
    times = [START + 7 * index for index in range(600)]
    assert slope(times, [0.1 * index for index in range(600)]) == pytest.approx(0.1 / 7, rel=1e-12)


@pytest.mark.parametrize(
    ("numbers", "share", "value"),
    [
        ((1, 2, 4, 8), 0.0, 1),
        ((1, 2, 4, 8), 0.5, 3),
        ((1, 2, 4, 8), 0.25, 1.75),
        ((1, 2, 4, 8), 0.75, 5),
        ((1, 2, 4, 8), 1.0, 8),
        ((8, 1, 4, 2), 0.75, 5),
        ((7,), 0.99, 7),
    ],
)
def test_a_percentile_lies_on_the_line_between_its_neighbours(
    numbers: tuple[float, ...], share: float, value: float
) -> None:
    assert percentile(numbers, share) == pytest.approx(value)


@pytest.mark.parametrize(
    ("rule", "window", "part", "whole"),
    [
        ("events are added up", counts((1, 10), (2, 20), (0, 5)), 3, 35),
        ("a look without events adds none", counts((1, 10), (0, 0)), 1, 10),
        ("running counts: what came since the first look", counts((3, 10), (4, 15), (9, 40), running=True), 6, 30),
        ("of one look at running counts nothing is known yet", counts((3, 10), running=True), 0, 0),
    ],
)
def test_the_events_of_a_window(rule: str, window: list[Look], part: float, whole: float) -> None:
    assert pooled(window) == Counts(part, whole), rule


def test_bare_numbers_have_no_events() -> None:
    assert pooled(UNEVEN) is None
    assert aggregate_of(UNEVEN, A.RATIO) is None
