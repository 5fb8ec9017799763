"""What changing one sign or one number of the judge would break, where no rule of the table sees it."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.aggregates import slope
from dhash_guard.gates.coverage import Coverage
from dhash_guard.gates.guardrails import problems
from dhash_guard.gates.plan import Mode, Slower, WatchPlan
from dhash_guard.gates.reading import Limits
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate, StatisticalTest, faults
from dhash_guard.gates.watch import judge
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.outcome import Action, Status
from dhash_guard.records.sample import Counts, Health, Tick
from dhash_guard.records.units import Dimension, Ratio, Seconds, parse_quantity
from support.watching import START, judged, plan, ticks, watch

FIVE = parse_quantity(5)


def gate(action: Action = Action.ROLLBACK, signal: str = "x", **settings: Any) -> Gate:
    return Gate(signal=signal, action=action, **settings)


def test_the_slope_of_a_line() -> None:
    assert slope([10.0, 11.0, 12.0, 14.0], [1.0, 3.0, 5.0, 9.0]) == pytest.approx(2.0)
    assert slope([5.0, 5.0], [1.0, 9.0]) == 0.0


def test_one_value_covers_two_intervals_and_no_more() -> None:
    one = Coverage(0.0)
    one.observe(0.0, 0.1, 1.0)
    assert one.share(0.0) == 1.0
    assert one.share(1.0) == pytest.approx(0.2)
    assert Coverage(0.0).share(0.0) == 0.0


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"fail_above": FIVE, "clear_above": parse_quantity(3), "action": Action.ALERT}, "clear_above"),
        ({"fail_below": FIVE, "clear_below": parse_quantity(3), "action": Action.ALERT}, "clear_below"),
        ({"fail_above": FIVE, "clear_below": parse_quantity(6), "action": Action.ALERT}, "clear_below"),
        ({"fail_below": FIVE, "clear_above": parse_quantity(4), "action": Action.ALERT}, "clear_above"),
        ({"fail_above": FIVE, "clear_after": 0, "action": Action.ALERT}, "clear_after"),
        ({"fail_above": FIVE, "clear_after": 1}, "clear_after"),
        ({"fail_above": FIVE, "confidence": Ratio(1.0)}, "confidence"),
        ({"fail_above": FIVE, "confidence": Ratio(0.4)}, "confidence"),
        ({"fail_above": FIVE, "of_last": (0, 3)}, "of_last"),
        ({"fail_above": FIVE, "over": Seconds(0.0)}, "over"),
        ({"fail_above": FIVE, "spread": 2.0}, "spread"),
        ({"fail_above": FIVE, "test": StatisticalTest.SEQUENTIAL}, "test"),
    ],
)
def test_contradictions_name_their_key(settings: dict[str, Any], key: str) -> None:
    assert [found for found, _ in faults(gate(**settings))] == [key]


@pytest.mark.parametrize(
    "settings",
    [
        {"fail_above": FIVE, "clear_below": FIVE, "action": Action.ALERT},
        {"fail_below": FIVE, "clear_above": FIVE, "clear_after": 1, "action": Action.ALERT},
        {"fail_above": FIVE, "confidence": Ratio(0.5)},
        {"fail_above": FIVE, "of_last": (3, 3)},
        {"fail_above": FIVE, "over": Seconds(1.0)},
    ],
)
def test_the_edge_itself_is_allowed(settings: dict[str, Any]) -> None:
    assert faults(gate(**settings)) == []


RELATIVE: dict[str, Any] = {
    "baseline": BaselineSource.BEFORE_DEPLOY,
    "fail_ratio": 1.5,
    "at_least": parse_quantity("1ms"),
}


@pytest.mark.parametrize(
    ("one", "baseline", "text"),
    [
        (gate(test=StatisticalTest.SEQUENTIAL, **RELATIVE), 2, "raise monitor.baseline"),
        (gate(test=StatisticalTest.SEQUENTIAL, **RELATIVE), 10, ""),
        (gate(test=StatisticalTest.SEQUENTIAL, over=Seconds(120.0), **RELATIVE), 10, "each of 41 looks"),
        (gate(test=StatisticalTest.SEQUENTIAL, over=Seconds(120.0), **RELATIVE), 40, ""),
        (gate(test=StatisticalTest.SEQUENTIAL, over=Seconds(60.0), **RELATIVE), 40, "40 looks before and 2 after"),
        (gate(test=StatisticalTest.SEQUENTIAL, over=Seconds(120.0), confidence=Ratio(0.5), **RELATIVE), 10, ""),
        (gate(spread=2.0, **RELATIVE), 7, "needs 8 looks"),
        (gate(spread=2.0, **RELATIVE), 8, ""),
    ],
)
def test_a_test_that_could_never_speak_is_refused(one: Gate, baseline: int, text: str) -> None:
    planned = WatchPlan(duration=Seconds(1200.0), interval=Seconds(30.0), baseline=baseline)
    found = " ".join(sentence for _, sentence in problems({"g": one}, planned, {"x": Dimension.TIME}))
    assert text in found
    assert bool(text) == bool(found)


@pytest.mark.parametrize(
    ("settings", "counted", "key"),
    [
        ({"over": Seconds(120.0)}, True, "aggregate"),
        ({"over": Seconds(120.0), "aggregate": Aggregate.MEAN}, True, ""),
        ({"over": Seconds(120.0), "aggregate": Aggregate.RATIO}, True, ""),
        ({"confidence": Ratio(0.95)}, True, ""),
        ({}, True, ""),
        ({"over": Seconds(120.0)}, False, ""),
        ({"over": Seconds(120.0), "aggregate": Aggregate.RATIO}, False, "aggregate"),
        ({"confidence": Ratio(0.95)}, False, "confidence"),
    ],
)
def test_what_needs_counts_says_so(settings: dict[str, Any], counted: bool, key: str) -> None:
    one = gate(fail_above=parse_quantity("5%"), **settings)
    planned = WatchPlan(duration=Seconds(1200.0), interval=Seconds(30.0))
    found = problems({"g": one}, planned, {"x": Dimension.RATIO}, counted=["x"] if counted else [])
    assert [path[-1] for path, _ in found] == ([key] if key else [])


def test_a_bound_says_from_which_side() -> None:
    five = ("above", parse_quantity("5%"))
    assert "(at least 14.24% at 0.95)" in Limits(None, five, None, confidence=0.95).compare(0.25, Counts(10, 40))
    low = ("below", parse_quantity("70%"))
    assert "(at most 38.71% at 0.95)" in Limits(None, low, None, confidence=0.95).compare(0.25, Counts(10, 40))


def test_health_that_nobody_saw_before_is_no_old_fault() -> None:
    unseen = Baseline(taken_at=START, samples=3, health=None, medians={})
    _, outcome = judged(gate(fail_when=Health.UNHEALTHY, consecutive=2), "ok bad bad", before=unseen)
    assert outcome.reason_code == "limit-crossed"


def test_a_report_says_how_far_the_watch_is() -> None:
    one = watch(gate(fail_above=FIVE), plan(10))
    assert [one.observe(tick).elapsed for tick in ticks("1 1 1")] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(("names", "end"), [("a", "x 9 > 5, n=1"), ("ab", "(and 1 more)"), ("abc", "(and 2 more)")])
def test_further_breaches_are_counted(names: str, end: str) -> None:
    one = watch({name: gate(Action.BLOCK, fail_above=FIVE) for name in names}, plan(1))
    for tick in ticks("9 9"):
        one.observe(tick)
    assert one.verdict().reason.endswith(end)


@pytest.mark.parametrize(
    ("one", "series"),
    [
        (gate(fail_above=FIVE, over=Seconds(4.0), aggregate=Aggregate.MEAN), "9*1 . . 1 1"),
        (gate(fail_above=FIVE, over=Seconds(4.0), aggregate=Aggregate.RISE), "4*0 4*4 4*0"),
        (gate(fail_above=parse_quantity(3), over=Seconds(4.0), aggregate=Aggregate.RISE, warn_above=FIVE), "4*0 4*3.5"),
        (gate(fail_above=FIVE, of_last=(2, 3)), "9*1 4 3 2"),
        (gate(fail_above=FIVE, consecutive=2), "9*1 4 3 2"),
    ],
)
def test_a_replay_in_blocks_is_the_live_watch(one: Gate, series: str) -> None:
    looks = ticks(" ".join(_spread(series)))
    length = float(looks[-1].index + 5)
    live = watch(one, plan(length))
    for tick in looks:
        if live.observe(tick).ending is not None:
            break
    assert judge(looks, watch(one, plan(length))) == live.verdict()


def _spread(series: str) -> list[str]:
    """`3*1 .` as single words, because a look that never happened needs every word on its own."""
    words = []
    for word in series.split():
        times, _, rest = word.rpartition("*")
        words += [rest] * (int(times) if times else 1)
    return words


def test_checkpoints_have_no_slower_half_in_a_replay_either() -> None:
    then = Slower(after=Seconds(5.0), interval=Seconds(2.0))
    planned = WatchPlan(mode=Mode.CHECKPOINT, duration=Seconds(20.0), interval=Seconds(1.0), then=then)
    one, looks = watch(gate(fail_above=FIVE), planned), ticks("15*1")
    one.observe(looks[0])
    assert one._evenly(looks[1:]) == 14


def test_a_window_with_one_look_of_counts() -> None:
    one = watch(gate(fail_above=parse_quantity("5%"), over=Seconds(1.0), aggregate=Aggregate.RATIO), plan(3))
    for index in range(4):
        one.observe(Tick(index, START + index, {"x": Counts(0.0, 10.0)}))
    assert one.verdict().status is Status.HEALTHY
