"""What one value means against the limits of a gate, where those limits come from, and how it is written."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest

from dhash_guard.gates.reading import Level, Limits, beyond, limits_of, relative, widened
from dhash_guard.gates.settings import BaselineSource, Gate
from dhash_guard.records.deployment import Summary
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Counts, Health
from dhash_guard.records.units import parse_quantity
from support.watching import baseline

LIMIT = parse_quantity(2)


def limits(fail: str | None = None, warn: str | None = None, word: Health | None = None) -> Limits:
    return Limits(word, (fail, LIMIT) if fail else None, (warn, LIMIT) if warn else None)


@pytest.mark.parametrize(
    ("word", "levels"),
    [
        (None, [Level.FINE, Level.WARN, Level.WARN]),
        (Health.UNHEALTHY, [Level.FINE, Level.WARN, Level.FAIL]),
        (Health.WARNING, [Level.FINE, Level.FAIL, Level.FAIL]),
    ],
)
def test_words_have_an_order(word: Health | None, levels: list[Level]) -> None:
    assert [limits(word=word).level(seen) for seen in (Health.HEALTHY, Health.WARNING, Health.UNHEALTHY)] == levels


SIDES = (None, "above", "below", "from", "to")


@pytest.mark.parametrize("fail", SIDES)
@pytest.mark.parametrize("warn", SIDES)
def test_values_are_all_fine_where_each_is(fail: str | None, warn: str | None) -> None:
    one = limits(fail, warn)
    for values in product((1.0, 2.0, 3.0), repeat=3):
        assert one.all_fine(values) is all(one.level(value) is Level.FINE for value in values), values


def test_words_are_all_fine_where_each_is_healthy() -> None:
    one = limits(word=Health.UNHEALTHY)
    for words in product(Health, repeat=3):
        assert one.all_fine(words) is all(word is Health.HEALTHY for word in words)


@pytest.mark.parametrize(
    ("limit", "value", "counts", "confidence", "text"),
    [
        (("above", "2s"), 2.31, None, None, "2310 ms > 2000 ms"),
        (("above", "2s"), 2.0, None, None, "2000 ms ≤ 2000 ms"),
        (("from", "2s"), 2.0, None, None, "2000 ms ≥ 2000 ms"),
        (("from", "2s"), 1.0, None, None, "1000 ms < 2000 ms"),
        (("below", "70%"), 0.6, None, None, "60% < 70%"),
        (("below", "70%"), 0.7, None, None, "70% ≥ 70%"),
        (("to", "70%"), 0.7, None, None, "70% ≤ 70%"),
        (("to", "70%"), 0.8, None, None, "80% > 70%"),
        (("above", "5%"), 0.05000001, None, None, "0.05000001 (5%) > 5%"),
        (("above", "5%"), 0.25, Counts(10, 40), None, "25% > 5%"),
        (("above", "5%"), 0.25, None, 0.95, "25% > 5%"),
        (("above", "5%"), 0.25, Counts(10, 40), 0.95, "10/40 = 25% (at least 14.24% at 0.95) > 5%"),
        (("above", "5%"), 0.25, Counts(2, 8), 0.95, "2/8 = 25% (at least 4.639% at 0.95) ≤ 5%"),
        (("from", "5%"), 0.25, Counts(2, 8), 0.95, "2/8 = 25% (at least 4.639% at 0.95) < 5%"),
        (("below", "70%"), 0.25, Counts(10, 40), 0.95, "10/40 = 25% (at most 38.71% at 0.95) < 70%"),
        (("to", "30%"), 0.25, Counts(10, 40), 0.95, "10/40 = 25% (at most 38.71% at 0.95) > 30%"),
    ],
)
def test_the_arithmetic_for_people(
    limit: tuple[str, str], value: float, counts: Counts | None, confidence: float | None, text: str
) -> None:
    one = Limits(None, (limit[0], parse_quantity(limit[1])), None, confidence=confidence)
    assert one.compare(value, counts) == text


def test_a_gate_of_words_has_no_arithmetic() -> None:
    assert limits(word=Health.UNHEALTHY).compare(1.0) == ""


def against_before(**settings: Any) -> Gate:
    settings = {"fail_ratio": 1.5, "at_least": parse_quantity("50ms"), **settings}
    return Gate(signal="x", action=Action.ROLLBACK, baseline=BaselineSource.BEFORE_DEPLOY, **settings)


CALM = (0.1,) * 8
WILD = (0.05, 0.1, 0.1, 0.1, 0.2, 0.2, 0.4, 0.1)


@pytest.mark.parametrize(
    ("rule", "spread", "before", "limit"),
    [
        ("the ratio, for a slow service", None, Summary(0.4, 8, CALM), 0.6),
        ("the effect floor, for a fast one", None, Summary(0.01, 8, CALM), 0.06),
        ("the floor, where nothing was before", None, Summary(0.0, 8, CALM), 0.05),
        ("no unrest lifts nothing", 3.0, Summary(0.1, 8, CALM), 0.15),
        # The middle of the logarithms is that of 0.1, and half of them lie within half the logarithm of 2.
        ("unrest lifts it", 3.0, Summary(0.1, 8, WILD), 0.1 * 2 ** (widened(3.0, 8) * 1.4826 / 2)),
        ("but not below the ratio", 0.5, Summary(0.1, 8, WILD), 0.15),
    ],
)
def test_the_limit_that_a_baseline_gives(rule: str, spread: float | None, before: Summary, limit: float) -> None:
    assert relative(against_before(spread=spread), before) == pytest.approx(limit), rule


@pytest.mark.parametrize(
    ("values", "spread", "limit"),
    [
        ((2.0, 2.0, 2.0), 3.0, 2.0),
        ((1.0, math.e, math.e**2), 2.0, math.exp(1 + widened(2.0, 3) * 1.4826)),
        ((0.0, 0.5, 0.5, 0.0), 3.0, 0.5),
        ((0.0,), 3.0, 0.0),
        ((0.5,), 3.0, 0.5),
        ((0.5, 0.0), 3.0, 0.5),
        ((1e-300, 1e300), 9.0, math.exp(700.0)),
    ],
)
def test_deviations_above_the_median_on_the_log_scale(values: tuple[float, ...], spread: float, limit: float) -> None:
    assert beyond(values, spread) == pytest.approx(limit)


@pytest.mark.parametrize(
    ("free", "normal", "student"),  # from a printed table of Student's distribution, one-sided
    [(10, 1.959964, 2.228), (10, 2.326348, 2.764), (20, 2.575829, 2.845), (30, 1.644854, 1.697), (60, 2.575829, 2.660)],
)
def test_few_looks_widen_a_spread_as_students_quantile_does(free: int, normal: float, student: float) -> None:
    looks = round(1 + free / 0.37)  # a deviation from a median is worth 37 % of the looks
    assert widened(normal, looks) == pytest.approx(student, rel=0.003)


@pytest.mark.parametrize(
    ("spread", "first", "second", "third"),
    [(1.0, 0.5, 0.25, 0.0625), (2.0, 2.5, 3.0625, 2.859375), (3.0, 7.5, 17.25, 30.1875)],
)
def test_the_terms_of_the_expansion(spread: float, first: float, second: float, third: float) -> None:
    """Eleven looks are worth 3.7."""
    expected = spread + first / 3.7 + second / 3.7**2 + third / 3.7**3
    assert widened(spread, 11) == pytest.approx(expected, rel=1e-12)


def test_a_single_look_tells_no_deviation() -> None:
    assert widened(2.0, 1) == math.inf


@pytest.mark.parametrize(
    ("spread", "said"),
    [(None, " (before: 100 ms, ×1.5, at least +50 ms)"), (3.0, " (before: 100 ms, ×1.5, at least +50 ms, 3 deviations)")],
)
def test_a_limit_says_where_it_comes_from(spread: float | None, said: str) -> None:
    snapshot = baseline(x=0.1)
    snapshot.medians["x"] = Summary(0.1, 8, CALM)
    found = limits_of(against_before(spread=spread), snapshot)
    assert found is not None
    assert found.origin == said
    assert found.fail is not None
    assert found.compare(0.2) == f"200 ms > 150 ms{said}"


def test_without_its_signal_a_baseline_gives_no_limit() -> None:
    assert limits_of(against_before(), None) is None
    assert limits_of(against_before(), baseline(other=1.0)) is None
    assert limits_of(against_before(at_least=None), baseline(x=1.0)) is None
