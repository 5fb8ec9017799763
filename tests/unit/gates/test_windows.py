"""A window says at once, from sums and counts that it keeps, what its aggregate reckoned anew would say."""

from __future__ import annotations

from itertools import product

import pytest

from dhash_guard.gates.aggregates import aggregate_of
from dhash_guard.gates.reading import Level, Limits, crosses
from dhash_guard.gates.settings import Aggregate
from dhash_guard.gates.windows import Window
from dhash_guard.records.sample import Absence, AbsenceKind, Value
from dhash_guard.records.units import Seconds, parse_quantity
from support.watching import START, values

FAIL, FINE = Level.FAIL, Level.FINE


def window(
    how: Aggregate,
    over: float,
    side: str = "above",
    limit: str | float = 5,
    min_samples: int = 1,
    confidence: float | None = None,
) -> Window:
    limits = Limits(None, (side, parse_quantity(limit)), None, confidence=confidence)
    return Window(Seconds(over), how, min_samples, START, limits)


def after(one: Window, series: list[Value], interval: float = 1.0) -> Level | None:
    level = None
    for index, value in enumerate(series):
        level = one.observe(START + index * interval, interval, value)
    return level


@pytest.mark.parametrize("side", ["above", "below", "from", "to"])
@pytest.mark.parametrize("how", [how for how in Aggregate if how is not Aggregate.RATIO])
def test_every_series_of_five_looks_around_the_limit(how: Aggregate, side: str) -> None:
    """The first of the five has left a window of four seconds."""
    for series in product((4.0, 5.0, 6.0), repeat=5):
        limit = 1.0 if how in (Aggregate.RISE, Aggregate.TREND) else 5.0
        found = aggregate_of([(START + at, number, number) for at, number in enumerate(series[1:], 1)], how)
        assert found is not None
        expected = FAIL if crosses(found, side, limit) else FINE
        assert after(window(how, 4.0, side, limit), list(series)) is expected, series


@pytest.mark.parametrize("side", ["above", "below"])
@pytest.mark.parametrize("how", [Aggregate.MEDIAN, Aggregate.P90])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_series_of_fewer_looks(size: int, how: Aggregate, side: str) -> None:
    for series in product((3.0, 5.0, 6.0), repeat=size):
        found = aggregate_of([(START + at, number, number) for at, number in enumerate(series)], how)
        assert found is not None
        level = after(window(how, float(size), side), [1.0, *series])
        assert level is (FAIL if crosses(found, side, 5.0) else FINE), series


@pytest.mark.parametrize(
    ("rule", "side", "limit", "series", "level"),
    [
        ("a huge value leaves no trace in the mean", "above", 5, [1e17, 4.0, 6.0, 6.0], FAIL),
        ("nor in one that passes", "below", 5, [1e17, 4.0, 6.0, 6.0], FINE),
        (
            "a mean at the limit, of values that round up",
            "above",
            "7%",
            [0.0, 0.07 + 4e-10, 0.07 - 1e-10, 0.07 - 3e-10],
            FINE,
        ),
        ("negative values have a mean", "above", -5, [0.0, -6.0, -4.0, -6.0], FINE),
        ("and fail by it", "above", -5, [0.0, -6.0, -4.0, -4.0], FAIL),
    ],
)
def test_a_mean_is_exact(rule: str, side: str, limit: str | float, series: list[Value], level: Level) -> None:
    assert after(window(Aggregate.MEAN, 3.0, side, limit), series) is level, rule


@pytest.mark.parametrize(
    ("rule", "series", "least", "level"),
    [
        ("shares of a rate that add up to the limit pass", "0/9 0.1/1 0.2/2 0.3/3", 1, FINE),
        ("a hair more fails", "0/9 0.1/1 0.2/2 0.300001/3", 1, FAIL),
        ("events that rounding would lose are counted", "0/0 0/0.7 0/0.1 0/0.2", 1, FINE),
        ("and those that fall short are not", "0/0 0/0.7 0/0.1 0/0.199", 1, None),
        ("what has left the window counts no more", "9/9 0/1 0/1 0/1", 1, FINE),
        ("nor towards min_samples", "0/9 0/1 0/1 0/1", 4, None),
    ],
)
def test_a_ratio_is_exact(rule: str, series: str, least: int, level: Level | None) -> None:
    assert after(window(Aggregate.RATIO, 3.0, limit="10%", min_samples=least), list(values(series))) is level, rule


@pytest.mark.parametrize("how", [Aggregate.LAST, Aggregate.RISE])
def test_the_last_share_of_counts_is_a_number(how: Aggregate) -> None:
    assert after(window(how, 2.0, limit="10%"), list(values("0/9 0/9 0/9 2/9"))) is FAIL


@pytest.mark.parametrize(
    ("rule", "one", "series", "text"),
    [
        ("the value and its limit", window(Aggregate.P90, 2.0), "1 1 2", "p90 1.9 ≤ 5 over 2s, n=2"),
        ("a breach", window(Aggregate.MAX, 2.0), "1 1 9", "max 9 > 5 over 2s, n=2"),
        (
            "a ratio counts events",
            window(Aggregate.RATIO, 2.0, limit="5%"),
            "0/9 0/9 1/9",
            "ratio 5.556% > 5% over 2s, n=18",
        ),
        (
            "and tells its bound",
            window(Aggregate.RATIO, 2.0, limit="5%", confidence=0.95),
            "0/9 0/4 2/4",
            "ratio 2/8 = 25% (at least 4.639% at 0.95) ≤ 5% over 2s, n=8",
        ),
        (
            "a look at counts does not",
            window(Aggregate.LAST, 2.0, limit="5%"),
            "0/9 0/9 1/9",
            "last 11.11% > 5% over 2s, n=2",
        ),
        ("too few values", window(Aggregate.MEAN, 2.0, min_samples=3), "1 1 1", "n=2 over 2s, needs 3"),
        ("no events", window(Aggregate.RATIO, 2.0, limit="5%"), "- - -", "n=0 over 2s, needs 1"),
        ("too young", window(Aggregate.MEAN, 3.0), "1 1 1", "only 2s watched within 3s, n=3"),
    ],
)
def test_what_it_says(rule: str, one: Window, series: str, text: str) -> None:
    level = after(one, list(values(series)))
    assert (one.standing().text, one.standing().level) == (text, level), rule


def every(step: float, first: float, last: float) -> list[tuple[float, float]]:
    """Looks from the first to the last second, so many seconds apart: (seconds after the start, planned distance)."""
    return [(first + index * step, step) for index in range(int((last - first) / step) + 1)]


CALM = every(30, 0, 120)
GAPS: list[tuple[str, list[tuple[float, float]], tuple[float, float], str]] = [
    # a window of two minutes: looks with a value, a look without one, and what is missing
    ("silence for two intervals is no gap", CALM, (180, 30), ""),
    ("a second more is one", CALM, (181, 30), "no value for 1m1s within 2m, n=2"),
    ("two intervals between two values are no gap", [*CALM, (180, 30)], (180.1, 30), ""),
    ("a second more is one there too", [*CALM, (181, 30)], (181.1, 30), "no value for 1m1s within 2m, n=3"),
    (
        "a gap is as long as it reaches into the window",
        [*CALM, *every(30, 220, 250)],
        (250.1, 30),
        "no value for 1m30s within 2m, n=2",
    ),
    ("and no gap once two intervals of it are left", [*CALM, *every(30, 220, 250)], (280, 30), ""),
    ("not a second sooner", [*CALM, *every(30, 220, 250)], (279, 30), "no value for 1m1s within 2m, n=2"),
    ("of two gaps the first is told", [*CALM, (190, 30), (255, 30)], (255.1, 30), "no value for 1m5s within 2m, n=2"),
    ("until it has left", [*CALM, (190, 30), (255, 30)], (258, 30), "no value for 1m5s within 2m, n=2"),
    (
        "and then the second",
        [*CALM, (190, 30), (190.5, 30), (260, 30), (270, 30)],
        (300, 30),
        "no value for 1m10s within 2m, n=4",
    ),
    ("a look at a slower pace reaches as far back", [*every(5, 0, 120), (180, 30)], (180.1, 30), ""),
    ("and no farther", [*every(5, 0, 120), (181, 30)], (181.1, 30), "no value for 1m1s within 2m, n=13"),
    ("one at a slower pace reaches as far ahead", [*CALM, (180, 5)], (180.1, 5), ""),
    ("and no farther than its two intervals", [*CALM, (180, 5)], (191, 5), "no value for 11s within 2m, n=3"),
    ("silence is measured at its own pace", every(5, 0, 120), (180, 30), ""),
    (
        "looks every five seconds have gaps of eleven",
        [*every(5, 0, 120), (131, 5)],
        (131.1, 5),
        "no value for 11s within 2m, n=23",
    ),
    ("a watch without any value is one gap", [], (120, 30), "no value for 2m within 2m, n=0"),
    ("so is a first look that comes late", every(0.25, 0.75, 120), (120.1, 0.25), "no value for 650ms within 2m, n=478"),
]


@pytest.mark.parametrize(("looks", "asked", "text"), [case[1:] for case in GAPS], ids=[case[0] for case in GAPS])
def test_a_gap_is_longer_than_two_intervals(looks: list[tuple[float, float]], asked: tuple[float, float], text: str) -> None:
    one = window(Aggregate.MEAN, 120.0)
    for at, interval in looks:
        one.observe(START + at, interval, 1.0)
    level = one.observe(START + asked[0], asked[1], Absence(AbsenceKind.TIMEOUT))
    standing = one.standing()
    assert (level is None) == bool(text)
    assert (standing.reason_code, standing.text) == ("window-not-covered", text) if text else standing.level is FINE


@pytest.mark.parametrize("block", [1, 2, 3, 9])
@pytest.mark.parametrize("first", [0, 90, 200])
@pytest.mark.parametrize("how", [Aggregate.MEAN, Aggregate.P90, Aggregate.MIN, Aggregate.LAST])
def test_looks_that_are_all_fine_may_be_taken_in_at_once(how: Aggregate, first: float, block: int) -> None:
    """A replay does so; the looks after them find the window as if each had been taken in alone."""
    numbers = [4.0, 3.0, 1.0, 2.0, 4.5, 3.5, 0.5, 2.5, 1.5][:block]
    at_once, each = window(how, 120.0), window(how, 120.0)
    for one in (at_once, each):
        one.observe(START, 30, 2.0)
    times = [START + first + 30 * (index + 1) for index in range(block)]
    assert at_once.calm(times, numbers)
    at_once.skim(times, 30, numbers)
    for at, number in zip(times, numbers, strict=True):
        each.observe(at, 30, number)
    for value, later in ((6.0, 61), (Absence(AbsenceKind.EMPTY), 120), (9.0, 121), (0.0, 150), (1.0, 180)):
        assert at_once.standing() == each.standing()
        assert at_once.observe(times[-1] + later, 5, value) is each.observe(times[-1] + later, 5, value)


@pytest.mark.parametrize(("last", "level"), [(14.0, FINE), (14.1, FAIL)])
def test_each_look_of_a_block_is_in_the_mean(last: float, level: Level) -> None:
    one = window(Aggregate.MEAN, 300.0)
    one.observe(START, 30, 1.0)
    one.skim([START + 30 * index for index in range(1, 10)], 30, [4.0] * 9)
    assert one.observe(START + 300, 30, last) is level


@pytest.mark.parametrize(
    ("rule", "one", "series", "may"),
    [
        ("fine values", window(Aggregate.MEAN, 3.0), "1 5 1", True),
        ("a value beyond the limit", window(Aggregate.MEAN, 3.0), "1 6 1", False),
        ("until it has left", window(Aggregate.MEAN, 3.0), "6 1 1 1", True),
        ("a gap", window(Aggregate.MEAN, 5.0), "1 - - 1", False),
        ("until it has left", window(Aggregate.MEAN, 2.0), "1 - - 1 1 1", True),
        ("a rise hides in fine values", window(Aggregate.RISE, 3.0), "-5 -5 -5", False),
        ("so does a trend", window(Aggregate.TREND, 3.0), "-5 -5 -5", False),
        ("a rise that stays within", window(Aggregate.RISE, 3.0), "1 1 1", True),
        ("a percentile with room for one", window(Aggregate.MEDIAN, 9.0), "1 6 1 1 1 1 1", True),
        ("a percentile without", window(Aggregate.P90, 9.0), "1 6 1 1 1 1 1", False),
        ("a mean with room for one", window(Aggregate.MEAN, 9.0), "1 6 1 1 1 1 1", True),
    ],
)
def test_which_windows_may_take_in_fine_looks_at_once(rule: str, one: Window, series: str, may: bool) -> None:
    looks = list(values(series))
    after(one, looks)
    assert one.calm([START + len(looks) + index for index in range(2)], [1.0, 2.0]) is may, rule


@pytest.mark.parametrize(
    ("rule", "over", "held", "coming"),
    [
        ("what comes is small and many", 8.0, [0.24] * 8, [0.95] * 4),
        ("what is small leaves only later", 8.0, [0.01, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1], [0.99, 0.0, 0.0, 0.0]),
        ("what comes stands alone", 1.0, [0.1], [0.8]),
    ],
)
def test_small_values_lift_a_mean_too(rule: str, over: float, held: list[float], coming: list[float]) -> None:
    one = window(Aggregate.MEAN, over, limit=0.5)
    after(one, [0.0, *held])
    times = [START + len(held) + 1 + index for index in range(len(coming))]
    assert not one.calm(times, coming), rule
    assert FAIL in [one.observe(at, 1.0, value) for at, value in zip(times, coming, strict=True)], rule


@pytest.mark.parametrize(
    ("size", "step", "rise", "side"), [(3, 1.0, 0.3, "above"), (5, 0.5, 0.1, "from"), (5, 0.5, 0.2, "from")]
)
def test_a_trend_at_its_very_limit_is_the_same_at_once(size: int, step: float, rise: float, side: str) -> None:
    """Running sums round otherwise than the numbers do."""
    at_once, each = (window(Aggregate.TREND, step * (size + 0.5), side, round(rise * size, 9)) for _ in range(2))
    times = [START + step * index for index in range(12)]
    numbers = [round(rise * index, 9) for index in range(12)]
    levels = [each.observe(at, step, number) for at, number in zip(times, numbers, strict=True)]
    taken, told = at_once.fold(times, step, numbers)
    assert (taken, FAIL in told) == (levels.index(FAIL) + 1, True) if FAIL in levels else (12, False)
