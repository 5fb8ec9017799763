"""The counting: what is false, early, found, late and unsure; and when a peer is ahead."""

from __future__ import annotations

from benchmarks.judging.engines import Answer
from benchmarks.judging.ours import OURS, judged
from benchmarks.judging.scoring import Outcome, beats, score
from benchmarks.judging.tables import check
from benchmarks.judging.traces import GAP, Trace
from benchmarks.judging.tuning import Tuned, peers, tuned

from dhash_guard.records.sample import Value
from dhash_guard.rollout.history import LOOKS


def watch(onset: int | None, after: tuple[Value, ...] = (1.0,) * 60) -> Trace:
    return Trace("case", "latency", (1.0,) * 60, after, onset, "case")


def said(onset: int | None, rollback: int | None, *, unsure: bool = False) -> Outcome:
    return watch(onset), Answer(rollback, unsure)


def test_counts_false_early_found_and_unsure() -> None:
    one = score([said(None, 3), said(None, None), said(None, None, unsure=True), said(30, 29), said(30, 30), said(0, 9)])
    assert (one.fired_clean, one.early, one.false, one.detected) == (1, 1, 2, 2)
    assert (one.hours, one.false_rate) == (4, 0.5)  # three clean hours and two halves before a fault
    assert (one.detection, one.median_delay, one.delays) == (2 / 3, 4.5, (0, 9))
    assert one.cannot_tell == 1 / 6


def test_nothing_found_is_infinitely_late() -> None:
    one = score([said(0, None)])
    assert (one.detection, one.median_delay, one.data()["median_delay"]) == (0.0, float("inf"), None)


def test_without_a_clean_hour_nothing_is_promised() -> None:
    one = score([said(0, 1)])
    assert one.false_interval == (0.0, 1.0)
    assert [kept for _, kept in check("x", one, {})] == [False, False]


def test_ahead_is_nowhere_behind_and_somewhere_before() -> None:
    ours, slower, faster = (score([said(0, delay), said(0, None)]) for delay in (3, 4, 2))
    more = score([said(0, 3), said(0, 3)])
    assert [beats(peer, ours) for peer in (ours, slower, faster, more)] == [False, False, True, True]


def test_the_checks_can_fail() -> None:
    good, bad = score([said(None, None), said(0, 1)]), score([said(None, 1), said(0, 1)])
    ahead = score([said(None, None), said(0, 0)])
    assert [kept for _, kept in check("x", good, {"peer": [good]})] == [True, True]
    rows = check("x", good, {"peer": [ahead]})
    assert [kept for _, kept in rows] == [True, False]
    assert "ahead: peer" in rows[1][0]
    assert [kept for _, kept in check("x", bad, {"peer": [good]})] == [False, False]


def test_a_peer_gets_the_settings_that_find_most_within_the_budget() -> None:
    spike, fault = (1.0,) * 30 + (9.0,) + (1.0,) * 29, (1.0,) * 10 + (9.0,) * 50
    train = [watch(None, spike), watch(None), watch(10, fault)]
    for name, engines in peers("latency").items():
        found: Tuned = tuned(engines, train)
        one = score((trace, found.best.decide(trace)) for trace in train)
        if name != "single breach":
            assert (found.within_budget, one.false, one.detection) == (True, 0, 1.0), name


def test_our_judge_runs_on_a_trace() -> None:
    gates = OURS["latency"]
    assert judged(gates, watch(None), LOOKS) == Answer(None)
    late = judged(gates, watch(10, (1.0,) * 10 + (9.0,) * 50), LOOKS)
    assert late.rollback is not None
    assert late.rollback >= 10
    assert judged(gates, watch(None, (GAP,) * 60), LOOKS) == Answer(None, cannot_tell=True)
