"""When a watch looks."""

from __future__ import annotations

import pytest

from dhash_guard.gates import plan as plans
from dhash_guard.gates.plan import Mode, Slower, WatchPlan
from dhash_guard.records.units import Seconds


def schedule(plan: WatchPlan, until: float) -> list[float]:
    found, elapsed = [0.0], 0.0
    while elapsed < until:
        elapsed = plan.next_due(elapsed)
        found.append(elapsed)
    return found


def test_fast_then_slow_on_the_grid() -> None:
    plan = WatchPlan(duration=Seconds(60), interval=Seconds(5), then=Slower(after=Seconds(15), interval=Seconds(20)))
    assert schedule(plan, 60) == [0, 5, 10, 15, 35, 55, 60]


def test_the_last_look_is_at_the_very_end() -> None:
    assert schedule(WatchPlan(duration=Seconds(10), interval=Seconds(3)), 10) == [0, 3, 6, 9, 10]


def test_a_late_look_returns_to_the_grid() -> None:
    plan = WatchPlan(duration=Seconds(100), interval=Seconds(10))
    assert plan.next_due(10.2) == 20
    assert plan.next_due(37.0) == 40


def test_after_the_end_the_grid_goes_on() -> None:
    assert WatchPlan(duration=Seconds(10), interval=Seconds(3)).next_due(10) == 12


BRIEF = Slower(after=Seconds(0.5), interval=Seconds(0.2))


@pytest.mark.parametrize(("duration", "interval", "looks"), [(3600, 30, 121), (10, 3, 5), (1, 1, 2), (0.9, 0.25, 5)])
def test_looks(duration: float, interval: float, looks: int) -> None:
    assert WatchPlan(duration=Seconds(duration), interval=Seconds(interval)).looks() == looks


@pytest.mark.parametrize(("until", "looks"), [(0, 1), (2.9, 1), (3, 2), (11.5, 4), (12, 5), (100, 35)])
def test_looks_within_a_part_of_the_watch(until: float, looks: int) -> None:
    assert WatchPlan(duration=Seconds(100), interval=Seconds(3)).looks(until) == looks


def test_the_last_look_is_at_the_very_end_even_of_a_watch_of_a_second() -> None:
    plan = WatchPlan(duration=Seconds(0.9), interval=Seconds(0.25))
    assert schedule(plan, 0.9) == [0, 0.25, 0.5, 0.75, 0.9]


@pytest.mark.parametrize(
    ("plan", "key"),
    [
        (WatchPlan(duration=Seconds(0)), "duration"),
        (WatchPlan(duration=Seconds(0), then=Slower(after=Seconds(5), interval=Seconds(60))), "duration"),
        (WatchPlan(interval=Seconds(0)), "interval"),
        (WatchPlan(duration=Seconds(0.5), interval=Seconds(0.1), then=BRIEF), "then"),
        (WatchPlan(duration=Seconds(10), interval=Seconds(30)), "interval"),
        (WatchPlan(baseline=-1), "baseline"),
        (WatchPlan(then=Slower(after=Seconds(5), interval=Seconds(0))), "then"),
        (WatchPlan(then=Slower(after=Seconds(3600), interval=Seconds(60))), "then"),
        (WatchPlan(then=Slower(after=Seconds(3700), interval=Seconds(60)), extend_by=Seconds(100)), "then"),
        (WatchPlan(mode=Mode.CHECKPOINT, then=Slower(after=Seconds(5), interval=Seconds(60))), "then"),
        (WatchPlan(checkpoints=(Seconds(3600),)), "checkpoints"),
        (WatchPlan(mode=Mode.CHECKPOINT, checkpoints=(Seconds(300), Seconds(3599))), "checkpoints"),
        (WatchPlan(mode=Mode.CHECKPOINT, checkpoints=(Seconds(900), Seconds(300), Seconds(3600))), "checkpoints"),
        (WatchPlan(mode=Mode.CHECKPOINT, checkpoints=(Seconds(300), Seconds(300), Seconds(3600))), "checkpoints"),
        (WatchPlan(mode=Mode.CHECKPOINT, checkpoints=(Seconds(0), Seconds(3600))), "checkpoints"),
    ],
)
def test_faults(plan: WatchPlan, key: str) -> None:
    assert [name for name, _ in plans.faults(plan)] == [key]


@pytest.mark.parametrize(
    "plan",
    [
        WatchPlan(),
        WatchPlan(duration=Seconds(30), interval=Seconds(30)),
        WatchPlan(duration=Seconds(0.5), interval=Seconds(0.25)),
        WatchPlan(baseline=0),
        WatchPlan(then=Slower(after=Seconds(5), interval=Seconds(0.5))),
        WatchPlan(then=Slower(after=Seconds(3599), interval=Seconds(60))),
        WatchPlan(then=Slower(after=Seconds(3600), interval=Seconds(60)), extend_by=Seconds(100)),
        WatchPlan(mode=Mode.CHECKPOINT, checkpoints=(Seconds(0.5), Seconds(3600))),
    ],
)
def test_what_is_just_possible_has_no_faults(plan: WatchPlan) -> None:
    assert plans.faults(plan) == []


def test_a_watch_shorter_than_its_first_step_is_a_fault_however_short() -> None:
    assert plans.faults(WatchPlan(duration=Seconds(0.5), interval=Seconds(1))) == [
        ("interval", "is longer than the whole watch")
    ]


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (
            WatchPlan(then=Slower(after=Seconds(5400), interval=Seconds(60))),
            "begins after 1h30m, but the watch lasts 1h; begin earlier, or remove it",
        ),
        (
            WatchPlan(then=Slower(after=Seconds(5400), interval=Seconds(60)), extend_by=Seconds(900)),
            "begins after 1h30m, but the watch lasts 1h15m; begin earlier, or remove it",
        ),
        (
            WatchPlan(mode=Mode.CHECKPOINT, then=Slower(after=Seconds(5), interval=Seconds(60))),
            "plays no part with mode: checkpoint; remove it, or write then: off",
        ),
    ],
)
def test_a_slower_half_that_never_comes_is_told(plan: WatchPlan, sentence: str) -> None:
    assert plans.faults(plan) == [("then", sentence)]


def test_a_shorter_watch_by_hand_need_not_come_to_its_slower_half() -> None:
    assert plans.faults(WatchPlan(then=Slower(after=Seconds(5400), interval=Seconds(60))), shortened=True) == []


@pytest.mark.parametrize(
    ("rule", "interval", "after", "then", "slowest"),
    [
        ("fast, then slow", 10, 600, 60, 60),
        ("slow, then fast", 600, 3000, 10, 600),
        ("slow from the beginning", 10, 0, 60, 60),
        ("fast from the beginning", 600, 0, 10, 10),
        ("fast after half a second", 600, 0.5, 10, 600),
        ("slow only after the end", 10, 3600, 60, 10),
    ],
)
def test_the_slowest_pace_of_a_watch(rule: str, interval: float, after: float, then: float, slowest: float) -> None:
    slower = Slower(after=Seconds(after), interval=Seconds(then))
    assert WatchPlan(interval=Seconds(interval), then=slower).slowest == slowest, rule


def test_checkpoints_that_end_early_say_where() -> None:
    plan = WatchPlan(mode=Mode.CHECKPOINT, checkpoints=(Seconds(300), Seconds(1800)))
    assert plans.faults(plan) == [("checkpoints", "end at 30m, but the watch lasts 1h; nobody would give its verdict")]


def test_a_watch_is_an_hour_of_looks_every_half_minute_unless_said_otherwise() -> None:
    said = WatchPlan(duration=Seconds(3600), interval=Seconds(30), extend_by=Seconds(0), baseline=10)
    assert WatchPlan() == said


@pytest.mark.parametrize(
    ("duration", "written", "expected"),
    [
        (3600, (), (300, 900, 1800, 3600)),
        (900, (), (300, 900)),
        (60, (), (60,)),
        (3600, (600, 4000), (600, 4000)),
        (3600, (600, 3600), (600, 3600)),
    ],
)
def test_checkpoints(duration: float, written: tuple[float, ...], expected: tuple[float, ...]) -> None:
    moments = tuple(Seconds(at) for at in written)
    plan = WatchPlan(mode=Mode.CHECKPOINT, duration=Seconds(duration), checkpoints=moments)
    assert plan.judged_at == expected
    assert plans.faults(plan) == []


def test_checkpoints_have_one_pace() -> None:
    then = Slower(after=Seconds(15), interval=Seconds(20))
    plan = WatchPlan(mode=Mode.CHECKPOINT, duration=Seconds(30), interval=Seconds(5), then=then)
    assert schedule(plan, 30) == [0, 5, 10, 15, 20, 25, 30]
    assert (plan.slowest, plan.looks(), plan.interval_at(20)) == (5, 7, 5)
    assert WatchPlan(duration=Seconds(30)).judged_at == ()


@pytest.mark.parametrize(
    ("mode", "duration", "extension"),
    [(Mode.WATCH, 600, 150), (Mode.WATCH, 3600, 900), (Mode.WATCH, 86400, 900), (Mode.CHECKPOINT, 3600, 0)],
)
def test_how_far_a_watch_goes_on_where_nothing_is_written(mode: Mode, duration: float, extension: float) -> None:
    assert WatchPlan(mode=mode, duration=Seconds(duration)).usual_extension == extension
