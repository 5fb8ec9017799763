"""The gate language as a table, second part: exact bounds, baselines with spread, the planned test, alerts that clear."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.gates import sequential
from dhash_guard.gates.bound import lower_bound, tail
from dhash_guard.gates.reading import beyond, widened
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate, StatisticalTest, WithoutBaseline
from dhash_guard.records.deployment import Baseline, Summary
from dhash_guard.records.outcome import Action, Decision, Status
from dhash_guard.records.sample import Counts, Health, Tick
from dhash_guard.records.units import Dimension, Quantity, Ratio, Seconds, parse_quantity
from support.watching import START, judged, plan, watch

H, D, C, N = Status.HEALTHY, Status.DEGRADED, Status.CANNOT_TELL, Status.NOT_JUDGED
SURE = Ratio(0.95)


def gate(**settings: Any) -> Gate:
    for key, value in settings.items():
        if key.startswith(("fail_a", "fail_b", "fail_from", "fail_to", "warn_", "at_least", "clear_b", "clear_above")):
            settings[key] = parse_quantity(value)
    if "over" in settings:
        settings["over"] = Seconds(float(settings["over"]))
    if "how" in settings:
        settings["aggregate"] = Aggregate(settings.pop("how"))
    return Gate(signal="x", **{"action": Action.ROLLBACK, **settings})


def relative(**settings: Any) -> Gate:
    return gate(**{"baseline": BaselineSource.BEFORE_DEPLOY, "fail_ratio": 1.5, "at_least": "50ms", **settings})


def before(*values: float) -> Baseline:
    """A snapshot with these values of x."""
    middle = sorted(values)[len(values) // 2]
    one = Summary(middle, len(values), values)
    return Baseline(taken_at=START - 60, samples=len(values), health=Health.HEALTHY, medians={"x": one})


CALM = tuple(0.1 + 0.002 * (i % 5) for i in range(20))
WILD = tuple(0.1 * (1 + 0.6 * (i % 3)) for i in range(21))

COUNTED: list[tuple[str, Gate, str, Status, str]] = [
    ("the bare ratio crosses at one failure of three", gate(fail_above="5%"), "0/3 1/3", D, "limit-crossed"),
    ("the bound does not: one of three proves little", gate(fail_above="5%", confidence=SURE), "0/3 1/3", H, "within-limit"),
    ("two of three prove more than 5%", gate(fail_above="5%", confidence=SURE), "0/3 2/3", D, "limit-crossed"),
    ("12 of 100 are surely above 5%", gate(fail_above="5%", confidence=SURE), "0/100 12/100", D, "limit-crossed"),
    ("8 of 100 are not surely above 5%", gate(fail_above="5%", confidence=SURE), "0/100 8/100", H, "within-limit"),
    ("10 of 100 are, at 95%", gate(fail_above="5%", confidence=SURE), "0/100 10/100", D, "limit-crossed"),
    ("10 of 100 are not, at 99%", gate(fail_above="5%", confidence=Ratio(0.99)), "0/100 10/100", H, "within-limit"),
    ("no failure proves none", gate(fail_above="0%", confidence=SURE), "0/100 0/100", H, "within-limit"),
    ("any failure is above 0%", gate(fail_above="0%", confidence=SURE), "0/100 1/100", D, "limit-crossed"),
    ("below: 2 of 5 are not surely below 70%", gate(fail_below="70%", confidence=SURE), "5/5 2/5", H, "within-limit"),
    ("below: 1 of 5 is surely below 70%", gate(fail_below="70%", confidence=SURE), "5/5 1/5", D, "limit-crossed"),
    ("below: 50 of 100 are surely below 70%", gate(fail_below="70%", confidence=SURE), "9/9 50/100", D, "limit-crossed"),
    ("the bound of a window pools its events", gate(fail_above="5%", confidence=SURE, over=3, how="ratio"),
     "0/9 1/9 1/9 2/9 2/9", D, "limit-crossed"),
    ("a pooled window without proof", gate(fail_above="5%", confidence=SURE, over=3, how="ratio"),
     "0/9 0/9 0/9 1/9 1/9 0/9", H, "within-limit"),
    ("bounds wait for min_samples", gate(fail_above="5%", confidence=SURE, min_samples=50), "9/9 9/9", C, "too-few-samples"),
    ("a run of proven looks", gate(fail_above="5%", confidence=SURE, consecutive=2), "0/9 5/9 5/9", D, "limit-crossed"),
    ("broken by one without proof", gate(fail_above="5%", confidence=SURE, consecutive=2), "5/9 1/9 5/9 0/9", H,
     "within-limit"),
    ("no events say nothing, whatever the bound", gate(fail_above="5%", confidence=SURE), "0/0 0/0", C, "absent-empty"),
    ("a bare number has no bound", gate(fail_above="5%", confidence=SURE), "1% 6%", D, "limit-crossed"),
    ("crumbs of a rate are rounded down", gate(fail_above="20%", confidence=SURE), "0/3 1.9/3", H, "within-limit"),
]  # fmt: skip

WINDOWS: list[tuple[str, Gate, str, Status, str]] = [
    ("rise is last less first", gate(fail_above=100, over=3, how="rise"), "10 10 60 111 111", D, "limit-crossed"),
    ("a rise equal to the limit passes", gate(fail_above=100, over=3, how="rise"), "10 10 60 110 110", H, "within-limit"),
    ("a slow rise never spikes", gate(fail_above=100, over=3, how="rise"), "0 40 80 120 160 200", H, "within-limit"),
    ("a fall is no rise", gate(fail_above=0, over=3, how="rise"), "90 80 70 60 50", H, "within-limit"),
    ("a queue that grows does not drain", gate(fail_above=0, over=4, how="trend"), "1 2 3 4 5 6", D, "limit-crossed"),
    ("a queue that shrinks drains", gate(fail_above=0, over=4, how="trend"), "9 8 7 6 5 4", H, "within-limit"),
    ("a queue that stands still drains", gate(fail_above=0, over=4, how="trend"), "5 5 5 5 5 5", H, "within-limit"),
    ("an end below the start is enough", gate(fail_above=0, over=4, how="trend"), "9 8 5 6 7 4", H, "within-limit"),
    ("a slope that falls is enough", gate(fail_above=0, over=4, how="trend"), "5 5 9 9 1 6", H, "within-limit"),
    ("a trend waits for five samples", gate(fail_above=0, over=4, how="trend", min_samples=5), "1 2 3 4 5 6", C,
     "too-few-samples"),
    ("sustained: min over the window", gate(fail_above="85%", over=3, how="min"), "90% 90% 90% 90%", D, "limit-crossed"),
    ("not sustained", gate(fail_above="85%", over=3, how="min"), "90% 90% 80% 90% 90% 80% 90%", H, "within-limit"),
    ("a mean exactly at the limit, of numbers that round", gate(fail_above="7%", over=9, how="mean"), "30*7%", H,
     "within-limit"),
    ("six of 5% among ten are 3%, not more", gate(fail_above="3%", over=10, how="mean"), "7*0% 6*5% 5*0%", H,
     "within-limit"),
    ("a mean a hair above the limit", gate(fail_above="7%", over=3, how="mean"), "7% 7% 7% 7.0000001%", D, "limit-crossed"),
    ("from: a mean at the limit fails", gate(fail_from="7%", over=3, how="mean"), "4*7%", D, "limit-crossed"),
    ("p95 between two values, below the line", gate(fail_above=5, over=4, how="p95"), "1 1 1 1 5.5 1", H, "within-limit"),
    ("p90 of ten: the second highest counts", gate(fail_above=5, over=10, how="p90"), "1 8*1 9 9", D, "limit-crossed"),
    ("median below the lower limit", gate(fail_below=5, over=3, how="median"), "9 1 1 9", D, "limit-crossed"),
    ("to: max at the limit fails", gate(fail_to=5, over=3, how="max"), "5 5 5 5", D, "limit-crossed"),
    ("to: one above the limit holds it", gate(fail_to=5, over=3, how="max"), "5 5 6 5 5 6", H, "within-limit"),
    ("warn within a window", gate(fail_above=9, warn_above=5, over=3, how="mean"), "6 6 6 6", H, "within-limit"),
]  # fmt: skip

RELATIVE: list[tuple[str, Gate, str, Baseline | None, Status, str]] = [
    ("spread of a calm service leaves the ratio", relative(spread=3.0), "140ms 160ms", before(*CALM), D, "limit-crossed"),
    ("spread of a wild service lifts the limit", relative(spread=3.0), "140ms 300ms", before(*WILD), H, "within-limit"),
    ("and is not endless", relative(spread=3.0), "140ms 3s", before(*WILD), D, "limit-crossed"),
    ("without spread the wild service fails", relative(), "140ms 300ms", before(*WILD), D, "limit-crossed"),
    ("seven values have no spread", relative(spread=3.0), "100ms 100ms", before(*CALM[:7]), C, "no-baseline"),
    ("eight have", relative(spread=3.0), "100ms 100ms", before(*CALM[:8]), H, "within-limit"),
    ("no baseline: cannot tell", relative(), "100ms 100ms", None, C, "no-baseline"),
    ("no baseline: not judged where so asked", relative(without_baseline=WithoutBaseline.NOT_JUDGED), "100ms 100ms", None, N,
     "no-baseline"),
    ("with a baseline it is judged all the same", relative(without_baseline=WithoutBaseline.NOT_JUDGED), "100ms 200ms",
     before(*CALM), D, "limit-crossed"),
    ("M of N against before", relative(of_last=(2, 3)), "100ms 200ms 100ms 200ms", before(*CALM), D, "limit-crossed"),
    ("a window against before", relative(over=2, how="median"), "100ms 200ms 200ms 200ms", before(*CALM), D,
     "limit-crossed"),
    ("the effect floor holds a tiny baseline", relative(), "1ms 45ms", before(*[0.001] * 9), H, "within-limit"),
    ("the test fires on a clear rise", relative(test=StatisticalTest.SEQUENTIAL), "12*200ms", before(*CALM), D,
     "limit-crossed"),
    ("the test passes the same service", relative(test=StatisticalTest.SEQUENTIAL), "12*102ms", before(*CALM), H,
     "within-limit"),
    ("a rise below the floor is no rise", relative(test=StatisticalTest.SEQUENTIAL), "12*140ms", before(*CALM), H,
     "within-limit"),
    ("nor is one below the floor of a fast service", relative(test=StatisticalTest.SEQUENTIAL), "12*59ms",
     before(*[0.01] * 20), H, "within-limit"),
    ("one above it is", relative(test=StatisticalTest.SEQUENTIAL), "12*61ms", before(*[0.01] * 20), D, "limit-crossed"),
    ("nor is one below the ratio of a slow service", relative(test=StatisticalTest.SEQUENTIAL), "12*1499ms",
     before(*[1.0] * 20), H, "within-limit"),
    ("one above it is", relative(test=StatisticalTest.SEQUENTIAL), "12*1501ms", before(*[1.0] * 20), D, "limit-crossed"),
    ("a test is 99% sure unless said otherwise", relative(test=StatisticalTest.SEQUENTIAL), "3*151ms",
     before(*[0.1] * 5), H, "within-limit"),
    ("90% where so asked", relative(test=StatisticalTest.SEQUENTIAL, confidence=Ratio(0.9)), "3*151ms",
     before(*[0.1] * 5), D, "limit-crossed"),
    ("one high look proves nothing", relative(test=StatisticalTest.SEQUENTIAL), "5*100ms 900ms 6*100ms", before(*CALM), H,
     "within-limit"),
    ("the test needs its samples", relative(test=StatisticalTest.SEQUENTIAL, min_samples=20), "9*200ms", before(*CALM), C,
     "too-few-samples"),
    ("the window of the test forgets the good past", relative(test=StatisticalTest.SEQUENTIAL, over=5),
     "20*100ms 9*200ms", before(*CALM), D, "limit-crossed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "series", "status", "reason"),
    [case[1:] for case in (*COUNTED, *WINDOWS)],
    ids=[case[0] for case in (*COUNTED, *WINDOWS)],
)
def test_rule(gate: Gate, series: str, status: Status, reason: str) -> None:
    verdict, outcome = judged(gate, series)
    assert (outcome.status, outcome.reason_code) == (status, reason), outcome.text
    assert verdict.decision is {H: Decision.PROCEED, D: Decision.ROLL_BACK, C: Decision.HOLD}[status]


@pytest.mark.parametrize(
    ("gate", "series", "snapshot", "status", "reason"), [case[1:] for case in RELATIVE], ids=[case[0] for case in RELATIVE]
)
def test_relative_rule(gate: Gate, series: str, snapshot: Baseline | None, status: Status, reason: str) -> None:
    verdict, outcome = judged(gate, series, before=snapshot)
    assert (outcome.status, outcome.reason_code) == (status, reason), outcome.text
    # A watch in which nothing was judged proves nothing.
    assert verdict.status is (C if status is N else status)


ALERT: dict[str, Any] = {"action": Action.ALERT, "fail_above": 5}
WORDS: dict[str, Any] = {"action": Action.ALERT, "fail_when": Health.UNHEALTHY}
CLEARING: list[tuple[str, Gate, str, list[str]]] = [
    ("without a word about clearing an alert stays", gate(**ALERT), "1 9 1 1", ["healthy", "degraded"]),
    ("clears at the next good look", gate(**ALERT, clear_after=1), "1 9 1 1", ["healthy", "degraded", "healthy"]),
    ("clears after two", gate(**ALERT, clear_after=2), "9 1 9 1 1 1", ["degraded", "healthy"]),
    ("not before it is clearly good", gate(**ALERT, clear_below=3), "9 4 4 4", ["degraded"]),
    ("clears below its own line", gate(**ALERT, clear_below=3), "9 4 2 4", ["degraded", "healthy"]),
    ("and can alert again", gate(**ALERT, clear_after=1), "9 1 9 1", ["degraded", "healthy", "degraded", "healthy"]),
    ("a value that swings around the limit alerts once", gate(**ALERT, clear_below=4), "6 5 6 5 6 5", ["degraded"]),
    ("an absence neither counts nor resets", gate(**ALERT, clear_after=2, consecutive=2), "9 9 1 - 1 1",
     ["healthy", "degraded", "healthy"]),
    ("nor where another breach follows", gate(**ALERT, clear_after=2, consecutive=2), "9 9 1 - 9 9",
     ["healthy", "degraded"]),
    ("a breach too short to alert again is no good look", gate(**ALERT, clear_after=2, consecutive=3), "9 9 9 1 9 1 9",
     ["healthy", "degraded"]),
    ("nor is a look declared unhealthy", gate(**ALERT, clear_after=2, consecutive=2), "9 9 1 sick 1 sick",
     ["healthy", "degraded"]),
    ("nor a word for failure", gate(**WORDS, clear_after=2, consecutive=2), "bad bad ok bad ok bad",
     ["healthy", "degraded"]),
    ("nor a share that is not proven", gate(**ALERT | {"fail_above": "5%"}, confidence=SURE, clear_after=1), "0/3 2/3 1/3",
     ["healthy", "degraded"]),
    ("a value beyond its warning limit is", gate(**ALERT, warn_above=3, clear_after=1), "9 4", ["degraded", "healthy"]),
    ("so is a word of warning", gate(**WORDS, clear_after=2), "bad ok warn", ["degraded", "healthy"]),
    ("and a good look after some breaches", gate(**ALERT, of_last=(2, 3), clear_after=1), "9 9 1 1",
     ["healthy", "degraded", "healthy"]),
    ("an alert that began in silence wants as many good looks", gate(**ALERT, over=2, how="mean", clear_after=2),
     "1 9 - 1 99 1 1 1 9 - 1 99", ["degraded", "healthy", "degraded"]),
    ("a lower limit clears above", gate(action=Action.ALERT, fail_below=5, clear_above=7), "1 6 8 8",
     ["degraded", "healthy"]),
]  # fmt: skip


@pytest.mark.parametrize(("alert", "series", "told"), [case[1:] for case in CLEARING], ids=[case[0] for case in CLEARING])
def test_alerts_clear(alert: Gate, series: str, told: list[str]) -> None:
    from support.watching import ticks

    one = watch({"alert": alert, "other": gate(fail_above=100)}, plan(60))
    seen = [
        outcome.status.value for tick in ticks(series) for outcome in one.observe(tick).changed if outcome.gate == "alert"
    ]
    assert [word for word in seen if word != "cannot-tell"] == told


def test_what_was_cleared_is_still_told() -> None:
    _, outcome = judged(gate(**ALERT, clear_after=1), "1 9 1 1")
    assert (outcome.reason_code, outcome.warned) == ("cleared", True)
    assert "alerted at look 1" in outcome.text


def running(*pairs: tuple[float, float]) -> list[Tick]:
    return [Tick(i, START + i, {"x": Counts(part, whole, running=True)}) for i, (part, whole) in enumerate(pairs)]


def test_a_window_over_running_counts_takes_differences() -> None:
    one = watch(gate(fail_above="5%", over=2, how="ratio"), plan(20))
    for tick in running((0, 0), (0, 1000), (0, 2000), (200, 3000)):
        ending = one.observe(tick).ending
    assert ending is not None
    # 200 of the 1000 that came since the window's first look; the running ratio itself is 6.7 %.
    assert one.verdict().outcomes[0].observed == pytest.approx(0.2)


def test_without_a_window_the_running_ratio_counts() -> None:
    one = watch(gate(fail_below="70%", min_samples=5), plan(20))
    endings = [one.observe(tick).ending for tick in running((0, 1), (1, 2), (2, 3), (3, 4), (3, 5))]
    assert endings[:4] == [None] * 4
    assert endings[4] is not None


@pytest.mark.parametrize("trials", [1, 2, 7, 30, 200])
@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.5, 0.98])
def test_the_tail_is_the_exact_sum(trials: int, share: float) -> None:
    exact = Fraction(share)
    for successes in {0, 1, trials // 2, trials - 1, trials}:
        terms = (math.comb(trials, k) * exact**k * (1 - exact) ** (trials - k) for k in range(successes, trials + 1))
        assert tail(successes, trials, share) == pytest.approx(float(sum(terms)), rel=1e-10, abs=1e-280)


def test_the_tail_of_many() -> None:
    assert tail(50_500, 1_000_000, 0.05) == pytest.approx(0.0110, abs=3e-4)
    assert tail(0, 10, 0.5) == 1.0
    assert tail(11, 10, 0.5) == 0.0


def test_the_bound_is_where_the_tail_is_alpha() -> None:
    # Clopper and Pearson's table: 10 of 100, one-sided 95 %.
    assert lower_bound(10, 100, 0.95) == pytest.approx(0.0553, abs=5e-5)
    assert lower_bound(0, 100, 0.95) == pytest.approx(0.0, abs=1e-9)
    assert tail(10, 100, lower_bound(10, 100, 0.95)) == pytest.approx(0.05, rel=1e-6)


def test_the_plan_spends_no_more_than_alpha() -> None:
    for looks in (1, 5, 60):
        assert math.fsum(sequential.allowance(0.01, k, looks) for k in range(1, looks + 1)) == pytest.approx(0.01)


def test_the_distribution_of_ranks() -> None:
    # All 10 orders of 2 and 3 values: U is 0 to 6 with 1, 1, 2, 2, 2, 1, 1.
    assert [round(sequential.chance(u, 3, 2) * 10) for u in range(8)] == [10, 9, 8, 6, 4, 2, 1, 0]
    assert sequential.chance(20 * 5, 20, 5) == pytest.approx(1 / math.comb(25, 5))


@pytest.mark.parametrize(("series", "status"), [("12*200ms", D), ("12*102ms", H)])
def test_a_test_has_no_limit_that_one_value_would_have_passed(series: str, status: Status) -> None:
    _, outcome = judged(relative(test=StatisticalTest.SEQUENTIAL, action=Action.BLOCK), series, before=before(*CALM))
    assert outcome.status is status
    assert outcome.observed is not None
    assert (outcome.limit, outcome.margin, outcome.counterfactual) == (None, None, "")


def test_a_test_is_taken_at_planned_looks_only() -> None:
    """Sixty looks at most: a watch with 241 of them tests every fifth."""
    one = watch(relative(test=StatisticalTest.SEQUENTIAL, over=60), plan(240), before=before(*CALM))
    fired = [
        tick.index
        for tick in (Tick(i, START + i, {"x": 0.1 if i < 10 else 0.9}) for i in range(60))
        if one.observe(tick).ending is not None
    ]
    assert (fired[0] + 1) % 5 == 0


def test_spread_is_in_deviations_of_the_logarithm() -> None:
    values = [math.exp(x) for x in (-2, -1, 0, 1, 2)]
    assert beyond(values, 1.0) == pytest.approx(math.exp(widened(1.0, 5) * 1.4826))
    assert beyond([0.0, 0.0], 3.0) == 0.0


def test_an_alert_only_gate_with_every_new_key_never_decides() -> None:
    quiet = evolve(gate(fail_above=5), action=Action.ALERT, clear_after=1)
    calm = {"quiet": quiet, "other": gate(fail_above=Quantity(100.0, Dimension.COUNT).value)}
    one = watch(calm, plan(3))
    for index in range(4):
        one.observe(Tick(index, START + index, {"x": 9.0}))
    assert one.verdict().status is H
