"""Watches over a real Prometheus server and a real page of metrics: healthy, degraded, and gone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.records.sample import Absence, AbsenceKind, Counts
from dhash_guard.records.units import Unit
from dhash_guard.signals import past
from dhash_guard.signals.prometheus import Prometheus, QueryMapping
from dhash_guard.signals.source import Place
from dhash_guard.system.machine import this_machine
from support.project import LENIENT, Project
from support.prometheus import Points, Server, serving

STEP = 15.0
METRICS = b"""# HELP mobius_jobs Jobs by state.
# TYPE mobius_jobs gauge
mobius_jobs{state="waiting",queue="a"} 3
mobius_jobs{state="waiting",queue="b"} 4
mobius_jobs{state="done",queue="a"} 900
"""


def points(*values: float, until: float) -> Points:
    """These values, one every STEP seconds, the last of them at `until`."""
    first = until - STEP * (len(values) - 1)
    return [(first + STEP * index, value) for index, value in enumerate(values)]


@pytest.fixture(scope="module")
def story() -> tuple[float, dict[str, Points]]:
    """The moment of the last point, shortly ago, and what was recorded until then."""
    last = float(int(time.time()) - 30)
    return last, {
        "p95_ms": points(*[120.0] * 40, until=last),
        "slow_ms": points(*[9000.0] * 40, until=last),
        'errors{job="x"}': points(*[3.0] * 40, until=last),
        'requests{job="x",code="2"}': points(*[100.0] * 40, until=last),
        'requests{job="x",code="5"}': points(*[20.0] * 40, until=last),
        "growing": points(*range(40), until=last),
        "gap": points(*range(40), until=last - 1200),
        "broken": points(float("nan"), until=last),
        "endless": points(float("inf"), until=last),
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, story: tuple[float, dict[str, Points]]) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("prometheus") / "server", story[1]) as one:
        yield one


def watched(project: Project, url: str, query: str) -> None:
    """A project that is judged by one query and by its own page of metrics."""
    project.environment["signals"] = {
        "central": {
            "kind": "prometheus",
            "url": url,
            "timeout": "2s",
            "values": {
                "p95": {"query": query, "unit": "ms"},
                "errors": {"part_query": "sum(errors)", "whole_query": "sum(requests)"},
            },
        },
        "own": {
            "kind": "prometheus-text",
            "path": "/prometheus",
            "timeout": "2s",
            "values": {
                "waiting": {"metric": "mobius_jobs", "labels": {"state": "waiting"}, "combine": "sum", "unit": "count"}
            },
        },
    }
    project.environment["gates"]["waiting"] = {"signal": "waiting", "fail_above": 1000, **LENIENT}
    project.environment["gates"]["errors"] = {"signal": "errors", "fail_above": "5%", **LENIENT}
    project.service.routes["/prometheus"] = lambda: (200, METRICS)
    project.write()


def samples(project: Project) -> Any:
    """What the last look of the watch saw."""
    return json.loads((project.run_folder() / "samples.jsonl").read_text().splitlines()[-1])["samples"]


def test_a_healthy_watch(project: Project, server: Server) -> None:
    watched(project, server.url, "max(p95_ms)")
    project.deployed()
    done = project.guard("monitor")
    assert done.code == 0, done.out + done.err
    seen = samples(project)
    assert (seen["p95"], seen["waiting"], seen["errors"]) == (0.12, 7.0, {"part": 3.0, "whole": 120.0})


def test_a_degraded_watch(project: Project, server: Server) -> None:
    watched(project, server.url, "max(slow_ms)")
    project.deployed()
    done = project.guard("monitor", "--no-rollback")
    assert done.code == 1, done.out + done.err
    verdict = project.evidence()["verdict"]
    assert (verdict["status"], verdict["gate"]) == ("degraded", "p95")


def test_a_page_of_metrics_degrades_a_watch(project: Project, server: Server) -> None:
    watched(project, server.url, "max(p95_ms)")
    project.deployed()
    project.service.routes["/prometheus"] = lambda: (200, METRICS.replace(b"} 4\n", b"} 4000\n"))
    assert project.guard("monitor", "--no-rollback").code == 1
    assert project.evidence()["verdict"]["gate"] == "waiting"


def test_a_prometheus_that_dies_is_no_data(project: Project, tmp_path: Path, story: Any) -> None:
    with serving(tmp_path / "server", {"p95_ms": story[1]["p95_ms"]}) as mortal:
        watched(project, mortal.url, "max(p95_ms)")
        del project.environment["gates"]["errors"]
        # A service that answers for the guard: after some looks it takes the server with it.
        looks: list[int] = []

        def metrics() -> tuple[int, bytes]:
            looks.append(1)
            if len(looks) == 3:
                mortal.die()
            return 200, METRICS

        project.write()
        project.deployed()
        project.service.routes["/prometheus"] = metrics
        done = project.guard("monitor")
    assert done.code == 3, done.out + done.err
    verdict = project.evidence()["verdict"]
    assert (verdict["status"], verdict["decision"]) == ("cannot-tell", "hold")
    assert samples(project)["p95"]["absent"] == "unreachable"
    assert project.version == "next"


ANSWERS: dict[str, tuple[str, Any]] = {
    "a vector": ("p95_ms", 0.12),
    "a scalar": ("scalar(p95_ms)", 0.12),
    "a number": ("7", 0.007),
    "nothing": ("nobody_recorded_this", AbsenceKind.EMPTY),
    "longer ago than the server looks back": ("gap", AbsenceKind.EMPTY),
    "several": ("requests", AbsenceKind.NOT_A_NUMBER),
    "NaN": ("broken", AbsenceKind.NOT_A_NUMBER),
    "infinity": ("endless", AbsenceKind.OUT_OF_RANGE),
    "negative": ("-p95_ms", AbsenceKind.OUT_OF_RANGE),
    "a range": ("p95_ms[1m]", AbsenceKind.NOT_A_NUMBER),
    "a text": ('"text"', AbsenceKind.NOT_A_NUMBER),
    "no query": ("sum(", AbsenceKind.HTTP_STATUS),
}


def opened(server: Server, **values: QueryMapping) -> Any:
    settings = Prometheus(kind="prometheus", url=server.url + "/", values=values)
    return settings.open("central", Place(base_url="", root=Path(), machine=this_machine({})))


@pytest.mark.parametrize(("query", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_a_real_server_answers(server: Server, query: str, expected: Any) -> None:
    value = opened(server, v=QueryMapping(query=query, unit=Unit.MS)).sample()["v"]
    assert (value.kind if isinstance(value, Absence) else value) == expected
    if query == "sum(":
        assert "HTTP 400, bad_data" in value.detail


def test_the_past_of_a_real_server(server: Server, story: tuple[float, dict[str, Points]]) -> None:
    last, _ = story
    source = opened(
        server,
        growing=QueryMapping(query="growing", unit=Unit.COUNT),
        gap=QueryMapping(query="gap", unit=Unit.COUNT),
        errors=QueryMapping(part_query="sum(errors)", whole_query="sum(requests)"),
        broken=QueryMapping(query="sum(", unit=Unit.COUNT),
    )
    rows = source.series(last - 10 * STEP, STEP, 11)
    assert [row["growing"] for row in rows] == [float(n) for n in range(29, 40)]
    assert {row["gap"] for row in rows} == {Absence(AbsenceKind.EMPTY, "no point at this time")}
    assert {row["errors"] for row in rows} == {Counts(3.0, 120.0)}
    assert {row["broken"].kind for row in rows} == {AbsenceKind.HTTP_STATUS}
    early = source.series(last - 100 * STEP, STEP, 101)
    assert [row["growing"] for row in early[61:]] == [float(n) for n in range(40)]
    assert isinstance(early[60]["growing"], Absence)


def test_more_moments_than_the_server_gives_at_once(server: Server, story: tuple[float, dict[str, Points]]) -> None:
    last, count = story[0], 12_000
    signals = {
        "c": Prometheus(kind="prometheus", url=server.url, values={"g": QueryMapping(query="growing", unit=Unit.COUNT)})
    }
    ticks = past(signals, "", Path(), this_machine({}), start=last - (count - 1) * 0.25, step=0.25, count=count)
    assert len(ticks) == count
    assert (ticks[-1].at, ticks[-1].samples["g"]) == (last, 39.0)
    assert [t.samples["g"] for t in ticks[-61::60]] == [38.0, 39.0]
    assert ticks[0].samples["g"] == Absence(AbsenceKind.EMPTY, "no point at this time")
    assert ticks[0].samples["health"] == Absence(AbsenceKind.EMPTY, "has no recorded series")
