"""From verdicts and labels to numbers, and the way of one gate."""

from __future__ import annotations

import pytest

from dhash_guard.gates.backtest import Label, Replay, fault_time, replay_of, rolls_back, summary_of
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.watch import judge
from dhash_guard.gates.way import MOST_STEPS, Way
from dhash_guard.records.outcome import Action, Status, Verdict
from dhash_guard.records.units import parse_quantity
from support.watching import START, baseline, plan, ticks, watch

CLEAN = Label(clean=True)


def above(action: Action = Action.ROLLBACK, consecutive: int = 1) -> Gate:
    return Gate(signal="x", action=action, fail_above=parse_quantity(5), consecutive=consecutive)


def verdict(values: str, action: Action = Action.ROLLBACK) -> Verdict:
    series = ticks(values)
    return judge(series, watch({"x": above(action)}, plan(len(series))))


def replayed(values: str, label: Label | None, *, action: Action = Action.ROLLBACK, then: str | None = None) -> Replay:
    now = verdict(values, action)
    fault_at = None if label is None or label.clean else fault_time(label, now.started_at, None)
    before = None if then is None else verdict(then)
    return replay_of("it", now, then=before, known_from="log", label=label, fault_at=fault_at)


def test_a_block_is_no_rollback_and_the_setting_of_automatic_does_not_count() -> None:
    assert rolls_back(verdict("1 9 9"))
    assert not rolls_back(verdict("1 9 9", Action.BLOCK))
    assert not rolls_back(verdict("1 1 1"))
    one = watch({"x": above()}, plan(3), automatic=False)
    assert rolls_back(judge(ticks("1 9 9"), one))


def test_an_old_fault_is_no_rollback() -> None:
    told = judge(ticks("9 9 9"), watch({"x": above()}, plan(3), before=baseline(x=9.0)))
    assert told.status is Status.DEGRADED
    assert not rolls_back(told)


def test_a_flip_needs_a_verdict_to_differ_from() -> None:
    assert replayed("1 9 9", None, then="1 1 1").flips
    assert not replayed("1 9 9", None, then="9 9 9").flips
    assert not replayed("1 9 9", None).flips
    assert replayed("1 9 9", None, action=Action.BLOCK, then="1 9 9").flips  # held instead of rolled back


def test_the_three_ways_to_date_a_fault() -> None:
    assert fault_time(Label(after=7.0), START, None) == START + 7
    assert fault_time(Label(look=3), START, START + 3) == START + 3
    assert fault_time(Label(look=3), START, None) is None
    assert fault_time(Label(at=START), 0.0, None) == START


def test_the_summary_counts_each_run_once_and_where_it_belongs() -> None:
    step = ticks("1 1")[1].at - START
    seen = replayed("1 1 9 9", Label(after=step))
    early = replayed("9 9 9 9", Label(after=step))
    missed = replayed("1 1 1 1", Label(after=step))
    clean = replayed("1 1 1 1", CLEAN)
    false = replayed("9 9 9 9", CLEAN)
    held = replayed("9 9 9 9", CLEAN, action=Action.BLOCK)
    told = summary_of([seen, early, missed, clean, false, held, replayed("1 1", None)])
    assert (told.runs, told.unlabelled, told.rollbacks.count) == (7, 1, 3)
    assert told.false_rollbacks is not None
    assert (told.false_rollbacks.count, told.false_rollbacks.of, told.held_clean) == (1, 3, 1)
    assert told.detected is not None
    assert (told.detected.count, told.detected.of, told.too_early) == (1, 3, 1)
    assert told.median_delay == pytest.approx(step)
    assert told.false_per_clean_hour == pytest.approx(1 / told.clean_hours)
    assert told.rollbacks.low < 3 / 7 < told.rollbacks.high


def test_without_labels_nothing_is_called_false() -> None:
    told = summary_of([replayed("9 9", None)])
    assert (told.false_rollbacks, told.detected, told.false_per_clean_hour, told.median_delay) == (None, None, None, None)


def test_no_run_has_no_numbers() -> None:
    with pytest.raises(ValueError, match="no run"):
        summary_of([])


def way(values: str, gate: Gate) -> Way:
    series = ticks(values)
    one = watch({"x": gate}, plan(len(series)))
    found = Way(one.rules[0])
    for tick in series:
        one.observe(tick)
        found.observe(tick, START)
    return found


def test_a_way_has_the_changes_and_ends_with_the_breach() -> None:
    found = way("1 1 1 9 9 1 9", above(consecutive=2))
    assert [(step.look, step.strikes, step.status) for step in found.steps] == [
        (0, (0, 2), Status.HEALTHY),
        (3, (1, 2), Status.HEALTHY),
        (4, (2, 2), Status.DEGRADED),
    ]


def test_a_way_is_bounded_and_still_says_how_it_ended() -> None:
    found = way("1 9 " * MOST_STEPS + "9 9", above(consecutive=3))
    assert len(found.steps) == MOST_STEPS + 1
    assert found.steps[-1].status is Status.DEGRADED
    assert found.left_out > 0
