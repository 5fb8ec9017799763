"""Gates that could never do what they promise are found at load, with the arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from dhash_guard.gates.guardrails import problems, seen, worst_case
from dhash_guard.gates.plan import Slower, WatchPlan
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate, StatisticalTest
from dhash_guard.records.deployment import Baseline, Summary
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Counts, Health, Tick
from dhash_guard.records.units import Dimension, Ratio, Seconds, parse_quantity
from support.watching import START, plan, watch

SUCCESS = "health.success_ratio"
SIGNALS = {
    "x": Dimension.TIME,
    "rate": Dimension.RATIO,
    "queue": Dimension.COUNT,
    "health": None,
    SUCCESS: Dimension.RATIO,
}
COUNTED = {"rate", SUCCESS}
PLAN = WatchPlan(duration=Seconds(600), interval=Seconds(30))


PLAIN = ("fail_when", "fail_ratio")


def gate(signal: str = "x", **settings: Any) -> Gate:
    settings = {
        key: parse_quantity(value) if key.startswith(("fail_", "warn", "at", "clear_b")) and key not in PLAIN else value
        for key, value in settings.items()
    }
    return Gate(signal=signal, action=Action.ROLLBACK, **settings)


WRONG = [
    (gate(), "has no limit"),
    (gate(fail_above="1s", fail_below="2s"), "several limits"),
    (gate(fail_above="1s", warn_above="1s", warn_from="1s"), "several warning limits"),
    (gate("health", fail_when=Health.HEALTHY), "fails when healthy"),
    (gate("rate", fail_above="5s"), "is a time, but rate is a ratio"),
    (gate(fail_above=5), "is a count, but x is a time"),
    (gate("health", fail_above=5), "is a word"),
    (gate(fail_when=Health.UNHEALTHY), "is a number"),
    (gate(fail_above="1s", consecutive=3, over=Seconds(60)), "several holds"),
    (gate(fail_above="1s", aggregate=Aggregate.MEAN), "needs a window"),
    (gate("health", fail_when=Health.UNHEALTHY, over=Seconds(60)), "no aggregate"),
    (gate(fail_above="1s", consecutive=0), "1 or more"),
    (gate(fail_above="1s", of_last=(4, 3)), "never be reached"),
    (gate(fail_above="1s", min_samples=0), "1 or more"),
    (gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5), "needs at_least"),
    (gate(fail_ratio=1.5, at_least="1ms"), "needs baseline"),
    (gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.0, at_least="1ms"), "unchanged service"),
    (gate(fail_above="1s", at_least="1ms"), "belongs to"),
    (gate(fail_above="1s", consecutive=50), "needs 50 looks, but 10m has 21"),
    (gate(fail_above="1s", of_last=(22, 40)), "needs 22 looks, but 10m has 21"),
    (gate(fail_above="1s", over=Seconds(3600)), "1h is longer than the watch (10m)"),
    (gate(fail_above="1s", over=Seconds(600), min_samples=21), "needs 21 values, but the last 10m have 20; ask for fewer"),
    (gate(fail_above="1s", over=Seconds(10)), "shorter than the distance of looks"),
    (gate(fail_above="1s", over=Seconds(0)), "longer than nothing"),
    # what no value is, or every value
    (gate("rate", fail_above="100%"), "rate is never above 100%, so the gate could never fail; write a lower one"),
    (gate("rate", fail_below="0%"), "rate is never below 0%, so the gate could never fail; write a higher one"),
    (gate("queue", fail_below=0), "queue is never below 0, so the gate could never fail; write a higher one"),
    (gate("queue", fail_to=-1), "queue is never at or below -1, so the gate could never fail; write a higher one"),
    (gate("rate", fail_from="0%"), "rate is always at or above 0%, so the gate would always fail; write a higher one"),
    (gate("rate", fail_to="100%"), "rate is always at or below 100%, so the gate would always fail; write a lower one"),
    (gate("queue", fail_above=-5), "queue is always above -5, so the gate would always fail; write a higher one"),
    (gate("queue", fail_above=9, warn_from=0), "queue is always at or above 0, so the gate would always warn"),
    (gate("rate", fail_below="70%", warn_to="100%"), "rate is always at or below 100%, so the gate would always warn"),
    (gate("rate", fail_above="100%", over=Seconds(60), aggregate=Aggregate.RISE), "rate is never above 100%"),
    (
        gate("rate", baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=2.0, at_least="100%"),
        "no ratio is 100% more than before, so the gate could never fail; write less",
    ),
    (
        gate(SUCCESS, baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5, at_least="5%"),
        "fails above the value before, but more of health.success_ratio is better; use fail_below",
    ),
    # more samples than there can be
    (gate(fail_above="1s", min_samples=22), "needs 22 values, but 10m has 21 looks; ask for fewer"),
    (gate(SUCCESS, fail_below="70%", min_samples=22), "needs 22 values, but 10m has 21 looks; ask for fewer"),
    (gate(fail_above="1s", over=Seconds(300), min_samples=11), "needs 11 values, but the last 5m have 10; ask for fewer"),
    (
        gate(SUCCESS, fail_below="70%", over=Seconds(300), aggregate=Aggregate.RATIO, min_samples=10),
        "needs 10 values, but the last 5m have 9",
    ),
    (gate("rate", fail_above="5%", over=Seconds(300), aggregate=Aggregate.MEAN, min_samples=11), "needs 11 values"),
    # how sure, of what is no share of events
    (
        gate("rate", fail_above="5%", over=Seconds(300), aggregate=Aggregate.MEAN, confidence=Ratio(0.95)),
        "is reckoned from events, which the mean of a window has none of; write aggregate: ratio",
    ),
    (gate("health", fail_when=Health.UNHEALTHY, confidence=Ratio(0.95)), "a word is none"),
]


@pytest.mark.parametrize(("wrong", "text"), WRONG, ids=[text for _, text in WRONG])
def test_each_is_refused_with_its_reason(wrong: Gate, text: str) -> None:
    found = problems({"g": wrong}, PLAN, SIGNALS, counted=COUNTED)
    assert any(text in sentence for _, sentence in found), found
    assert all(path[:2] == ("gates", "g") for path, _ in found)


@pytest.mark.parametrize(
    "reachable",
    [
        gate(fail_above="1s", consecutive=21),
        gate(fail_above="1s", of_last=(21, 40)),
        gate(fail_above="1s", over=Seconds(600)),
        gate(fail_above="1s", over=Seconds(30)),
        gate("rate", fail_from="100%"),
        gate("rate", fail_to="0%"),
        gate("rate", fail_above="0%"),
        gate("rate", fail_below="100%"),
        gate("queue", fail_to=0),
        gate("queue", fail_below=0, over=Seconds(60), aggregate=Aggregate.TREND),
        gate("queue", fail_from=0, over=Seconds(60), aggregate=Aggregate.RISE),
        gate(fail_above="1s", min_samples=21),
        gate(SUCCESS, fail_below="70%", min_samples=21),
        gate("rate", fail_below="70%", min_samples=500),
        gate("rate", fail_above="5%", over=Seconds(300), aggregate=Aggregate.RATIO, min_samples=500),
        gate(fail_above="1s", over=Seconds(300), min_samples=10),
        gate(fail_above="1s", over=Seconds(600), min_samples=20),
        gate("rate", fail_above="5%", over=Seconds(300), aggregate=Aggregate.RATIO, confidence=Ratio(0.95)),
        gate("rate", baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=2.0, at_least="99%"),
    ],
)
def test_what_can_just_be_reached_is_allowed(reachable: Gate) -> None:
    assert problems({"g": reachable}, PLAN, SIGNALS, counted=COUNTED) == []


def test_the_last_window_of_a_watch_that_slows_down_has_few_looks() -> None:
    slow = evolve(PLAN, then=Slower(after=Seconds(300), interval=Seconds(100)))
    one = gate(fail_above="1s", over=Seconds(300), min_samples=4)
    assert problems({"g": one}, slow, SIGNALS) == [
        (("gates", "g", "min_samples"), "needs 4 values, but the last 5m have 3; ask for fewer")
    ]
    assert problems({"g": evolve(one, min_samples=3)}, slow, SIGNALS) == []


def test_a_window_must_hold_a_look_of_the_slow_half_also_where_that_comes_first() -> None:
    quick_at_last = WatchPlan(interval=Seconds(600), then=Slower(after=Seconds(3000), interval=Seconds(10)))
    found = problems({"g": gate(fail_above="1s", over=Seconds(300))}, quick_at_last, SIGNALS)
    assert [text for _, text in found] == ["5m is shorter than the distance of looks (10m); most windows would be empty"]


def test_a_test_keeps_sixty_values() -> None:
    patient = evolve(PLAN, duration=Seconds(3600), baseline=40)
    found = problems({"g": compared(min_samples=61)}, patient, SIGNALS)
    assert [text for _, text in found] == ["needs 61 values, but a test keeps the newest 60; ask for fewer"]
    assert problems({"g": compared(min_samples=60)}, patient, SIGNALS) == []
    assert problems({"g": gate(fail_above="1s", min_samples=61)}, patient, SIGNALS) == []


def test_what_is_compared_with_before_needs_looks_from_before() -> None:
    blind = evolve(PLAN, baseline=0)
    one = gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5, at_least="50ms")
    assert problems({"g": one}, blind, SIGNALS) == [
        (("gates", "g", "baseline"), "needs looks from before, but monitor.baseline takes 0; write 1 or more there")
    ]
    assert [path[-1] for path, _ in problems({"g": evolve(one, spread=2.0)}, blind, SIGNALS)] == ["spread"]
    assert problems({"g": one}, evolve(blind, baseline=1), SIGNALS) == []


def test_fewer_looks_by_hand_refuse_no_gate_for_its_samples() -> None:
    assert problems({"g": gate(fail_above="1s", min_samples=22)}, PLAN, SIGNALS, shortened=True) == []


def test_each_fault_names_where_it_stands() -> None:
    """A watch that is wrong itself is told alone: what its gates can reach depends on it."""
    late, wrong = gate(fail_above="1s", consecutive=50), gate(fail_above=5)
    whole = problems({"late": late, "wrong": wrong}, PLAN, SIGNALS)
    assert [path for path, _ in whole] == [("gates", "late", "consecutive"), ("gates", "wrong", "fail_above")]
    broken = problems({"late": late, "wrong": wrong}, WatchPlan(interval=Seconds(0)), SIGNALS)
    assert [path for path, _ in broken] == [("monitor", "interval"), ("gates", "wrong", "fail_above")]


def test_an_unknown_signal_is_reported_elsewhere() -> None:
    assert problems({"g": gate("unheard-of", fail_above="1s")}, PLAN, SIGNALS) == []


def test_a_shortened_watch_may_be_shorter_than_a_window() -> None:
    long = gate(fail_above="1s", over=Seconds(3600))
    assert problems({"g": long}, PLAN, SIGNALS, shortened=True) == []


def test_a_right_gate_has_no_problems() -> None:
    assert problems({"g": gate(fail_above="1s", over=Seconds(120), aggregate=Aggregate.P95)}, PLAN, SIGNALS) == []


def test_worst_case_detection() -> None:
    assert worst_case(gate(fail_above="1s"), PLAN) == 30
    assert worst_case(gate(fail_above="1s", consecutive=3), PLAN) == 90
    assert worst_case(gate(fail_above="1s", of_last=(2, 5)), PLAN) == 60
    assert worst_case(gate(fail_above="1s", over=Seconds(120)), PLAN) == 150


def test_at_worst_a_fault_begins_while_the_watch_is_slow_whichever_half_that_is() -> None:
    quick_at_last = WatchPlan(interval=Seconds(600), then=Slower(after=Seconds(3000), interval=Seconds(10)))
    assert worst_case(gate(fail_above="1s", consecutive=3), quick_at_last) == 1800
    assert seen(gate(fail_above="1s", consecutive=3), quick_at_last) == "a total fault is seen after at most 30m"


def test_no_gate_sees_a_fault_before_it_may_speak() -> None:
    """How many events a look has, nobody knows; so the sentence promises no time for them."""
    said = "a total fault is seen after at most 30s, but not before there are 200 samples"
    assert seen(gate("rate", fail_above="5%", min_samples=200), PLAN) == said


def compared(**settings: Any) -> Gate:
    return gate(
        baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5, at_least="50ms", test=StatisticalTest.SEQUENTIAL, **settings
    )


@pytest.mark.parametrize(
    ("one", "looks", "worst"),
    [
        (compared(over=Seconds(120)), 60, 120 + 30),
        (compared(), 60, 60 * 30),
        (compared(over=Seconds(120)), 61, 120 + 2 * 30),
        (compared(over=Seconds(120)), 241, 120 + 5 * 30),
        (compared(), 241, (60 + 4) * 30),
    ],
)
def test_a_test_waits_for_its_values_and_for_its_next_look(one: Gate, looks: int, worst: float) -> None:
    assert worst_case(one, WatchPlan(duration=Seconds(30.0 * (looks - 1)), interval=Seconds(30))) == worst


@pytest.mark.parametrize(
    ("over", "confidence", "taken", "said"),
    [
        (None, 0.99, 0, "0 looks before and 60 after give p=1 at best, but each of 60 looks may spend 0.00011"),
        (60, 0.99, 40, "40 looks before and 2 after give p=0.0012 at best, but each of 60 looks may spend 0.00011"),
        (61, 0.99, 20, "20 looks before and 3 after"),
        (60, 0.9, 40, "each of 60 looks may spend 0.0011"),
        (60, 0.8, 40, ""),
    ],
)
def test_what_a_test_could_prove_at_best(over: float | None, confidence: float, taken: int, said: str) -> None:
    one = compared(over=None if over is None else Seconds(over), confidence=Ratio(confidence))
    watched = WatchPlan(duration=Seconds(30.0 * 120), interval=Seconds(30), baseline=taken)
    found = problems({"g": one}, watched, SIGNALS)
    assert [path for path, _ in found] == ([("gates", "g", "test")] if said else [])
    assert said in "".join(text for _, text in found)


@pytest.mark.parametrize("over", [None, 4.0, 4.5, 20.0])
def test_no_fault_that_a_test_sees_takes_longer_than_its_worst_case(over: float | None) -> None:
    """Total faults that begin after any look of a watch which tests every fifth; the values before them are calm."""
    length, one = 240, compared(over=None if over is None else Seconds(over), confidence=Ratio(0.5))
    planned, values = plan(length), tuple(0.1 + 0.001 * i for i in range(40))
    before = Baseline(taken_at=0.0, samples=40, health=None, medians={"x": Summary(0.12, 40, values)})
    worst, delays = worst_case(one, planned), []
    for begin in range(80, 100):
        story = watch(one, planned, before=before)
        for index in range(length + 1):
            if story.observe(Tick(index, START + index, {"x": 0.1 if index <= begin else 9.0})).ending is not None:
                break
        outcome = story.verdict().outcomes[0]
        assert outcome.at is not None, f"a fault after look {begin} was never seen"
        delays.append(outcome.at - START - begin)
    assert max(delays) <= worst


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (gate("rate", fail_below="70%"), "the later, the longer all was well: rate counts since the watch began"),
        (gate("rate", fail_below="70%", consecutive=3), "the later, the longer all was well: rate counts since"),
        (gate("rate", fail_below="70%", over=Seconds(120), aggregate=Aggregate.MEAN), "the later, the longer"),
        (gate("rate", fail_below="70%", over=Seconds(120), aggregate=Aggregate.RATIO), "after at most 2m30s"),
        (gate(fail_above="1s"), "after at most 30s"),
        (gate(fail_above="1s", min_samples=2), "after at most 30s, but not before there are 2 samples"),
    ],
)
def test_a_ratio_since_the_beginning_promises_no_time(one: Gate, sentence: str) -> None:
    assert seen(one, PLAN, {"rate"}).startswith(f"a total fault is seen {sentence}")


def test_a_test_over_counts_needs_no_aggregate() -> None:
    share = gate("rate", baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5, at_least="1%", over=Seconds(300))
    assert [path[-1] for path, _ in problems({"g": share}, PLAN, SIGNALS, counted={"rate"})] == ["aggregate"]
    tested = evolve(share, test=StatisticalTest.SEQUENTIAL)
    assert problems({"g": tested}, evolve(PLAN, baseline=40), SIGNALS, counted={"rate"}) == []


def test_how_late_a_running_ratio_is_depends_on_what_was_before() -> None:
    """The arithmetic behind it: after 100 good looks it takes 43 bad ones to fall below 70%."""
    one, good = watch(gate("rate", fail_below="70%"), plan(200)), 100
    for index in range(200):
        counts = Counts(float(min(index + 1, good)), index + 1.0, running=True)
        if one.observe(Tick(index, START + index, {"rate": counts})).ending is not None:
            break
    assert one.verdict().outcomes[0].tick == good + 42
