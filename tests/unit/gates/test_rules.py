"""The gate language as a table: one signal, one gate, a series of looks one second apart, and what the gate says."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate
from dhash_guard.records.outcome import Action, Decision, Status
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Ratio, Seconds, parse_quantity
from support.watching import baseline, judged, plan

H, D, C = Status.HEALTHY, Status.DEGRADED, Status.CANNOT_TELL


def gate(**settings: Any) -> Gate:
    """A rollback gate on signal x; limits may be written as text."""
    for key, value in settings.items():
        if key.startswith(("fail_a", "fail_b", "fail_from", "fail_to", "warn_", "at_least")):
            settings[key] = parse_quantity(value)
    return Gate(signal="x", **{"action": Action.ROLLBACK, **settings})


def window(over: float, how: str = "mean", **settings: Any) -> Gate:
    return gate(over=Seconds(over), aggregate=Aggregate(how), **settings)


UNHEALTHY = Health.UNHEALTHY
CASES: list[tuple[str, Gate, str, Status, str]] = [
    # limits
    ("above: equal passes", gate(fail_above=5), "5 5 5", H, "within-limit"),
    ("above: more fails", gate(fail_above=5), "5 5.0001", D, "limit-crossed"),
    ("below: equal passes", gate(fail_below="70%"), "70% 70%", H, "within-limit"),
    ("below: less fails", gate(fail_below="70%"), "70% 69.9%", D, "limit-crossed"),
    ("from: equal fails", gate(fail_from=5), "4 5", D, "limit-crossed"),
    ("from: less passes", gate(fail_from=5), "4 4.9", H, "within-limit"),
    ("to: equal fails", gate(fail_to=5), "6 5", D, "limit-crossed"),
    ("to: more passes", gate(fail_to=5), "6 5.1", H, "within-limit"),
    ("warn does not fail", gate(fail_above=5, warn_above=3), "4 4 4", H, "within-limit"),
    ("percent written as decimal is exact", gate(fail_above="0.7%"), "0.7% 0.7%", H, "within-limit"),
    # words
    ("one unhealthy look is enough without a hold", gate(fail_when=UNHEALTHY), "ok bad", D, "limit-crossed"),
    ("a warning is no failure", gate(fail_when=UNHEALTHY), "ok warn warn", H, "within-limit"),
    ("a warning fails where asked", gate(fail_when=Health.WARNING), "ok warn", D, "limit-crossed"),
    ("unhealthy fails where a warning would", gate(fail_when=Health.WARNING), "ok bad", D, "limit-crossed"),
    # consecutive
    ("two then OK: not three", gate(fail_when=UNHEALTHY, consecutive=3), "ok bad bad ok bad bad ok", H, "within-limit"),
    ("the third triggers", gate(fail_when=UNHEALTHY, consecutive=3), "ok bad bad bad ok ok ok", D, "limit-crossed"),
    ("a trigger stays", gate(fail_above=5, consecutive=2), "6 6 1 1 1 1", D, "limit-crossed"),
    ("an absence does not reset", gate(fail_above=5, consecutive=3, coverage=Ratio(0)), "6 6 - 6", D, "limit-crossed"),
    ("an absence does not count", gate(fail_above=5, consecutive=3, coverage=Ratio(0)), "6 6 - 1", H, "within-limit"),
    ("N absences in a row say nothing", gate(fail_above=5, consecutive=3), "1 1 1 1 1 1 - - -", C, "absent-timeout"),
    ("a watch does not end on silence", gate(fail_above=5, consecutive=3), "9*1 - -", C, "absent-timeout"),
    ("without a hold one absence at the end is enough", gate(fail_above=5), "9*1 -", C, "absent-timeout"),
    ("a value after the absences speaks again", gate(fail_above=5, consecutive=2), "20*1 - - 1 1", H, "within-limit"),
    ("nothing but absences", gate(fail_above=5, consecutive=3), "- - - - -", C, "absent-timeout"),
    ("NaN is its own absence", gate(fail_above=5), "nan nan", C, "absent-not-a-number"),
    ("half the watch without values", gate(fail_above=5, consecutive=9), "1 1 1 - - - - - - 1", C, "low-coverage"),
    ("coverage as asked", gate(fail_above=5, consecutive=9, coverage=Ratio(0.4)), "1 1 1 - - - - - - 1", H, "within-limit"),
    ("an absence declared unhealthy counts", gate(fail_above=5, consecutive=2), "1 sick sick", D, "limit-crossed"),
    # M of the last N
    ("two of the last three", gate(fail_above=5, of_last=(2, 3)), "6 1 6", D, "limit-crossed"),
    ("two, too far apart", gate(fail_above=5, of_last=(2, 3)), "6 1 1 6 1", H, "within-limit"),
    ("absences could have been the missing ones", gate(fail_above=5, of_last=(2, 3)), "9*1 6 - 1", C, "absent-in-window"),
    ("too few to matter", gate(fail_above=5, of_last=(3, 4)), "9*1 6 - 1", H, "within-limit"),
    # minimum samples
    ("before min_samples nothing is said", gate(fail_below="70%", min_samples=5), "0/1 0/2 0/3 0/4", C, "too-few-samples"),
    ("from min_samples on", gate(fail_below="70%", min_samples=5), "0/1 1/2 2/3 3/4 3/5", D, "limit-crossed"),
    ("a ratio counts its denominator", gate(fail_below="70%", min_samples=5), "9/10 9/10", H, "within-limit"),
    ("counts of nothing say nothing", gate(fail_above="5%"), "0/0 0/0", C, "absent-empty"),
    # windows
    ("mean over a covered window", window(4, fail_above=5), "6 6 6 6 6 6", D, "limit-crossed"),
    ("a short peak drowns in the mean", window(4, fail_above=5), "1 1 1 1 9 1 1 1 1", H, "within-limit"),
    ("a mean equal to the limit passes", window(3, fail_above="7%"), "6*7%", H, "within-limit"),
    ("max sees the peak", window(4, "max", fail_above=5), "1 1 1 1 9", D, "limit-crossed"),
    ("min wants all of them", window(3, "min", fail_above=5), "6 6 6 1 6", H, "within-limit"),
    ("median ignores one", window(3, "median", fail_above=5), "1 1 1 9 1 1", H, "within-limit"),
    ("p95 is near the top", window(4, "p95", fail_above=5), "1 1 1 1 9", D, "limit-crossed"),
    ("last is the newest", window(3, "last", fail_above=5), "1 1 1 1 6", D, "limit-crossed"),
    ("ratio adds parts and wholes", window(3, "ratio", fail_above="5%"), "0/1 0/100 1/1 0/100 0/1", H, "within-limit"),
    ("ratio over the limit", window(3, "ratio", fail_above="5%"), "0/1 0/10 1/1 1/10 1/1", D, "limit-crossed"),
    ("ratio min_samples are events", window(3, "ratio", fail_above="5%", min_samples=50), "5*1/10", C, "too-few-samples"),
    ("one missing look is no gap", window(4, fail_above=5), "1 1 1 - 1 1 1", H, "within-limit"),
    ("a gap above two intervals uncovers", window(4, fail_above=5), "1 1 1 1 - - 1", C, "window-not-covered"),
    (
        "a covered window forgets the gap",
        window(3, fail_above=5, coverage=Ratio(0.5)),
        "1 1 - - 1 1 1 1 1",
        H,
        "within-limit",
    ),
    ("the window ends in absences", window(4, fail_above=5), "1 1 1 1 1 1 - - -", C, "window-not-covered"),
    ("looks that never happened are a gap", window(4, fail_above=5), "1 1 1 1 . . . 1", C, "window-not-covered"),
    ("min_samples of a window", window(4, fail_above=5, min_samples=5), "6 6 6 6 6", C, "too-few-samples"),
]


@pytest.mark.parametrize(
    ("gate", "series", "status", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_rule(gate: Gate, series: str, status: Status, reason: str) -> None:
    verdict, outcome = judged(gate, series)
    assert (outcome.status, outcome.reason_code) == (status, reason), outcome.text
    assert verdict.status is status
    assert verdict.decision is {H: Decision.PROCEED, D: Decision.ROLL_BACK, C: Decision.HOLD}[status]


def test_a_young_window_says_nothing() -> None:
    _, outcome = judged(window(4, fail_above=5), "6 6 6", plan(10))
    assert (outcome.status, outcome.reason_code, outcome.text) == (
        C,
        "window-not-covered",
        "x only 2s watched within 4s, n=3",
    )


def relative(**settings: Any) -> Gate:
    return gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5, at_least="50ms", **settings)


@pytest.mark.parametrize(
    ("series", "before", "status", "reason"),
    [
        ("140ms 149ms", 0.1, H, "within-limit"),
        ("140ms 151ms", 0.1, D, "limit-crossed"),
        ("30ms 59ms", 0.01, H, "within-limit"),  # six times as much, but below the effect floor
        ("30ms 61ms", 0.01, D, "limit-crossed"),
        ("1ms 49ms", 0.0, H, "within-limit"),  # a zero baseline never makes a little a breach
    ],
)
def test_a_baseline_needs_ratio_and_effect(series: str, before: float, status: Status, reason: str) -> None:
    _, outcome = judged(relative(), series, before=baseline(x=before))
    assert (outcome.status, outcome.reason_code) == (status, reason), outcome.text


def test_without_a_baseline_nothing_is_said() -> None:
    verdict, outcome = judged(relative(), "100ms 100ms")
    assert (verdict.status, outcome.reason_code) == (C, "no-baseline")


def test_the_reason_carries_its_arithmetic() -> None:
    _, outcome = judged(window(4, fail_above="2000ms"), "5*2310ms")
    assert outcome.text == "x mean 2310 ms > 2000 ms over 4s, n=4"
    assert outcome.counterfactual == "would have passed at 2000 ms"
    assert (outcome.tick, outcome.observed, outcome.limit) == (4, 2.31, 2.0)
    assert outcome.margin == pytest.approx(0.31)


def test_numbers_that_differ_are_never_written_alike() -> None:
    _, outcome = judged(gate(fail_above="5%"), "1% 5.0000001%")
    assert "5% > 5%" not in outcome.text
    assert "0.05" in outcome.text


def test_an_old_fault_alone_never_rolls_back() -> None:
    verdict, outcome = judged(gate(fail_above=5), "6 6 6", before=baseline(x=7.0))
    assert (verdict.status, verdict.decision, outcome.reason_code) == (D, Decision.HOLD, "degraded-before")
