"""Metrics that say nothing while the service answers OK: the verdict is never healthy, and nothing is ever rolled back."""

from __future__ import annotations

import copy
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve, frozen

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate
from dhash_guard.gates.watch import Watch
from dhash_guard.records.outcome import Action, Decision, Ending, Status, Verdict
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Tick
from dhash_guard.records.units import Ratio, Seconds, Unit, parse_quantity
from dhash_guard.signals import Sampler, Signal
from dhash_guard.signals.health import HealthSettings
from dhash_guard.signals.host import HostSignal
from dhash_guard.signals.http_json import HttpJson, ValueMapping
from dhash_guard.signals.prometheus import Prometheus, QueryMapping
from dhash_guard.signals.prometheus_text import MetricMapping, PrometheusText
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.system.http import NoAnswer, Trouble
from support.loopback import Loopback, body
from support.project import HEALTH_GATE, Project
from support.watching import START, baseline
from support.world import Said, said, world

LOOKS = 60
LAST = LOOKS - 1
PLAN = WatchPlan(duration=Seconds(float(LAST)), interval=Seconds(1.0))
BEFORE = baseline(p95=0.1, health=0.0)

# What the service says while all is well, per kind of source; every answer carries its own time.
Metrics = Callable[[float], Said]
Good = Callable[[str, float], Said]


def good_json(now: float, **changes: Any) -> dict[str, Any]:
    return {"made_at": now, "p95": 100.0, "errors": 0, "requests": 50, "rate": 1.0} | changes


def vector(*written: str) -> dict[str, Any]:
    """The answer of a Prometheus server with one series for each of these."""
    series = [{"metric": {"i": str(i)}, "value": [START, text]} for i, text in enumerate(written)]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


def good_vector(asked: str) -> Said:
    """What the server says to the query of each value."""
    query = parse_qs(urlsplit(asked).query)["query"][0]
    return said(vector({"p95": "100", "rate": "1", "errors": "0", "requests": "50"}[query]))


GOOD_TEXT = b"p95_ms 100\nrate_percent 1\nerrors 0\nrequests 50\n"


def without(*keys: str) -> Metrics:
    return lambda now: said({key: value for key, value in good_json(now).items() if key not in keys})


def changed(**values: Any) -> Metrics:
    return lambda now: said(good_json(now, **values))


def every(value: Any) -> Metrics:
    return changed(p95=value, errors=value, requests=value, rate=value)


def bare(token: bytes) -> Metrics:
    """A JSON text with something that only some parsers take for a number."""
    pattern = b'{"made_at": %d, "p95": %b, "errors": %b, "requests": %b, "rate": %b}'
    return lambda now: said(pattern % (int(now), token, token, token, token))


def always(answer: Said) -> Metrics:
    return lambda now: answer


A = AbsenceKind
HTML = b"<!doctype html><html><body>Please log in</body></html>"

EVERYWHERE: dict[str, tuple[Metrics, AbsenceKind]] = {
    "timeout": (always(NoAnswer(Trouble.TIMEOUT, "no answer within 5 s")), A.TIMEOUT),
    "connection refused": (always(NoAnswer(Trouble.UNREACHABLE, "Connection refused")), A.UNREACHABLE),
    "no such host": (always(NoAnswer(Trouble.UNREACHABLE, "Name or service not known")), A.UNREACHABLE),
    "too large": (always(NoAnswer(Trouble.TOO_LARGE, "answer larger than 4000000 bytes")), A.NOT_JSON),
    "redirect elsewhere": (always(NoAnswer(Trouble.REDIRECT, "redirected to another origin")), A.HTTP_STATUS),
} | {f"HTTP {code}": (always(said({}, code)), A.HTTP_STATUS) for code in (401, 403, 404, 429, 500, 502, 503, 204)}

JSON: dict[str, tuple[Metrics, AbsenceKind]] = EVERYWHERE | {
    "empty body": (always(said(b"")), A.EMPTY),
    "blank body": (always(said(b" \n")), A.EMPTY),
    "empty object": (always(said({})), A.MISSING_PATH),
    "only a time": (without("p95", "errors", "requests", "rate"), A.MISSING_PATH),
    "an empty list": (always(said([])), A.MISSING_PATH),
    "null": (always(said(b"null")), A.MISSING_PATH),
    "a bare number": (always(said(b"0")), A.MISSING_PATH),
    "a bare text": (always(said(b'"maintenance"')), A.MISSING_PATH),
    "an error in its place": (always(said({"error": "database is down"})), A.MISSING_PATH),
    "null value": (every(None), A.EMPTY),
    "bare NaN": (bare(b"NaN"), A.NOT_A_NUMBER),
    "the string NaN": (every("NaN"), A.NOT_A_NUMBER),
    "Infinity": (bare(b"Infinity"), A.NOT_A_NUMBER),
    "-Infinity": (bare(b"-Infinity"), A.NOT_A_NUMBER),
    "larger than any float": (bare(b"1e999"), A.NOT_A_NUMBER),
    "a huge integer": (bare(b"9" * 400), A.NOT_A_NUMBER),
    "string number": (every("100"), A.NOT_A_NUMBER),
    "the empty string": (every(""), A.NOT_A_NUMBER),
    "a boolean": (every(True), A.NOT_A_NUMBER),
    "a list": (every([1]), A.NOT_A_NUMBER),
    "an object": (every({"value": 1}), A.NOT_A_NUMBER),
    "HTML with 200": (always(said(HTML)), A.NOT_JSON),
    "truncated JSON": (always(said(b'{"made_at": 17000, "p95": 10')), A.NOT_JSON),
    "two answers in one": (always(said(b'{"p95": 1}{"p95": 2}')), A.NOT_JSON),
    "deep nesting": (always(said(b"[" * 100_000)), A.NOT_JSON),
    "no UTF-8": (always(said(b'{"p95": "\xff\xfe"}')), A.NOT_JSON),
    "out of range": (changed(p95=-1.0, errors=9, requests=5, rate=763.0), A.OUT_OF_RANGE),
    "stale": (lambda now: said(good_json(now - 600)), A.STALE),
    "a time that stands still": (always(said(good_json(START - 121))), A.STALE),
    "from the future": (lambda now: said(good_json(now + 600)), A.STALE),
    "no time": (without("made_at"), A.MISSING_PATH),
    "a time that is null": (changed(made_at=None), A.EMPTY),
    "a time without a zone": (changed(made_at="2023-11-14T22:13:20"), A.NOT_A_NUMBER),
}

PROMETHEUS: dict[str, tuple[Metrics, AbsenceKind]] = EVERYWHERE | {
    "empty vector": (always(said(vector())), A.EMPTY),
    "NaN sample": (always(said(vector("NaN"))), A.NOT_A_NUMBER),
    "infinite sample": (always(said(vector("+Inf"))), A.OUT_OF_RANGE),
    "negative sample": (always(said(vector("-1"))), A.OUT_OF_RANGE),
    "error status": (always(said({"status": "error", "errorType": "execution", "error": "x"})), A.HTTP_STATUS),
    "bad query": (always(said({"status": "error", "errorType": "bad_data", "error": "parse"}, 400)), A.HTTP_STATUS),
    "several series": (always(said(vector("1", "2"))), A.NOT_A_NUMBER),
    "a warning beside part of the data": (always(said(vector("1") | {"warnings": ["a block is gone"]})), A.EMPTY),
    "a matrix": (always(said({"status": "success", "data": {"resultType": "matrix", "result": []}})), A.NOT_A_NUMBER),
    "a number that is no text": (
        always(said({"status": "success", "data": {"resultType": "scalar", "result": [START, 1.0]}})),
        A.NOT_JSON,
    ),
    "no data at all": (always(said({"status": "success"})), A.NOT_JSON),
    "empty body": (always(said(b"")), A.NOT_JSON),
    "empty object": (always(said({})), A.NOT_JSON),
    "HTML with 200": (always(said(HTML)), A.NOT_JSON),
    "truncated JSON": (always(said(b'{"status":"success","data":{"resultType":"vec')), A.NOT_JSON),
}

PAGE: dict[str, tuple[Metrics, AbsenceKind]] = EVERYWHERE | {
    "empty body": (always(said(b"")), A.EMPTY),
    "other metrics": (always(said(b"up 1\n")), A.MISSING_PATH),
    "only comments": (always(said(b"# TYPE p95_ms gauge\n")), A.EMPTY),
    "a word": (always(said(b"maintenance\n")), A.NOT_JSON),
    "JSON with 200": (always(said(b'{"error": "database is down"}\n')), A.NOT_JSON),
    "HTML with 200": (always(said(HTML + b"\n")), A.NOT_JSON),
    "a page that was cut": (always(said(b"up 1\nrequ")), A.NOT_JSON),
    "NaN": (always(said(b"p95_ms NaN\nrate_percent NaN\nerrors NaN\nrequests NaN\n")), A.NOT_A_NUMBER),
    "several series": (
        always(said(b"".join(b'%b{a="1"} 1\n%b{a="2"} 2\n' % (n, n) for n in (b"p95_ms", b"rate_percent", b"errors")))),
        A.NOT_A_NUMBER,
    ),
    "stale": (
        lambda now: said(
            b"".join(b"%b 1 %d\n" % (n, int(now - 600) * 1000) for n in (b"p95_ms", b"rate_percent", b"errors"))
        ),
        A.STALE,
    ),
}

FRESH = Seconds(120.0)
SOURCES: dict[str, tuple[Signal, Good, dict[str, tuple[Metrics, AbsenceKind]]]] = {
    "http-json": (
        HttpJson(
            kind="http-json",
            path="/metrics",
            time_at="made_at",
            fresh=FRESH,
            values={
                "p95": ValueMapping(at="p95", unit=Unit.MS),
                "rate": ValueMapping(at="rate", unit=Unit.PERCENT),
                "errors": ValueMapping(part_at="errors", whole_at="requests"),
            },
        ),
        lambda asked, now: said(good_json(now)),
        JSON,
    ),
    "prometheus": (
        Prometheus(
            kind="prometheus",
            url="http://metrics",
            values={
                "p95": QueryMapping(query="p95", unit=Unit.MS),
                "rate": QueryMapping(query="rate", unit=Unit.PERCENT),
                "errors": QueryMapping(part_query="errors", whole_query="requests"),
            },
        ),
        lambda asked, now: good_vector(asked),
        PROMETHEUS,
    ),
    "prometheus-text": (
        PrometheusText(
            kind="prometheus-text",
            path="/metrics",
            fresh=FRESH,
            values={
                "p95": MetricMapping(metric="p95_ms", unit=Unit.MS),
                "rate": MetricMapping(metric="rate_percent", unit=Unit.PERCENT),
                "errors": MetricMapping(part_metric="errors", whole_metric="requests"),
            },
        ),
        lambda asked, now: said(GOOD_TEXT),
        PAGE,
    ),
}
KINDS = [(source, name) for source, (_, _, kinds) in SOURCES.items() for name in kinds]


def above(signal: str, limit: str, **hold: Any) -> Gate:
    return Gate(signal=signal, action=Action.ROLLBACK, fail_above=parse_quantity(limit), **hold)


WINDOW = Seconds(10.0)
# Of the lenient ones only the last look tells that there is nothing any more: they ask for no coverage at all.
HOLDS: dict[str, Gate] = {
    "once": above("p95", "2000ms"),
    "consecutive": above("p95", "2000ms", consecutive=3, min_samples=2),
    "of the last": above("rate", "5%", of_last=(3, 5)),
    "mean": above("rate", "5%", over=WINDOW, aggregate=Aggregate.MEAN, min_samples=3),
    "p95": above("p95", "2000ms", over=WINDOW, aggregate=Aggregate.P95),
    "ratio": above("errors", "5%", over=WINDOW, aggregate=Aggregate.RATIO, min_samples=5),
    "below": Gate(signal="errors", action=Action.ROLLBACK, fail_below=parse_quantity("0%"), consecutive=2),
    "relative": Gate(
        signal="p95",
        action=Action.ROLLBACK,
        baseline=BaselineSource.BEFORE_DEPLOY,
        fail_ratio=1.5,
        at_least=parse_quantity("50ms"),
        consecutive=5,
    ),
    "lenient": above("p95", "2000ms", consecutive=20, coverage=Ratio(0.0)),
    "lenient window": above("rate", "5%", over=Seconds(30.0), aggregate=Aggregate.MEAN, coverage=Ratio(0.0)),
}
HEALTHY_GATES = {
    "health": Gate(signal="health", action=Action.ROLLBACK, fail_when=Health.UNHEALTHY, consecutive=3),
    "latency": above("health.latency", "2000ms", consecutive=3),
}
GATES = HEALTHY_GATES | {
    f"{name} {action.value}": evolve(gate, action=action)
    for name, gate in HOLDS.items()
    for action in (Action.ROLLBACK, Action.BLOCK)
}


def zeroed(settings: Signal) -> Signal:
    """The same source with `absent: zero` for each of its values."""
    assert not isinstance(settings, HostSignal)
    values: Any = {name: evolve(mapping, absent=AbsentMeans.ZERO) for name, mapping in settings.values.items()}
    return evolve(settings, values=values)


@cache
def looks(source: str, kind: str, zero: bool = False) -> list[Tick]:
    """Sixty looks through the real sources at a service that is well, with these metrics; `good` is what they were."""
    settings, good, kinds = SOURCES[source]
    settings = zeroed(settings) if zero else settings

    def web(asked: str, now: float) -> Said:
        if asked == "/health":
            return said({"status": "ok"})
        return good(asked, now) if kind == "good" else kinds[kind][0](now)

    machine, clock = world(web, START)
    sampler = Sampler(HealthSettings(), {"metrics": settings}, "http://service", Path(), machine)
    found = []
    for index in range(LOOKS):
        found.append(sampler.look(index, clock.now()))
        clock.sleep(1.0)
    return found


def cut(source: str, kind: str, at: int) -> list[Tick]:
    """Good values up to `at`, and nothing from there on."""
    return [*looks(source, "good")[:at], *looks(source, kind)[at:]]


def judged(gates: dict[str, Gate], ticks: Sequence[Tick], plan: WatchPlan = PLAN) -> Verdict:
    watch = Watch(gates, plan, started_at=START, automatic=True, baseline=BEFORE)
    for tick in ticks:
        if watch.observe(tick).ending is not None:
            break
    return watch.verdict()


def held(verdict: Verdict) -> None:
    """Cannot tell, by every gate that asked the metrics and by none that asked the service itself."""
    assert (verdict.status, verdict.decision) == (Status.CANNOT_TELL, Decision.HOLD), verdict.reason
    assert verdict.ticks == LOOKS
    for outcome in verdict.outcomes:
        expected = Status.HEALTHY if outcome.gate in HEALTHY_GATES else Status.CANNOT_TELL
        assert outcome.status is expected, (outcome.gate, outcome.text)


@pytest.mark.parametrize("source", SOURCES)
def test_these_gates_pass_while_there_is_data(source: str) -> None:
    """Otherwise nothing below would show anything."""
    verdict = judged(GATES, looks(source, "good"))
    assert (verdict.status, verdict.decision) == (Status.HEALTHY, Decision.PROCEED), verdict.reason


@pytest.mark.parametrize(("source", "kind"), KINDS, ids=[": ".join(case) for case in KINDS])
def test_nothing_at_all(source: str, kind: str) -> None:
    expected = SOURCES[source][2][kind][1]
    ticks = looks(source, kind)
    for tick in ticks:
        assert tick.samples["health"] is Health.HEALTHY
        values = [value for name, value in tick.samples.items() if not name.startswith("health")]
        assert [value.kind for value in values if isinstance(value, Absence)] == [expected] * 3, values
    verdict = judged(GATES, ticks)
    held(verdict)
    for outcome in verdict.outcomes:
        if outcome.gate.startswith(("once", "consecutive", "relative", "below", "lenient rollback", "lenient block")):
            assert outcome.reason_code == f"absent-{expected.value}", outcome.text
            assert expected.value in outcome.text
    for name, gate in GATES.items():  # and each by itself decides the same
        if name not in HEALTHY_GATES:
            alone = judged({name: gate}, ticks)
            assert (alone.status, alone.decision, alone.gate) == (Status.CANNOT_TELL, Decision.HOLD, name)


ONLY_LACKING = [("http-json", "only a time"), ("prometheus", "empty vector"), ("prometheus-text", "other metrics")]
GARBAGE = [case for case in KINDS if case not in ONLY_LACKING]


@pytest.mark.parametrize(("source", "kind"), GARBAGE, ids=[": ".join(case) for case in GARBAGE])
def test_garbage_is_no_zero_where_zero_is_declared(source: str, kind: str) -> None:
    assert looks(source, kind, zero=True) == looks(source, kind)


@pytest.mark.parametrize(("source", "kind"), ONLY_LACKING, ids=[": ".join(case) for case in ONLY_LACKING])
def test_what_only_lacks_them_is_zero_where_zero_is_declared(source: str, kind: str) -> None:
    for tick in looks(source, kind, zero=True):
        assert (tick.samples["p95"], tick.samples["rate"], tick.samples["errors"]) == (0.0, 0.0, Counts(0.0, 0.0))


@pytest.mark.parametrize("at", [1, 31, 59, *(pytest.param(n, marks=pytest.mark.full) for n in (2, 5, 11, 48, 55, 57, 58))])
@pytest.mark.parametrize(("source", "kind"), KINDS, ids=[": ".join(case) for case in KINDS])
def test_nothing_from_a_tick_on(source: str, kind: str, at: int) -> None:
    held(judged(GATES, cut(source, kind, at)))


EVERY_TICK = [("http-json", "timeout"), ("http-json", "stale"), ("prometheus", "empty vector")]


@pytest.mark.parametrize("at", range(LOOKS))
@pytest.mark.parametrize(("source", "kind"), EVERY_TICK, ids=[": ".join(case) for case in EVERY_TICK])
def test_cut_at_every_tick(source: str, kind: str, at: int) -> None:
    ticks = cut(source, kind, at)
    held(judged(GATES, ticks))
    extended = evolve(PLAN, duration=Seconds(float(LAST - 10)), extend_by=Seconds(10.0))
    if at <= LAST - 10:
        verdict = judged(GATES, ticks, extended)
        held(verdict)
        assert verdict.ending is Ending.CAPPED


@pytest.mark.parametrize("kind", ["good", "timeout"])
@pytest.mark.parametrize("length", range(1, LOOKS))
def test_looks_that_end_before_the_watch_does(kind: str, length: int) -> None:
    verdict = judged(GATES, looks("http-json", kind)[:length])
    assert (verdict.status, verdict.decision, verdict.ending) == (Status.CANNOT_TELL, Decision.HOLD, Ending.CUT_SHORT)


@pytest.mark.parametrize("kind", ["timeout", "null value"])
@pytest.mark.parametrize("length", range(1, LOOKS))
def test_looks_that_stop_coming_before_the_last(kind: str, length: int) -> None:
    """The process slept: nothing was asked for a while, and the one look at the end has no value."""
    ticks = [*looks("http-json", "good")[:length], looks("http-json", kind)[LAST]]
    verdict = judged(GATES, ticks)
    assert (verdict.status, verdict.decision) == (Status.CANNOT_TELL, Decision.HOLD), verdict.reason


# Through the installed program.


@frozen
class Prepared:
    """A project in which a release was deployed, to be copied for each case."""

    project: Project

    def copied(self, to: Path) -> Project:
        shutil.copytree(self.project.root, to)
        project = copy.copy(self.project)
        project.root, project.settings = to, copy.deepcopy(self.project.settings)
        return project


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    with Loopback().serving() as service:
        project = Project(tmp_path_factory.mktemp("deployed") / "project", service)
        project.deployed()
        (project.root / "library.json").write_text("what the release has written since")
        yield Prepared(project)


def refused() -> str:
    """An address where nobody listens: the port was the system's choice, and is given back."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


def late() -> tuple[int, bytes]:
    time.sleep(0.1)
    return 200, b"{}"


WIDE = {"coverage": "20%", "action": "rollback"}
WINDOWED: dict[str, Any] = {"signal": "p95", "fail_above": "2000ms", "over": "300ms", "aggregate": "mean", **WIDE}
RELATIVE: dict[str, Any] = {"signal": "p95", "baseline": "before-deploy", "fail_ratio": 1.5, "at_least": "50ms", **WIDE}
QUERY = {"kind": "prometheus", "timeout": "2s", "values": {"p95": {"query": "p95", "unit": "ms"}}}
PROGRAM_CASES: dict[str, tuple[Callable[[], tuple[int, bytes]], dict[str, Any], dict[str, Any], str]] = {
    "too large": (lambda: (200, b" " * 4_000_001), {}, {}, "absent-not-json"),
    "timeout": (late, {"timeout": "30ms"}, {}, "absent-timeout"),
    "forbidden": (lambda: (403, b"{}"), {}, {}, "absent-http-status"),
    "stale": (lambda: body({"p95": 1, "at": 1.7e9}), {"time_at": "at", "fresh": "2m"}, {}, "absent-stale"),
    "nobody listens": (lambda: (200, b""), {"path": None, "url": "refused"}, {}, "absent-unreachable"),
    "a window without values": (lambda: (503, b""), {}, WINDOWED, "window-not-covered"),
    "two of three without values": (lambda: body({}), {}, {**WIDE, "of_last": [2, 3]}, "too-few-samples"),
    "relative to before": (lambda: body({"p95": None}), {}, RELATIVE, "absent-empty"),
    "a blocking gate": (lambda: body({"p95": "NaN"}), {}, {"action": "block"}, "absent-not-a-number"),
    "an empty vector": (lambda: body(vector()), QUERY, {}, "absent-empty"),
    "several series": (lambda: body(vector("1", "2")), QUERY, {}, "absent-not-a-number"),
    "a refusing server": (lambda: body({"status": "error", "error": "x"}, 422), QUERY, {}, "absent-http-status"),
}


@pytest.mark.parametrize(("answer", "source", "gate", "code"), PROGRAM_CASES.values(), ids=PROGRAM_CASES.keys())
def test_the_installed_program_holds(
    prepared: Prepared,
    tmp_path: Path,
    answer: Callable[[], tuple[int, bytes]],
    source: dict[str, Any],
    gate: dict[str, Any],
    code: str,
) -> None:
    project = prepared.copied(tmp_path / "project")
    asked: list[str] = []

    def told() -> tuple[int, bytes]:
        asked.append("metrics")
        return answer()

    for path in ("/metrics", "/api/v1/query"):
        project.service.routes[path] = told
    metrics = project.environment["signals"]["service"]
    metrics["values"].pop("rate")
    if source is QUERY:
        metrics.clear()
        metrics["url"] = project.service.url
    metrics |= source
    if metrics.get("url") == "refused":
        del metrics["path"]
        metrics["url"] = refused()
    base = {"signal": "p95", "fail_above": "2000ms", "consecutive": 3, **WIDE}
    if gate in (WINDOWED, RELATIVE):
        base = gate
    elif "of_last" in gate:
        del base["consecutive"]
    project.environment["gates"] = {"health": HEALTH_GATE, "p95": base | gate}
    project.environment["monitor"] = {"duration": "400ms", "interval": "100ms", "extend_by": "100ms", "baseline": 1}
    # The Prometheus API is asked with a query string, which the loopback's routes do not know: any path below it will do.
    project.service.routes = PromRoutes(project.service.routes, told) if source is QUERY else project.service.routes
    project.write()
    done = project.guard("monitor")
    assert done.code == 3, done.out + done.err
    assert asked or "refused" in source.values()
    assert project.version == "next"
    assert (project.root / "library.json").read_text() == "what the release has written since"
    assert not list((project.root / "backups").glob("pre_rollback/*"))
    assert '"state":"held"' in (project.root / ".dhash-guard/deployments/production.json").read_text()
    evidence = project.evidence()
    verdict = evidence["verdict"]
    assert (verdict["status"], verdict["decision"], verdict["ending"]) == ("cannot-tell", "hold", "capped")
    assert {o["gate"]: o["reason_code"] for o in verdict["outcomes"]} == {"health": "within-limit", "p95": code}
    assert evidence.get("restoration") is None


class PromRoutes(dict[str, Callable[[], tuple[int, bytes]]]):
    """Routes, and one answer for whatever asks the API of a Prometheus server."""

    def __init__(self, routes: dict[str, Callable[[], tuple[int, bytes]]], api: Callable[[], tuple[int, bytes]]) -> None:
        super().__init__(routes)
        self._api = api

    def get(self, path: str, default: Any = None) -> Any:
        return self._api if path.startswith("/api/v1/") else super().get(path, default)
