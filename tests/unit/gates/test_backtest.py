"""From verdicts and labels to numbers, and the way of one gate."""

from __future__ import annotations

import pytest

from dhash_guard.gates.backtest import Label, Replay, fault_time, replay_of, rolls_back, summary_of
from dhash_guard.gates.settings import BaselineSource, Gate
from dhash_guard.gates.watch import judge
from dhash_guard.gates.way import MOST_STEPS, Way
from dhash_guard.records.outcome import Action, Status, Verdict
from dhash_guard.records.sample import Health
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
    earlier = replayed("9 9 9 9", Label(after=2 * step))
    missed = replayed("1 1 1 1", Label(after=step))
    clean = replayed("1 1 1 1", CLEAN)
    false = replayed("9 9 9 9", CLEAN)
    held = replayed("9 9 9 9", CLEAN, action=Action.BLOCK)
    told = summary_of([seen, early, earlier, missed, clean, false, held, replayed("1 1", None)])
    assert (told.runs, told.unlabelled, told.rollbacks.count) == (8, 1, 4)
    assert told.false_rollbacks is not None
    assert (told.false_rollbacks.count, told.false_rollbacks.of, told.held_clean) == (1, 3, 1)
    assert told.detected is not None
    assert (told.detected.count, told.detected.of, told.too_early) == (1, 4, 2)
    assert told.median_delay == pytest.approx(step)
    assert told.false_per_clean_hour == pytest.approx(1 / told.clean_hours)
    assert told.rollbacks.low < 4 / 8 < told.rollbacks.high


def test_clean_hours_are_the_watched_time_of_clean_runs() -> None:
    told = summary_of([replayed(f"{1 + seconds}*1", CLEAN) for seconds in (5400, 1800)] + [replayed("9*1", None)])
    assert told.clean_hours == pytest.approx(2.0)
    assert told.false_per_clean_hour == 0.0


def test_a_run_that_fires_with_its_fault_has_seen_it_at_once() -> None:
    assert replayed("1 1 9 9", Label(after=2.0)).delay == 0.0
    assert replayed("1 1 9 9", Label(after=2.001)).delay is None


@pytest.mark.parametrize(
    ("delays", "median"), [((3,), 3.0), ((1, 4), 2.5), ((1, 9, 2), 2.0), ((8, 1, 2, 4), 3.0), ((5, 1, 9, 2, 7), 5.0)]
)
def test_the_median_delay_is_over_detected_faults(delays: tuple[int, ...], median: float) -> None:
    runs = [replayed(f"{1 + delay}*1 9", Label(after=1.0)) for delay in delays]
    told = summary_of([*runs, replayed("1 1", Label(after=1.0))])
    assert told.median_delay == median


def test_only_runs_with_a_verdict_of_then_are_compared() -> None:
    told = summary_of([replayed("9 9", None, then="1 1"), replayed("1 1", None, then="1 1"), *[replayed("9 9", None)] * 3])
    assert (told.runs, told.compared, told.flips) == (5, 2, 1)


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
    assert found.left_out == MOST_STEPS + 1


def test_a_step_says_when_it_was() -> None:
    found = way("1 1 9", above(consecutive=2))
    assert [(step.at, step.elapsed) for step in found.steps] == [(START, 0.0), (START + 2, 2.0)]


def test_a_warning_is_a_step_and_so_is_its_end() -> None:
    warns = Gate(signal="x", action=Action.BLOCK, fail_above=parse_quantity(5), warn_above=parse_quantity(3))
    assert [step.look for step in way("1 4 4 1 1", warns).steps] == [0, 1, 3]


RELATIVE = Gate(
    signal="x",
    action=Action.ROLLBACK,
    baseline=BaselineSource.BEFORE_DEPLOY,
    fail_ratio=1.5,
    at_least=parse_quantity("1ms"),
)


@pytest.mark.parametrize(
    ("rule", "gate", "series", "read"),
    [
        ("a number, in the unit of its limit", above(), "2.5", "2.5"),
        ("a time", Gate(signal="x", action=Action.BLOCK, fail_above=parse_quantity("1s")), "0.25", "250 ms"),
        ("a share of counts", Gate(signal="x", action=Action.BLOCK, fail_above=parse_quantity("5%")), "1/8", "12.5%"),
        ("a bare number where nothing gives a limit", RELATIVE, "0.25", "0.25"),
        ("a word", Gate(signal="x", action=Action.BLOCK, fail_when=Health.UNHEALTHY), "warn", "warning"),
        ("an absence with its reason", above(), "-", "timeout (no answer)"),
        ("nothing at all", Gate(signal="y", action=Action.BLOCK, fail_above=parse_quantity(5)), "1", "not sampled"),
        ("a number where a word was expected", Gate(signal="x", action=Action.BLOCK, fail_when=Health.UNHEALTHY), "3", "3"),
    ],
)
def test_a_step_says_what_was_read(rule: str, gate: Gate, series: str, read: str) -> None:
    assert [step.value for step in way(series, gate).steps] == [read], rule
