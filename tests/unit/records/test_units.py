"""Quantities as people write them, and what they become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.records.units import (
    Dimension,
    Quantity,
    Unit,
    format_duration,
    format_value,
    normalise,
    parse_duration,
    parse_quantity,
    parse_ratio,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("250ms", 0.25), ("1.5s", 1.5), ("2d", 172800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5 minutes", "10x", "m", "-5s", "1m 30s", "1e3", "5m!"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["5", "0.05", "101%", "-1%", "%", "five%"])
def test_a_ratio_needs_its_percent_sign(text: str) -> None:
    with pytest.raises(ValueError, match=r"ratio|outside"):
        parse_ratio(text)


@pytest.mark.parametrize(
    ("written", "quantity"),
    [
        ("5%", Quantity(0.05, Dimension.RATIO)),
        ("2000ms", Quantity(2.0, Dimension.TIME)),
        ("1m", Quantity(60.0, Dimension.TIME)),
        ("512MiB", Quantity(512 * 2**20, Dimension.BYTES)),
        (1000, Quantity(1000.0, Dimension.COUNT)),
    ],
)
def test_quantities(written: str | float, quantity: Quantity) -> None:
    assert parse_quantity(written) == quantity


@pytest.mark.parametrize("written", ["fast", "5 %%", True, float("nan"), float("inf"), ""])
def test_what_is_no_quantity(written: str | float) -> None:
    with pytest.raises(ValueError, match=r"quantity|ratio|number|duration"):
        parse_quantity(written)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (7.63, Unit.PERCENT, 0.0763),
        (7.63, Unit.FRACTION, None),
        (0.05, Unit.FRACTION, 0.05),
        (100.1, Unit.PERCENT, None),
        (-1, Unit.COUNT, None),
        (2000, Unit.MS, 2.0),
        (float("nan"), Unit.COUNT, None),
        (float("inf"), Unit.FRACTION, None),
    ],
)
def test_a_value_outside_its_unit_is_no_value(value: float, unit: Unit, expected: float | None) -> None:
    assert normalise(value, unit) == expected


@given(st.decimals(0, 100, places=3, allow_nan=False))
def test_a_limit_and_a_value_written_alike_are_equal(number: object) -> None:
    """5.1% as a limit and 5.1 percent as a value must be the same number, or `equal passes` is a lie."""
    assert parse_ratio(f"{number}%") == normalise(float(str(number)), Unit.PERCENT)


@given(st.integers(1, 10**7))
def test_a_duration_is_read_back_as_written(seconds: int) -> None:
    assert float(parse_duration(format_duration(seconds))) == seconds


@pytest.mark.parametrize(("hours", "text"), [(24, "24h"), (48, "2d"), (51, "2d3h"), (336, "14d")])
def test_what_is_longer_than_two_days_is_said_in_days(hours: int, text: str) -> None:
    assert format_duration(hours * 3600.0) == text


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (0.05, Dimension.RATIO, "5%"),
        (2.31, Dimension.TIME, "2310 ms"),
        (3 * 2**20, Dimension.BYTES, "3.0 MiB"),
        (1000, Dimension.COUNT, "1000"),
    ],
)
def test_written_for_people(value: float, dimension: Dimension, text: str) -> None:
    assert format_value(value, dimension) == text
