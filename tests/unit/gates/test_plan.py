"""When a watch looks."""

from __future__ import annotations

import pytest

from dhash_guard.gates import plan as plans
from dhash_guard.gates.plan import Slower, WatchPlan
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


@pytest.mark.parametrize(("duration", "interval", "looks"), [(3600, 30, 121), (10, 3, 5), (1, 1, 2)])
def test_looks(duration: float, interval: float, looks: int) -> None:
    assert WatchPlan(duration=Seconds(duration), interval=Seconds(interval)).looks() == looks


@pytest.mark.parametrize(
    ("plan", "key"),
    [
        (WatchPlan(duration=Seconds(0)), "duration"),
        (WatchPlan(interval=Seconds(0)), "interval"),
        (WatchPlan(duration=Seconds(10), interval=Seconds(30)), "interval"),
        (WatchPlan(baseline=-1), "baseline"),
        (WatchPlan(then=Slower(after=Seconds(5), interval=Seconds(0))), "then"),
    ],
)
def test_faults(plan: WatchPlan, key: str) -> None:
    assert key in [name for name, _ in plans.faults(plan)]
