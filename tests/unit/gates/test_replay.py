"""A replay takes in blocks of looks, and gives at each look the verdict that the live watch gave."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.plan import Slower, WatchPlan
from dhash_guard.gates.settings import Aggregate, Gate
from dhash_guard.gates.watch import judge
from dhash_guard.records.outcome import Action, Ending
from dhash_guard.records.sample import Absence, AbsenceKind, Tick, Value
from dhash_guard.records.units import Ratio, Seconds, parse_quantity
from support.watching import START, watch

PLAN = WatchPlan(duration=Seconds(600.0), interval=Seconds(30.0))
SLOWER = WatchPlan(
    duration=Seconds(900.0), interval=Seconds(30.0), then=Slower(after=Seconds(300.0), interval=Seconds(60.0))
)
FASTER = WatchPlan(duration=Seconds(10.0), interval=Seconds(0.5))
LONGER = WatchPlan(duration=Seconds(300.0), interval=Seconds(30.0), extend_by=Seconds(120.0))


def gate(action: Action = Action.BLOCK, **settings: Any) -> Gate:
    return Gate(signal="x", action=action, fail_above=parse_quantity(5), **settings)


GATES = {
    "mean": gate(over=Seconds(120.0), aggregate=Aggregate.MEAN),
    "p90": gate(Action.ALERT, over=Seconds(200.0), aggregate=Aggregate.P90, clear_after=2),
    "swing": gate(Action.ALERT, clear_after=3),
    "rise": gate(over=Seconds(90.0), aggregate=Aggregate.RISE),
    "run": gate(Action.ROLLBACK, consecutive=3, coverage=Ratio(0.95)),
    "some": gate(of_last=(2, 5), min_samples=4),
    "other": Gate(signal="y", action=Action.ALERT, fail_above=parse_quantity(5)),
}


def every(step: float, first: float, last: float) -> list[float]:
    return [first + index * step for index in range(int((last - first) / step) + 1)]


@pytest.mark.parametrize(
    ("plan", "times", "odd"),
    [
        (PLAN, every(30, 0, 660), {}),
        (PLAN, every(30, 15, 645), {}),
        (PLAN, every(29.999, 0, 660), {}),
        (PLAN, every(10, 0, 620), {}),
        (PLAN, [*every(30, 0, 120), *every(30, 180, 600)], {}),
        (PLAN, [*every(30, 0, 120), *every(30, 181, 610)], {}),
        (PLAN, [*every(30, 0, 120), *every(30, 200, 620)], {}),
        (PLAN, [*every(30, 0, 120), *every(30, 200, 620)], {4: 9.0}),
        (PLAN, [*every(30, 0, 120), *every(75, 195, 620)], {}),
        (PLAN, every(61, 61, 620), {}),
        (PLAN, every(80, 70, 620), {}),
        (PLAN, every(30, 0, 600), {0: 9.0}),
        (PLAN, every(30, 0, 600), {4: 9.0, 12: 9.0, 13: 9.0}),
        (PLAN, every(30, 0, 600), {4: 9.0, 12: 9.0, 13: 9.0, 14: 9.0, 15: 1.0}),
        (PLAN, every(30, 0, 600), {7: Absence(AbsenceKind.TIMEOUT), 8: Absence(AbsenceKind.TIMEOUT), 19: 9.0}),
        (SLOWER, [*every(30, 0, 300), *every(60, 360, 960)], {}),
        (SLOWER, [*every(30, 0, 300), *every(60, 360, 960)], {13: Absence(AbsenceKind.TIMEOUT)}),
        (SLOWER, [*every(30, 0, 120), *every(30, 200, 290), *every(60, 350, 960)], {}),
        (SLOWER, [*every(30, 0, 270), *every(60, 360, 960)], {}),
        (SLOWER, [*every(30, 5, 290), *every(60, 400, 960)], {}),
        (SLOWER, [*every(30, 0, 300), *every(130, 430, 960)], {}),
        (SLOWER, every(100, 0, 1000), {}),
        (FASTER, every(0.5, 0, 10), {}),
        (FASTER, [*every(0.5, 0, 3), *every(1, 5, 11)], {}),
        (LONGER, every(30, 0, 500), {9: 9.0}),
        (LONGER, every(30, 0, 500), {10: Absence(AbsenceKind.TIMEOUT), 11: Absence(AbsenceKind.TIMEOUT)}),
        (LONGER, every(30, 0, 500), {index: Absence(AbsenceKind.TIMEOUT) for index in range(8, 30)}),
    ],
)
def test_at_each_look(plan: WatchPlan, times: list[float], odd: dict[int, Value]) -> None:
    looks = [Tick(index, START + at, {"x": odd.get(index, 1.0), "y": 2.0}) for index, at in enumerate(times)]
    live, in_threes, ended = watch(GATES, plan), watch(GATES, plan), False
    for count, tick in enumerate(looks, 1):
        ended = ended or live.observe(tick).ending is not None
        assert judge(looks[:count], watch(GATES, plan)) == live.verdict()
        in_two = watch(GATES, plan)
        in_two.fold(looks[: count // 2])
        assert (in_two.fold(looks[count // 2 : count]) is not None) is ended
        assert in_two.verdict() == live.verdict()
        if count % 3 == 0 or ended:
            in_threes.fold(looks[(count - 1) // 3 * 3 : count])
            assert in_threes.verdict() == live.verdict()
        if ended:
            return


def test_a_look_that_is_not_later_is_refused_within_a_block_and_between_two() -> None:
    looks = [Tick(index, START + at, {"x": 1.0, "y": 1.0}) for index, at in enumerate((0.0, 30.0, 60.0, 60.0, 90.0))]
    with pytest.raises(ValueError, match="tick 3 is not later"):
        watch(GATES, PLAN).fold(looks)
    one = watch(GATES, PLAN)
    one.fold(looks[:3])
    with pytest.raises(ValueError, match="tick 3 is not later"):
        one.fold(looks[3:])


def test_a_block_ends_with_the_look_at_which_a_gate_fired() -> None:
    looks = [Tick(index, START + 30 * index, {"x": 1.0 if index < 5 else 9.0, "y": 1.0}) for index in range(20)]
    one = watch({"run": GATES["run"], "other": GATES["other"]}, PLAN)
    assert one.fold(looks) is Ending.EARLY
    verdict = one.verdict()
    assert (verdict.ticks, verdict.ended_at, verdict.outcomes[0].tick) == (8, START + 210, 7)
    assert verdict.outcomes[1].samples == 8


@pytest.mark.parametrize(("fault", "count"), [(10, 13), (700, 703), (5000, 1001)])
def test_a_replay_of_many_blocks_ends_where_the_watch_did(fault: int, count: int) -> None:
    looks = [Tick(index, START + index, {"x": 1.0 if index < fault else 9.0}) for index in range(1200)]
    planned = WatchPlan(duration=Seconds(1000.0), interval=Seconds(1.0))
    assert judge(looks, watch(gate(Action.ROLLBACK, consecutive=3), planned)).ticks == count


@pytest.mark.parametrize("after", [2.0, 4.5])
def test_after_a_breach_nothing_is_a_warning_any_more_live_or_replayed(after: float) -> None:
    """A gate that has fired is not looked at again by a replay; the live watch must not go on to find warnings either."""
    warns = {"x": Gate(signal="x", action=Action.BLOCK, fail_above=parse_quantity(5), warn_above=parse_quantity(4))}
    looks = [
        Tick(index, START + 30 * index, {"x": 9.0 if index == 3 else 1.0 if index < 3 else after}) for index in range(21)
    ]
    live = watch(warns, PLAN)
    for tick in looks:
        live.observe(tick)
    assert live.verdict() == judge(looks, watch(warns, PLAN))
    assert live.verdict().warnings == ()
