from __future__ import annotations

import re
import time
from xml.etree import ElementTree

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dhash_guard.records.evidence import Judged
from dhash_guard.records.outcome import Decision, Status
from dhash_guard.records.sample import Absence, AbsenceKind, Health, Tick, Value
from dhash_guard.records.units import Dimension
from dhash_guard.report.axes import time_axis, value_axis
from dhash_guard.report.plots import Plot, plots
from dhash_guard.report.reduce import reduce
from dhash_guard.report.series import Point, looks, series
from support import report_stories as stories

GONE = Absence(AbsenceKind.TIMEOUT)


def ticks_of(values: list[Value], step: float = 30.0, signal: str = "s") -> list[Tick]:
    return [Tick(i, stories.START + i * step, {signal: value}) for i, value in enumerate(values)]


def segments(values: list[Value], step: float = 30.0) -> list[list[float]]:
    drawn = series(looks(ticks_of(values, step), "s", stories.START))
    return [[point.value for point in segment] for segment in drawn.segments]


def plot_of(values: list[Value], step: float = 30.0, above: float = 0.05, dimension: str = "ratio") -> Plot:
    gates = {"g": {"signal": "s", "action": "rollback", "fail_above": stories.limit(above, dimension)}}
    judged = Judged(
        gates=gates, order=tuple(gates), plan={}, baseline=None, automatic=True, recorded=False, signals={"s": dimension}
    )
    outcome = stories.outcome("g", signal="s")
    verdict = stories.verdict(Status.HEALTHY, Decision.PROCEED, [outcome])
    (plot,) = plots(stories.evidence(judged=judged, verdict=verdict), ticks_of(values, step))
    ElementTree.fromstring(plot.svg)
    return plot


def line_of(plot: Plot) -> str:
    found = re.search(r'<path d="([^"]*)" class="line"', plot.svg)
    assert found
    return found[1]


def test_an_absence_parts_the_line() -> None:
    assert segments([1.0, 2.0, GONE, 3.0, 4.0]) == [[1, 2], [3, 4]]
    assert line_of(plot_of([0.01, 0.02, GONE, 0.03, 0.04])).count("M") == 2


def test_a_hole_in_time_parts_the_line_and_a_slower_rhythm_does_not() -> None:
    at = [0, 30, 60, 90, 400, 430, 460, 490]
    assert len(series([(float(t), 1.0) for t in at]).segments) == 2
    slower = [0, 30, 60, 90, 120, 240, 360, 480]
    assert len(series([(float(t), 1.0) for t in slower]).segments) == 1


def test_every_absence_is_told_with_its_reason() -> None:
    plot = plot_of([0.01, GONE, GONE, Absence(AbsenceKind.STALE), 0.01])
    assert "+0:15 to +1:45: timeout ×2, stale ×1" in plot.svg
    assert ("absent", "3") in plot.stats


def test_a_single_value_between_absences_is_a_dot() -> None:
    assert 'class="dots"' in plot_of([GONE, 0.02, GONE]).svg


def test_a_breach_is_filled_on_the_failing_side() -> None:
    assert 'class="breach"' in plot_of([0.01, 0.2, 0.01]).svg


def test_the_limit_is_labelled() -> None:
    assert "limit ≤ 5%" in plot_of([0.01, 0.02]).svg


def test_a_day_of_seconds_stays_small_quick_and_keeps_its_one_breach() -> None:
    values: list[Value] = [0.01 + (i % 7) * 0.001 for i in range(86_400)]
    values[50_000] = 0.9
    for i in range(20_000, 20_600):
        values[i] = GONE
    begin = time.perf_counter()
    plot = plot_of(values, 1.0)
    assert time.perf_counter() - begin < 10
    assert len(plot.svg) < 120_000
    assert ("highest", "90%") in plot.stats
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.-]+)", line_of(plot))]
    assert min(heights) < 20
    assert "timeout ×600" in plot.svg
    assert line_of(plot).count("M") == 2


def test_alternating_absences_stay_small_and_are_never_joined() -> None:
    plot = plot_of([0.02 if i % 2 else GONE for i in range(86_400)], 1.0)
    assert len(plot.svg) < 200_000
    assert "timeout ×43200" in plot.svg


def test_health_is_a_strip_with_four_states() -> None:
    plot = plot_of([Health.HEALTHY, Health.WARNING, Health.UNHEALTHY, GONE, Health.HEALTHY])
    assert all(f'class="state {state}"' in plot.svg for state in ("healthy", "warning", "unhealthy", "absent"))
    assert plot.stats == (("healthy", "2"), ("warning", "1"), ("unhealthy", "1"), ("absent", "1"))


def test_a_day_of_flapping_health_is_bounded() -> None:
    flapping: list[Value] = [Health.HEALTHY if i % 2 else Health.UNHEALTHY for i in range(86_400)]
    assert len(plot_of(flapping, 1.0).svg) < 150_000


def test_the_moments_of_a_rollback_are_marked() -> None:
    first = plots(*stories.rolled_back())[0]
    assert first.signal == "p95_hash_time"
    assert "p95-hash-time triggered +25:00" in first.svg
    assert "rollback +25:02" in first.svg


def test_an_extension_is_marked() -> None:
    assert "extended +1:00:00" in plots(*stories.cannot_tell())[0].svg


def test_what_was_before_is_drawn_for_relative_gates() -> None:
    (latency,) = [plot for plot in plots(*stories.healthy()) if plot.signal == "health.latency"]
    assert "before 42 ms" in latency.svg
    assert "1.5 × before" in latency.svg


def test_no_limit_is_drawn_for_a_test() -> None:
    evidence, ticks = stories.healthy()
    assert evidence.judged is not None
    gates = {name: {**settings, "test": "sequential"} for name, settings in evidence.judged.gates.items()}
    tested = evolve(evidence, judged=evolve(evidence.judged, gates=gates))
    (latency,) = [plot for plot in plots(tested, ticks) if plot.signal == "health.latency"]
    assert "before 42 ms" in latency.svg
    assert "× before" not in latency.svg


def test_every_plot_speaks_and_runs_no_script() -> None:
    for plot in plots(*stories.rolled_back()):
        root = ElementTree.fromstring(plot.svg)
        assert root.get("role") == "img"
        assert plot.signal in (root[0].text or "")
        assert "<script" not in plot.svg


def test_identifiers_of_all_plots_differ() -> None:
    found = re.findall(r' id="([^"]+)"', "".join(plot.svg for plot in plots(*stories.many(60))))
    assert len(found) == len(set(found))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e290, 1e290) | st.sampled_from([GONE, Health.HEALTHY]) | st.floats(), min_size=1, max_size=30),
    st.sampled_from([d.value for d in Dimension]),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_any_numbers_give_well_formed_svg(values: list[Value], dimension: str, above: float) -> None:
    plot_of(values, above=above, dimension=dimension)


@pytest.mark.parametrize("word", stories.HOSTILE, ids=range(len(stories.HOSTILE)))
def test_hostile_names_stay_text(word: str) -> None:
    for plot in plots(*stories.hostile(word)):
        tags = {node.tag.split("}")[1] for node in ElementTree.fromstring(plot.svg).iter()}
        assert tags <= {"svg", "title", "defs", "pattern", "path", "rect", "g", "line", "text", "clipPath"}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(1, 40))
def test_thinning_keeps_the_extremes(values: list[float], columns: int) -> None:
    points = tuple(Point(float(i), value) for i, value in enumerate(values))
    kept = [p.value for s in reduce([points], lambda at: int(at * columns / len(values))) for p in s]
    assert {min(values), max(values)} <= set(kept)
    assert len(kept) <= 4 * columns


@given(st.lists(st.floats(-1e12, 1e12, allow_subnormal=False), max_size=9), st.sampled_from(list(Dimension)))
def test_an_axis_holds_its_values_and_few_ticks(values: list[float], dimension: Dimension) -> None:
    axis = value_axis(values, dimension)
    assert all(axis.low <= value <= axis.high for value in values)
    assert 2 <= len(axis.ticks) <= 8


@given(st.floats(0, 1e7))
def test_a_time_axis_has_few_ticks(end: float) -> None:
    assert 1 <= len(time_axis(end).ticks) <= 7


def test_no_samples_no_plots() -> None:
    evidence, _ = stories.healthy()
    assert plots(evidence, []) == ()
    assert plots(evolve(evidence, verdict=None), []) == ()


def test_limits_that_lie_close_keep_their_labels_apart() -> None:
    (memory,) = [plot for plot in plots(*stories.healthy()) if plot.signal == "host.memory"]
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*class="said limit-label', memory.svg))
    assert len(heights) == 2
    assert heights[1] - heights[0] >= 13
