"""What the answers of a Prometheus server mean, now and for moments past."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.records.sample import Absence, AbsenceKind, Counts
from dhash_guard.records.units import Dimension, Unit
from dhash_guard.signals import absent_unhealthy, counted, dimensions, past, running
from dhash_guard.signals.host import HostSignal
from dhash_guard.signals.http_json import HttpJson, ValueMapping
from dhash_guard.signals.prometheus import Prometheus, QueryMapping
from dhash_guard.signals.prometheus_api import POINTS
from dhash_guard.signals.prometheus_text import MetricMapping, PrometheusText
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.system.http import NoAnswer, Trouble
from unit.signals.canned import NOW, Canned, answer, place

K = AbsenceKind
Q = QueryMapping(query="max(p95)", unit=Unit.MS)
URL = "http://prom:9090"


def success(kind: str, result: Any, **more: Any) -> Any:
    return answer({"status": "success", "data": {"resultType": kind, "result": result}, **more})


def vector(*values: Any) -> Any:
    return success("vector", [{"metric": {}, "value": [NOW, value]} for value in values])


def server(**values: QueryMapping) -> Prometheus:
    return Prometheus(kind="prometheus", url=URL + "/", values=values, token_env="PROM_TOKEN")


def said(reply: Any, mapping: QueryMapping = Q) -> Any:
    return server(v=mapping).open("p", place(Canned(reply))).sample()["v"]


def refused(status: int, **body: Any) -> Any:
    return answer({"status": "error", **body}, status)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (vector("120"), 0.12),
        (success("scalar", [NOW, "1.2e+2"]), 0.12),
        (vector(), Absence(K.EMPTY, "the query yields no series")),
        (vector("1", "2", "3"), Absence(K.NOT_A_NUMBER, "3 series match; aggregate in the query, such as sum(…)")),
        (vector("NaN"), Absence(K.NOT_A_NUMBER, "the result is NaN")),
        (vector("+Inf"), Absence(K.OUT_OF_RANGE, "the result is inf, outside of what a ms can be")),
        (vector("-Inf"), Absence(K.OUT_OF_RANGE, "the result is -inf, outside of what a ms can be")),
        (vector("-1"), Absence(K.OUT_OF_RANGE, "the result is -1, outside of what a ms can be")),
        (success("matrix", []), Absence(K.NOT_A_NUMBER, "the query yields a matrix, not one number")),
        (success("string", [NOW, "x"]), Absence(K.NOT_A_NUMBER, "the query yields a string, not one number")),
        (
            success("vector", [{"metric": {}, "histogram": [NOW, {}]}]),
            Absence(K.NOT_A_NUMBER, "the query yields a histogram; take a quantile or a count of it"),
        ),
        (refused(400, errorType="bad_data", error="x"), Absence(K.HTTP_STATUS, "HTTP 400, bad_data, x")),
        (refused(503, errorType="timeout"), Absence(K.HTTP_STATUS, "HTTP 503, timeout")),
        (refused(200, errorType="execution"), Absence(K.HTTP_STATUS, "HTTP 200, execution")),
        (answer(b"<html>bad gateway</html>", 502), Absence(K.HTTP_STATUS, "HTTP 502")),
        (answer(b"", 204), Absence(K.HTTP_STATUS, "HTTP 204")),
        (answer(b"<html>"), Absence(K.NOT_JSON, "6 bytes that are no JSON")),
        (answer(b""), Absence(K.NOT_JSON, "0 bytes that are no JSON")),
        (NoAnswer(Trouble.UNREACHABLE, "Connection refused"), Absence(K.UNREACHABLE, "Connection refused")),
        (NoAnswer(Trouble.TIMEOUT, "5 s"), Absence(K.TIMEOUT, "5 s")),
        (NoAnswer(Trouble.REDIRECT, "elsewhere"), Absence(K.HTTP_STATUS, "elsewhere")),
        (success("vector", [], warnings=["half a\nstore"]), Absence(K.EMPTY, "answered with a warning: ['half a\\nstore']")),
    ],
)
def test_answers(reply: Any, value: Any) -> None:
    assert said(reply) == value


STRANGE: list[Any] = [
    [],
    {},
    None,
    {"status": "success"},
    {"status": "success", "data": []},
    {"status": "success", "data": {"resultType": "vector"}},
    {"status": "success", "data": {"resultType": "vector", "result": [{"value": [1]}]}},
    {"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, 2]}]}},
    {"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, "1_000"]}]}},
    {"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, ""]}]}},
    {"status": "success", "data": {"resultType": "scalar", "result": None}},
    {"status": "success", "data": {"resultType": "vector", "result": 3}},
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
def test_what_no_prometheus_would_say(body: Any) -> None:
    for value in (said(answer(body)), server(v=Q).open("p", place(Canned(answer(body)))).series(NOW, 1.0, 1)[0]["v"]):
        assert isinstance(value, Absence)
        assert value.kind is K.NOT_JSON


def test_a_long_error_is_cut() -> None:
    value = said(refused(422, errorType="execution", error="many\n words " * 100))
    assert len(value.detail) == 200
    assert "\n" not in value.detail


def test_zero_counts_only_for_a_result_without_series() -> None:
    zero = QueryMapping(query="q", unit=Unit.COUNT, absent=AbsentMeans.ZERO)
    assert said(vector(), zero) == 0.0
    for reply in (
        vector("NaN"),
        answer(b""),
        answer(b"{"),
        refused(500),
        vector("1", "2"),
        success("vector", [], warnings=["w"]),
    ):
        assert isinstance(said(reply, zero), Absence)


def test_what_is_asked() -> None:
    web = Canned(vector("3"), vector("100"), vector("1"))
    values = {
        "r": QueryMapping(part_query='sum(a{b="c&d"})', whole_query="sum(n)"),
        "n": QueryMapping(query="sum(n)", unit=Unit.COUNT),
    }
    source = server(**values).open("p", place(web, {"PROM_TOKEN": "abc"}))
    assert source.sample() == {"r": Counts(3.0, 100.0), "n": 100.0}
    assert web.urls[0].startswith("http://prom:9090/api/v1/query?")
    # the same query is asked once, and all of them for the same moment
    assert web.queries == [{"query": 'sum(a{b="c&d"})', "time": f"{NOW:.3f}"}, {"query": "sum(n)", "time": f"{NOW:.3f}"}]
    assert web.headers == {"Authorization": "Bearer abc"}


def test_a_server_that_is_away_is_not_waited_for_with_every_query() -> None:
    web = Canned(NoAnswer(Trouble.TIMEOUT, "5 s"), vector("1"))
    values = {name: QueryMapping(query=name, unit=Unit.COUNT) for name in "abc"}
    seen = server(**values).open("p", place(web)).sample()
    assert len(web.urls) == 1
    assert {value.kind for value in seen.values() if isinstance(value, Absence)} == {K.TIMEOUT}
    assert len(seen) == 3


def matrix(*series: list[tuple[float, str]]) -> Any:
    return success("matrix", [{"metric": {}, "values": [list(point) for point in points]} for points in series])


def test_the_past_is_laid_upon_its_moments() -> None:
    web = Canned(matrix([(100.0, "1"), (130.001, "3"), (137.0, "9")], [(115.0, "2"), (130.0, "4"), (145.0, "NaN")]))
    rows = server(v=QueryMapping(query="q", unit=Unit.COUNT)).open("p", place(web)).series(100.0, 15.0, 5)
    several = Absence(K.NOT_A_NUMBER, "2 series match; aggregate in the query, such as sum(…)")
    nan, nothing = Absence(K.NOT_A_NUMBER, "the result is NaN"), Absence(K.EMPTY, "no point at this time")
    assert [row["v"] for row in rows] == [1.0, 2.0, several, nan, nothing]
    assert web.queries == [{"query": "q", "start": "100.000", "end": "160.000", "step": "15.000"}]
    assert "/api/v1/query_range?" in web.urls[0]


def test_a_long_past_is_asked_for_in_parts_and_a_part_may_fail() -> None:
    web = Canned(matrix([(0.0, "1")]), refused(503), matrix([(2.0 * POINTS, "3")]))
    rows = server(v=QueryMapping(query="q", unit=Unit.COUNT)).open("p", place(web)).series(0.0, 1.0, 2 * POINTS + 1)
    assert [(asked["start"], asked["end"]) for asked in web.queries] == [
        ("0.000", "9999.000"),
        ("10000.000", "19999.000"),
        ("20000.000", "20000.000"),
    ]
    assert (rows[0]["v"], rows[-1]["v"], len(rows)) == (1.0, 3.0, 2 * POINTS + 1)
    assert rows[POINTS]["v"] == Absence(K.HTTP_STATUS, "HTTP 503")


def test_a_tick_of_the_past_has_every_signal() -> None:
    where = place(Canned(matrix([(10.0, "5"), (10.1, "7")])))
    signals: Any = {
        "host": HostSignal(kind="host"),
        "p": server(v=QueryMapping(query="q", unit=Unit.COUNT)),
        "own": HttpJson(kind="http-json", path="/m", values={"n": ValueMapping(at="n", unit=Unit.COUNT)}),
    }
    ticks = past(signals, "http://x", where.root, where.machine, start=10.0, step=0.1, count=2)
    assert [(tick.index, tick.at, tick.samples["v"]) for tick in ticks] == [(0, 10.0, 5.0), (1, 10.1, 7.0)]
    assert set(ticks[0].samples) == set(dimensions(signals))
    rest = {name: value for name, value in ticks[0].samples.items() if name != "v"}
    assert set(rest.values()) == {Absence(K.EMPTY, "has no recorded series")}


def test_the_family_knows_its_counts_dimensions_and_what_absence_means() -> None:
    ratio = QueryMapping(part_query="a", whole_query="b", absent=AbsentMeans.UNHEALTHY)
    signals: Any = {"p": server(v=Q, r=ratio), "host": HostSignal(kind="host")}
    assert counted(signals) == {"health.success_ratio", "r"}
    assert absent_unhealthy(signals) == {"r"}
    assert running(signals) == {"health.success_ratio"}, "an increase is of one look only"
    grows = ValueMapping(part_at="a", whole_at="b", counter=True)
    signals["own"] = HttpJson(kind="http-json", path="/m", values={"n": grows})
    text = {
        "t": MetricMapping(part_metric="a", whole_metric="b", counter=True),
        "u": MetricMapping(metric="c", unit=Unit.COUNT),
    }
    signals["page"] = PrometheusText(kind="prometheus-text", path="/metrics", values=text)
    assert running(signals) == {"health.success_ratio", "n", "t"}
    assert (dimensions(signals)["v"], dimensions(signals)["r"]) == (Dimension.TIME, Dimension.RATIO)


@pytest.mark.parametrize(
    ("url", "mapping", "faults"),
    [
        (URL, Q, []),
        (f"{URL}/prefix/", Q, []),
        (f"{URL}/api/v1/", Q, [("url",)]),
        (f"{URL}?a=b", Q, [("url",)]),
        (URL, QueryMapping(query="a"), [("values", "v", "query")]),
        (URL, QueryMapping(query=" ", unit=Unit.MS), [("values", "v", "query")]),
        (URL, QueryMapping(query="", unit=Unit.MS), [("values", "v", "query")]),
        (URL, QueryMapping(), [("values", "v")]),
    ],
)
def test_contradictions(url: str, mapping: QueryMapping, faults: list[tuple[str, ...]]) -> None:
    settings = Prometheus(kind="prometheus", url=url, values={"v": mapping})
    assert [where for where, _ in settings.faults()] == faults
