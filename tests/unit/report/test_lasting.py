from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
from attrs import evolve

from dhash_guard.records.evidence import Evidence, Judged
from dhash_guard.records.outcome import Decision, Status
from dhash_guard.records.sample import Absence, AbsenceKind, Tick, Value
from dhash_guard.records.units import Dimension
from dhash_guard.report.html import render_report
from dhash_guard.report.limits import hold_text, limit_text
from dhash_guard.report.plots import plots
from dhash_guard.report.rows import gate_rows
from dhash_guard.report.strikes import Strikes, strikes_of
from dhash_guard.report.windowed import Windowed, window_of
from support import report_stories as stories

GONE = Absence(AbsenceKind.TIMEOUT, "5 s")
START = stories.START


def judged(
    settings: dict[str, Any], values: Sequence[Value], step: float = 30.0, **more: Any
) -> tuple[Evidence, list[Tick]]:
    gates = {"g": {"signal": "s", "action": "rollback", "fail_above": stories.limit(10, "count"), **settings}}
    record = Judged(
        gates=gates, order=("g",), plan={}, baseline=None, automatic=True, recorded=False, signals={"s": "count"}
    )
    verdict = stories.verdict(Status.HEALTHY, Decision.PROCEED, [stories.outcome("g", signal="s", **more)])
    ticks = [Tick(i, START + i * step, {"s": value}) for i, value in enumerate(values)]
    return stories.evidence(judged=record, verdict=verdict), ticks


def window(settings: dict[str, Any], values: Sequence[Value], **more: Any) -> Windowed:
    found = window_of(*_about(*judged(settings, values, **more)), START, 500)
    assert found is not None
    return found


def strikes(settings: dict[str, Any], values: Sequence[Value], **more: Any) -> Strikes:
    (found,) = strikes_of(*_about(*judged(settings, values, **more)), START)
    return found


def _about(evidence: Evidence, ticks: list[Tick]) -> tuple[Evidence, str, list[Tick]]:
    return evidence, "s", ticks


def fired(look: int) -> dict[str, Any]:
    return {"status": Status.DEGRADED, "at": START + look * 30.0, "tick": look}


def test_the_aggregate_that_is_drawn_is_the_one_that_the_judge_saw() -> None:
    evidence, ticks = stories.lasting()
    assert evidence.verdict
    outcomes = {outcome.signal: outcome for outcome in evidence.verdict.outcomes}
    for signal in ("p95_hash_time", "low_confidence_queue"):
        found, outcome = window_of(evidence, signal, ticks, START, 500), outcomes[signal]
        assert found is not None
        assert outcome.at is not None
        assert found.fired
        assert found.last == outcome.observed
        assert (found.begin, found.end) == (outcome.at - START - 600, outcome.at - START)


def test_a_single_spike_does_not_lift_the_aggregate_over_the_limit() -> None:
    found = window({"over": 120.0}, [1.0] * 6 + [30.0] + [1.0] * 6)
    assert max(found.values) == pytest.approx((30 + 3) / 4)
    assert found.words == "mean over 2m"
    assert not found.fired


def test_the_aggregate_begins_with_a_covered_window_and_a_gap_parts_it() -> None:
    found = window({"over": 120.0}, [1.0] * 8 + [GONE] * 6 + [1.0] * 8)
    assert len(found.segments) == 2
    assert found.segments[0][0].at == 120
    assert found.segments[1][0].at > 14 * 30


def test_the_aggregate_is_stepped() -> None:
    points = window({"over": 60.0, "aggregate": "last"}, [1.0, 1.0, 1.0, 5.0]).segments[0]
    assert [(point.at, point.value) for point in points] == [(60, 1), (90, 1), (90, 5)]


def test_a_test_in_the_place_of_a_hold_has_a_window_and_no_aggregate() -> None:
    assert window({"over": 60.0, "test": "sequential"}, [1.0] * 9).segments == ()


@pytest.mark.parametrize("aggregate", ["nonsense", 7, ["mean"]])
def test_an_aggregate_of_strangers_is_not_drawn(aggregate: object) -> None:
    assert window({"over": 60.0, "aggregate": aggregate}, [1.0] * 9).segments == ()


def test_numbers_of_strangers_stop_no_plot() -> None:
    for how in ("mean", "trend", "p95", "ratio"):
        (plot,) = plots(*judged({"over": 60.0, "aggregate": how}, [1e299, float("nan"), -1e299, float("inf"), 1e299] * 4))
        ElementTree.fromstring(plot.svg)


def test_only_the_aggregate_is_red_where_only_the_aggregate_is_limited() -> None:
    values: list[Value] = [*[1.0] * 5, *[90.0] * 5]
    (plot,) = plots(*judged({"over": 60.0}, values, **fired(8)))
    assert 'class="line over"' not in plot.svg
    assert 'class="aggregate over"' in plot.svg
    assert "limit of mean ≤ 10" in plot.svg


def test_the_strikes_of_the_run_that_fired_are_told_from_the_others() -> None:
    found = strikes({"consecutive": 3}, [1.0, 11.0, 1.0, 11.0, 11.0, GONE, 11.0, 11.0], **fired(6))
    assert found.words == "3 of 3 in a row"
    assert list(found.full) == [90, 120, 180], "an absence neither counts nor resets"
    assert list(found.others) == [30, 210]


def test_a_run_that_was_too_short_says_how_far_it_came() -> None:
    found = strikes({"consecutive": 3}, [11.0, 1.0, 11.0, 11.0, 1.0])
    assert found.words == "2 of 3 in a row at most"
    assert not found.full
    assert not found.fired


def test_m_of_n_forgets_what_left_the_last_n() -> None:
    found = strikes({"of_last": [2, 3]}, [11.0, 1.0, 1.0, 11.0, 1.0, 11.0], **fired(5))
    assert found.words == "2 of 2 among the last 3"
    assert list(found.full) == [90, 150]
    assert list(found.others) == [0]


def test_a_gate_that_needs_one_look_has_no_strikes() -> None:
    assert strikes_of(*_about(*judged({"consecutive": 1}, [11.0])), START) == ()


def test_the_report_of_gates_that_wait_has_all_of_it() -> None:
    evidence, ticks = stories.lasting()
    page = render_report(evidence, ticks)
    said = ("3 of 3 in a row", "3 of 3 among the last 5", "2 of 2 in a row, cleared since", "2 of 3 in a row at most")
    assert all(words in page for words in said)
    assert "aggregate of the window" in page
    assert "+8:45 to +12:45: http-status (503) ×8" in page
    marks = {row.gate: row.mark.word for row in gate_rows(evidence, ticks)}
    assert marks["memory"] == "alerted, cleared"


def test_the_key_names_only_what_is_drawn() -> None:
    page = render_report(*judged({}, [1.0, 2.0]))
    assert "aggregate of the window" not in page
    assert "strike; filled" not in page


@pytest.mark.parametrize("settings", [{"over": 600.0, "aggregate": "p95"}, {"consecutive": 3}, {"of_last": [3, 5]}])
def test_a_day_of_seconds_stays_small_and_quick(settings: dict[str, Any]) -> None:
    evidence, ticks = judged(settings, [9.0 + i % 4 for i in range(86_400)], step=1.0)
    begin = time.perf_counter()
    (plot,) = plots(evidence, ticks)
    assert time.perf_counter() - begin < 20
    assert len(plot.svg) < 150_000


@pytest.mark.parametrize("word", stories.HOSTILE, ids=range(len(stories.HOSTILE)))
def test_hostile_names_of_gates_that_wait_stay_text(word: str) -> None:
    evidence, ticks = stories.lasting()
    assert evidence.judged
    assert evidence.verdict
    gates = {f"{word}{name}": settings for name, settings in evidence.judged.gates.items()}
    outcomes = tuple(evolve(o, gate=f"{word}{o.gate}") for o in evidence.verdict.outcomes)
    twice = (*outcomes, *(evolve(o, gate=f"{word}{word}") for o in outcomes[:1]))
    whole = evolve(evidence, judged=evolve(evidence.judged, gates=gates), verdict=evolve(evidence.verdict, outcomes=twice))
    for plot in plots(whole, ticks):
        tags = {node.tag.split("}")[1] for node in ElementTree.fromstring(plot.svg).iter()}
        assert tags <= {"svg", "title", "defs", "pattern", "path", "rect", "g", "line", "text", "clipPath"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"over": 600.0}, "mean over 10m"),
        ({"over": 600.0, "aggregate": "rise"}, "rise (last less first) over 10m"),
        ({"over": 600.0, "aggregate": "trend"}, "trend (net growth) over 10m"),
        ({"test": "sequential", "over": 600.0}, "sequential test against before, 99% sure over 10m"),
        ({"test": "sequential", "confidence": 0.999}, "sequential test against before, 99.9% sure"),
        ({"consecutive": 2, "clear_after": 3}, "2 in a row, clears within the limit for 3 looks"),
        ({"clear_below": stories.limit(0.8, "ratio")}, "at once, clears below 80% for 1 look"),
    ],
)
def test_how_long_in_words(settings: dict[str, Any], words: str) -> None:
    assert hold_text(settings) == words


@pytest.mark.parametrize(
    ("settings", "limit", "words"),
    [
        ({"fail_ratio": 1.5}, 0.063, "≤ 63 ms (1.5 × before)"),
        ({"fail_ratio": 1.5, "spread": 3}, 0.063, "≤ 63 ms (1.5 × before, or 3 deviations above it)"),
        ({"fail_ratio": 1.5, "without_baseline": "not-judged"}, None, "≤ 1.5 × before; not judged without a baseline"),
        ({"fail_ratio": 1.5, "test": "sequential"}, None, "not surely above 1.5 × before"),
        ({"fail_above": stories.limit(0.05, "ratio"), "confidence": 0.95}, None, "≤ 5%, breach 95% sure"),
    ],
)
def test_what_passes_in_words(settings: dict[str, Any], limit: float | None, words: str) -> None:
    assert limit_text(settings, limit, Dimension.TIME) == words
