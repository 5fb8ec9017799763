"""The verdict over several gates, and when a watch ends."""

from __future__ import annotations

import pytest

from dhash_guard.gates.settings import Aggregate, Gate
from dhash_guard.gates.watch import Watch, judge
from dhash_guard.records.outcome import Action, Decision, Ending, Status
from dhash_guard.records.sample import Absence, AbsenceKind, Tick
from dhash_guard.records.units import Seconds, parse_quantity
from support.watching import START, baseline, plan, ticks, watch

LIMIT = parse_quantity(5)


def above(action: Action, signal: str = "x", **more: object) -> Gate:
    return Gate(signal=signal, action=action, fail_above=LIMIT, **more)  # type: ignore[arg-type]  # test builder


def run(one: Watch, series: list[Tick]) -> Ending | None:
    for tick in series:
        if (ending := one.observe(tick).ending) is not None:
            return ending
    return None


@pytest.mark.parametrize(
    ("action", "status", "decision"),
    [
        (Action.ROLLBACK, Status.DEGRADED, Decision.ROLL_BACK),
        (Action.BLOCK, Status.DEGRADED, Decision.HOLD),
        (Action.ALERT, Status.HEALTHY, Decision.PROCEED),
        (Action.OBSERVE, Status.HEALTHY, Decision.PROCEED),
    ],
)
def test_what_a_breach_may_cause(action: Action, status: Status, decision: Decision) -> None:
    gates = {"it": above(action), "other": Gate(signal="x", action=Action.BLOCK, fail_above=parse_quantity(100))}
    one = watch(gates, plan(3))
    run(one, ticks("9 9 9 9"))
    verdict = one.verdict()
    assert (verdict.status, verdict.decision) == (status, decision)
    assert bool(verdict.warnings) == (not action.decides)


def test_with_rollback_off_degraded_holds() -> None:
    one = watch(above(Action.ROLLBACK), plan(3), automatic=False)
    assert run(one, ticks("9")) is Ending.EARLY
    assert one.verdict().decision is Decision.HOLD


def test_a_blocking_breach_watches_on_because_worse_may_come() -> None:
    one = watch({"block": above(Action.BLOCK), "back": above(Action.ROLLBACK, consecutive=3)}, plan(10))
    assert run(one, ticks("9 9 9 9 9")) is Ending.EARLY
    verdict = one.verdict()
    assert (verdict.ticks, verdict.decision, verdict.gate) == (3, Decision.ROLL_BACK, "back")


def test_of_several_breaches_the_earliest_is_named() -> None:
    one = watch({"late": above(Action.BLOCK, consecutive=3), "early": above(Action.BLOCK)}, plan(3))
    run(one, ticks("9 9 9 9"))
    assert one.verdict().gate == "early"


def test_a_new_fault_is_named_before_an_old_one() -> None:
    gates = {"old": above(Action.BLOCK), "new": above(Action.BLOCK, signal="y", consecutive=2)}
    one = watch(gates, plan(3), before=baseline(x=9.0, y=1.0))
    run(one, [Tick(index, START + index, {"x": 9.0, "y": 9.0}) for index in range(4)])
    assert (one.verdict().gate, one.verdict().reason_code) == ("new", "limit-crossed")


def test_degraded_beats_cannot_tell_beats_healthy() -> None:
    gates = {"sees": above(Action.BLOCK), "blind": above(Action.BLOCK, signal="y")}
    for series, status in (("1 1 1", Status.CANNOT_TELL), ("9 9 9", Status.DEGRADED)):
        one = watch(gates, plan(2))
        run(one, ticks(series))
        assert one.verdict().status is status


def test_cannot_tell_extends_the_watch_up_to_a_cap() -> None:
    one = watch(above(Action.ROLLBACK), plan(2, extend_by=2))
    assert run(one, ticks("- - - - - - -")) is Ending.CAPPED
    assert one.verdict().ticks == 5
    assert one.verdict().status is Status.CANNOT_TELL


def test_an_extended_watch_ends_as_soon_as_it_can_tell() -> None:
    one = watch(Gate(signal="x", action=Action.ROLLBACK, fail_above=LIMIT, consecutive=2), plan(8, extend_by=5))
    assert run(one, ticks("7*1 - - 1 1 1")) is Ending.PLANNED
    assert (one.verdict().status, one.verdict().ticks) == (Status.HEALTHY, 10)


def test_a_log_that_ends_early_proves_nothing() -> None:
    one = watch(above(Action.ROLLBACK), plan(10))
    verdict = judge(ticks("1 1 1"), one)
    assert (verdict.status, verdict.reason_code) == (Status.CANNOT_TELL, "cut-short")


def test_a_watch_knows_that_it_has_ended() -> None:
    one = watch(above(Action.ROLLBACK), plan(2))
    assert [(one.observe(tick).ending, one.ended) for tick in ticks("1 1 1")] == [
        (None, False),
        (None, False),
        (Ending.PLANNED, True),
    ]


def test_an_ending_that_the_samples_do_not_show_is_not_believed() -> None:
    for claimed in (Ending.PLANNED, Ending.EARLY, Ending.CAPPED):
        verdict = judge(ticks("1 1 1"), watch(above(Action.ROLLBACK), plan(10)), claimed)
        assert (verdict.status, verdict.ending) == (Status.CANNOT_TELL, Ending.CUT_SHORT)


def test_an_aborted_watch_holds() -> None:
    one = watch(above(Action.BLOCK), plan(10))
    verdict = judge(ticks("9 9"), one, Ending.ABORTED)
    assert (verdict.status, verdict.decision, verdict.reason_code) == (Status.CANNOT_TELL, Decision.HOLD, "aborted")


def test_windows_longer_than_the_watch_are_not_judged_and_do_not_extend_it() -> None:
    long = Gate(signal="x", action=Action.ROLLBACK, fail_above=LIMIT, over=Seconds(60.0), aggregate=Aggregate.MEAN)
    one = watch({"long": long, "short": above(Action.ROLLBACK)}, plan(3, extend_by=50))
    assert run(one, ticks("1 1 1 1")) is Ending.PLANNED
    verdict = one.verdict()
    assert verdict.status is Status.HEALTHY
    assert [outcome.status for outcome in verdict.outcomes] == [Status.NOT_JUDGED, Status.HEALTHY]
    assert "long not judged" in verdict.warnings[0]


def test_when_no_gate_could_be_judged_nothing_is_proven() -> None:
    long = Gate(signal="x", action=Action.ROLLBACK, fail_above=LIMIT, over=Seconds(60.0), aggregate=Aggregate.MEAN)
    one = watch(long, plan(2, extend_by=50))
    assert run(one, ticks("1 1 1 1")) is Ending.PLANNED
    assert (one.verdict().status, one.verdict().reason_code, one.verdict().ticks) == (
        Status.CANNOT_TELL,
        "nothing-judged",
        3,
    )


def test_a_signal_nobody_sampled_is_an_absence() -> None:
    one = watch(above(Action.ROLLBACK, signal="missing"), plan(2))
    run(one, ticks("1 1 1"))
    assert one.verdict().reason_code == "absent-empty"


def test_time_does_not_go_back() -> None:
    one = watch(above(Action.ROLLBACK), plan(5))
    one.observe(Tick(0, START + 1, {"x": 1.0}))
    with pytest.raises(ValueError, match="not later"):
        one.observe(Tick(1, START + 1, {"x": 1.0}))


def test_a_report_tells_only_what_changed() -> None:
    one = watch(above(Action.ALERT, consecutive=2), plan(9))
    told = [[outcome.status.value for outcome in one.observe(tick).changed] for tick in ticks("1 1 9 9 9 1")]
    assert told == [["healthy"], [], [], ["degraded"], [], []]


def test_absences_of_every_kind_keep_their_name() -> None:
    for kind in AbsenceKind:
        one = watch(above(Action.ROLLBACK), plan(1))
        run(one, [Tick(i, START + i, {"x": Absence(kind)}) for i in range(2)])
        assert one.verdict().reason_code == f"absent-{kind.value}"
