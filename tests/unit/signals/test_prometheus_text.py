"""What a page in the exposition format yields: series chosen by labels, combined only on request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.records.sample import Absence, AbsenceKind, Counts
from dhash_guard.records.units import Seconds, Unit
from dhash_guard.signals.exposition import parse
from dhash_guard.signals.prometheus_text import Combine, MetricMapping, PrometheusText
from dhash_guard.signals.reading import AbsentMeans
from unit.signals.canned import NOW, Canned, answer, place

PAGE = """# HELP errors_total Errors, with a # and a \\\\ in the text.
# TYPE errors_total counter
errors_total{job="x",code="500"} 3
errors_total{job="x",code="404"} 5
errors_total{job="y",code="500"} 7
# TYPE plain counter
plain 9
requests_total{job="x"} 100
latency{quantile="0.95"} 133.5
odd{label="a \\"quoted\\", b} \\\\ \\n"} 1
nan_now NaN
inf_now +Inf
minus -1
large 99e9999
share_a{n="1"} 70
share_a{n="2"} 70
mixed{n="1"} NaN
mixed{n="2"} 4
depth_bucket{le="1"} 2
depth_bucket{le="+Inf"} 4
"""


def metric(name: str, unit: Unit = Unit.COUNT, **more: Any) -> MetricMapping:
    return MetricMapping(metric=name, unit=unit, **more)


def said(mapping: MetricMapping, page: str | bytes = PAGE, fresh: float | None = None, kind: str = "") -> Any:
    body = page.encode() if isinstance(page, str) else page
    limit = None if fresh is None else Seconds(fresh)
    settings = PrometheusText(kind="prometheus-text", path="/m", values={"v": mapping}, fresh=limit)
    return settings.open("own", place(Canned(answer(body, content_type=kind)))).sample()["v"]


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        (metric("latency", Unit.MS), 0.1335),
        (metric("errors_total", labels={"job": "y"}), 7.0),
        (metric("errors_total", labels={"code": "404", "job": "x"}), 5.0),
        (metric("errors_total", combine=Combine.SUM), 15.0),
        (metric("errors_total", combine=Combine.MAX, labels={"job": "x"}), 5.0),
        (metric("errors_total", combine=Combine.MIN), 3.0),
        (metric("plain"), 9.0),
        (metric("odd", labels={"label": 'a "quoted", b} \\ \n'}), 1.0),
        (metric("depth_bucket", labels={"le": "+Inf"}), 4.0),
        (metric("nobody", absent=AbsentMeans.ZERO), 0.0),
        (metric("errors_total", labels={"job": "z"}, absent=AbsentMeans.ZERO), 0.0),
        (
            MetricMapping(
                part_metric="errors_total",
                part_labels={"job": "x"},
                whole_metric="requests_total",
                combine=Combine.SUM,
            ),
            Counts(8.0, 100.0),
        ),
        (
            MetricMapping(part_metric="nobody", whole_metric="requests_total", absent=AbsentMeans.ZERO),
            Counts(0.0, 100.0),
        ),
    ],
)
def test_values(mapping: MetricMapping, value: Any) -> None:
    assert said(mapping) == value


@pytest.mark.parametrize(
    ("mapping", "kind", "detail"),
    [
        (metric("nobody"), AbsenceKind.MISSING_PATH, "no series of nobody"),
        (metric("plain", labels={"a": "b"}), AbsenceKind.MISSING_PATH, "no series of plain with these labels"),
        (metric("errors_total"), AbsenceKind.NOT_A_NUMBER, "3 series match; choose one with labels, or say combine"),
        (metric("nan_now"), AbsenceKind.NOT_A_NUMBER, "nan_now is NaN"),
        (metric("nan_now", absent=AbsentMeans.ZERO), AbsenceKind.NOT_A_NUMBER, "nan_now is NaN"),
        (metric("inf_now"), AbsenceKind.OUT_OF_RANGE, "inf_now is inf, outside of what a count can be"),
        (metric("large"), AbsenceKind.OUT_OF_RANGE, "large is inf, outside of what a count can be"),
        (metric("minus"), AbsenceKind.OUT_OF_RANGE, "minus is -1, outside of what a count can be"),
        (metric("mixed", combine=Combine.MAX), AbsenceKind.NOT_A_NUMBER, "mixed is NaN"),
        (
            metric("share_a", Unit.PERCENT, combine=Combine.SUM),
            AbsenceKind.OUT_OF_RANGE,
            "share_a is 140, outside of what a percent can be",
        ),
        (MetricMapping(part_metric="requests_total", whole_metric="plain"), AbsenceKind.OUT_OF_RANGE, "100 of 9"),
    ],
)
def test_absences(mapping: MetricMapping, kind: AbsenceKind, detail: str) -> None:
    assert said(mapping) == Absence(kind, detail)


@pytest.mark.parametrize(
    "page",
    [
        "<html></html>\n",
        '{"plain": 9}\n',
        "Not found\n",
        PAGE[:-1],
        PAGE[:-12],
        "plain 9",
        "plain\n",
        "plain nine\n",
        'plain{a="b" 9\n',
        "# TYPE plain unheard\nplain 9\n",
        b"plain 9\n\xff\n",
    ],
)
def test_what_is_no_whole_page_says_nothing_and_is_no_zero(page: str | bytes) -> None:
    value = said(metric("plain", absent=AbsentMeans.ZERO), page)
    assert isinstance(value, Absence)
    assert value.kind is AbsenceKind.NOT_JSON


@pytest.mark.parametrize("page", ["", "\n", "# only a comment\n"])
def test_a_page_without_samples_is_empty(page: str) -> None:
    value = said(metric("plain", absent=AbsentMeans.ZERO), page)
    assert isinstance(value, Absence)
    assert value.kind is AbsenceKind.EMPTY


@pytest.mark.parametrize(
    ("age", "value"),
    [
        (0, 4.0),
        (120, 4.0),
        (-120, 4.0),
        (600, Absence(AbsenceKind.STALE, "old_one is 10m old, at most 2m")),
        (-600, Absence(AbsenceKind.STALE, "old_one is 10m in the future, at most 2m")),
    ],
)
def test_a_sample_with_its_own_time_must_be_fresh(age: int, value: Any) -> None:
    page = f"old_one 4 {int((NOW - age) * 1000)}\nplain 9\n"
    assert said(metric("old_one"), page, fresh=120.0) == value
    assert said(metric("plain"), page, fresh=120.0) == 9.0
    assert said(metric("old_one"), page) == 4.0


OPENMETRICS = f"# TYPE e counter\ne_total 3 {NOW - 600:.0f}\n# EOF\n"


def test_a_page_in_openmetrics_has_its_times_in_seconds_and_an_end() -> None:
    kind = "application/openmetrics-text; version=1.0.0"
    assert said(metric("e_total"), OPENMETRICS, kind=kind) == 3.0
    late = said(metric("e_total"), OPENMETRICS, fresh=120.0, kind=kind)
    assert late == Absence(AbsenceKind.STALE, "e_total is 10m old, at most 2m")
    cut = said(metric("e_total"), OPENMETRICS.replace("# EOF\n", ""), kind=kind)
    assert isinstance(cut, Absence)
    assert cut.kind is AbsenceKind.NOT_JSON


@given(
    st.text(alphabet='ab_{}="\\\n ,#TYPEHLcountrgauge019.eE+-NaInf\x00é'),
    st.sampled_from(["", "application/openmetrics-text"]),
)
def test_no_page_raises(text: str, content_type: str) -> None:
    found = parse(f"{text}\n".encode(), content_type)
    assert isinstance(found, (list, Absence))


@pytest.mark.parametrize(
    ("mapping", "faults"),
    [
        (metric("a"), []),
        (MetricMapping(metric="a"), ["metric"]),
        (MetricMapping(), [""]),
        (MetricMapping(part_metric="a"), [""]),
        (metric("a", part_metric="b"), ["metric"]),
        (metric("a", counter=True), ["counter"]),
        (metric("a", part_labels={"b": "c"}), ["part_labels"]),
        (MetricMapping(part_metric="a", whole_metric="b", labels={"b": "c"}), ["labels"]),
        (MetricMapping(part_metric="a", whole_metric="b", combine=Combine.MAX), ["combine"]),
        (MetricMapping(part_metric="a", whole_metric="b", combine=Combine.SUM, counter=True), []),
        (MetricMapping(part_metric="a", whole_metric="b", unit=Unit.COUNT), ["unit"]),
    ],
)
def test_contradictions(mapping: MetricMapping, faults: list[str]) -> None:
    assert [key for key, _ in mapping.faults()] == faults
