"""What an hour's watch bills at checkpoints and in one job: the minutes of deploy.yml, the real judge, a simulated clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from attrs import evolve, frozen

from dhash_guard.config import load
from dhash_guard.gates.plan import Mode, WatchPlan
from dhash_guard.rollout.collect import collect
from dhash_guard.rollout.monitor import WatchOrders, monitor
from dhash_guard.rollout.run import open_run
from support.minutes import MINUTE, SETUP, Checkpoints, Cost, at_checkpoints, ran, table
from support.watching import START
from support.world import OneFunction, Said, SleptClock, Web, said, world

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/deploy-to-production.md"
WORKFLOW = ROOT / ".github/workflows/deploy.yml"
BLOCK = re.compile(
    r"<!-- made by tests/unit/rollout/test_checkpoint_minutes\.py; do not edit -->\n\n(.*?)\n\n<!-- end -->", re.DOTALL
)

HOUR = 60
MOST = 5
"""Minutes that a watch of an hour may bill at checkpoints."""
BEGINNINGS = (None, 1, 7, 20, 40)
"""In which minute the fault begins; None for a release that is well."""
ASKING = 1.0
"""Seconds that Prometheus takes for every answer."""


class Nobody:
    """Nobody looks at the terminal."""

    def show(self, *shown: object) -> None: ...

    def close(self) -> None: ...


def p95_at(at: float, fault: int | None) -> float:
    """Milliseconds."""
    return 9000.0 if fault is not None and at >= START + fault * MINUTE else 120.0


def service(fault: int | None) -> Web:
    """The service itself, as a collector looks at it."""
    return lambda asked, now: said({"status": "healthy"} if asked == "/health" else {"p95_hash_time": p95_at(now, fault)})


def prometheus(fault: int | None) -> Web:
    """A server that has recorded p95 all the time; the service's health page is beside it."""

    def web(asked: str, now: float) -> Said:
        parts = urlsplit(asked)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        result: dict[str, Any]
        if parts.path == "/health":
            return said({"status": "healthy"})
        if parts.path.endswith("/query"):
            at = float(query["time"])
            result = {"resultType": "vector", "result": [{"metric": {}, "value": [at, str(p95_at(at, fault))]}]}
        else:
            start, end, step = (float(query[name]) for name in ("start", "end", "step"))
            times = [start + i * step for i in range(round((end - start) / step) + 1)]
            values = [[at, str(p95_at(at, fault))] for at in times if at <= now]
            result = {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}
        return said({"status": "success", "data": result})

    return web


def nobody(asked: str, now: float) -> Said:
    """The network of a checkpoint that has everything in a log."""
    raise AssertionError(f"a checkpoint over a log asked for {asked}")


@frozen
class Slow:
    """A network that takes its time: every answer passes `ASKING` seconds of the clock."""

    web: Web
    clock: SleptClock

    def request(
        self, method: str, url: str, *, timeout: float, headers: Mapping[str, str] | None = None, json_body: Any = None
    ) -> Said:
        self.clock.sleep(ASKING)
        return OneFunction(self.web, self.clock).request(method, url, timeout=timeout)


def configured(root: Path, mode: Mode, source: str) -> None:
    """The configuration of the page; or the same over Prometheus, which has recorded p95 and no health page."""
    (block,) = (
        one
        for one in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        if "requires:" in one
    )
    settings = yaml.safe_load(block)
    production = settings["environments"]["production"]
    production["monitor"] |= {"mode": mode.value}
    if source == "prometheus":
        values = {"p95_hash_time": {"query": "p95", "unit": "ms"}}
        settings["defaults"]["signals"] = {"central": {"kind": "prometheus", "url": "http://metrics", "values": values}}
        del settings["defaults"]["gates"]["health"]
    (root / "dhash-guard.yml").write_text(yaml.safe_dump(settings, sort_keys=False))


def judged(root: Path, web: Web, at: float, since: float | None) -> tuple[int, float]:
    """The exit code of the `monitor` verb at this moment, and how many seconds it took."""
    machine, clock = world(web, at)
    machine = evolve(machine, http=Slow(web, clock))
    run = open_run(machine, load(root / "dhash-guard.yml", root, {}, "production"), "monitor", lambda text: None)
    evidence = monitor(run, WatchOrders(automatic=False, since=since), Nobody())
    return evidence.exit_code, clock.now() - at


def collected(root: Path, fault: int | None) -> None:
    """What a collector beside the service has written from the start on; it goes on after the hour, as collectors do."""
    machine, _ = world(service(fault), START)
    run = open_run(machine, load(root / "dhash-guard.yml", root, {}, "production"), "collect", lambda text: None)
    assert collect(run, None).exit_code == 0


@cache
def costs(source: str, fault: int | None) -> tuple[Cost, Cost]:
    """The same release watched at checkpoints, and by one job that looks all the time."""
    web = prometheus(fault) if source == "prometheus" else service(fault)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        configured(root, Mode.CHECKPOINT, source)
        if source == "collector":
            collected(root, fault)
        seen = web if source == "prometheus" else nobody
        plan = Checkpoints.of(WORKFLOW, "checkpoint")
        short = at_checkpoints(plan, START, lambda at: judged(root, seen, at, START))
    with TemporaryDirectory() as folder:
        root = Path(folder)
        configured(root, Mode.WATCH, source)
        # The job that watches has deployed before: it is set up when the watch begins.
        whole = ran(START, -SETUP, lambda at: judged(root, web, at, None))
    return short, Cost((whole,))


def seen_after(cost: Cost, fault: int) -> float:
    assert cost.seen_at is not None
    return cost.seen_at - fault * MINUTE


def test_the_workflow_comes_back_when_the_plan_is_judged() -> None:
    found = Checkpoints.of(WORKFLOW, "checkpoint")
    assert [minutes * MINUTE for minutes in found.minutes] == list(WatchPlan(mode=Mode.CHECKPOINT).judged_at)
    assert found.minutes[-1] == HOUR
    assert found.fail_fast, "a degraded release would be judged, and rolled back, again and again"
    assert found.environment.endswith("-plus-${{ matrix.minutes }}"), "each waits behind a timer of its own"


@pytest.mark.parametrize("fault", BEGINNINGS)
@pytest.mark.parametrize("source", ["prometheus", "collector"])
def test_an_hour_at_checkpoints_bills_at_most_five_minutes(source: str, fault: int | None) -> None:
    short, whole = costs(source, fault)
    assert short.billed <= MOST
    if fault is None:
        assert [job.code for job in (*short.jobs, *whole.jobs)] == [0] * (len(short.jobs) + 1)
        assert len(short.jobs) == len(Checkpoints.of(WORKFLOW, "checkpoint").minutes)
        assert whole.billed > HOUR
    else:
        assert [job.code for job in short.jobs] == [0] * (len(short.jobs) - 1) + [1], "degraded ends the rest"
        assert whole.jobs[0].code == 1
        assert seen_after(whole, fault) <= seen_after(short, fault)


@pytest.mark.parametrize("fault", BEGINNINGS[1:])
def test_a_fault_is_seen_at_the_first_checkpoint_that_its_three_looks_reach(fault: int) -> None:
    due = next(minutes for minutes in Checkpoints.of(WORKFLOW, "checkpoint").minutes if minutes >= fault + 1)
    for source in ("prometheus", "collector"):
        short, whole = costs(source, fault)
        assert due * MINUTE < (short.seen_at or 0.0) <= due * MINUTE + SETUP + 2 * ASKING
        assert seen_after(whole, fault) <= 90 + 2 * ASKING, "three looks in a row, 30 s apart"


def test_a_checkpoint_that_takes_longer_than_a_minute_bills_two() -> None:
    plan = Checkpoints(minutes=(5, 15, 30, 60), fail_fast=True, environment="")
    assert at_checkpoints(plan, START, lambda at: (0, MINUTE - SETUP)).billed == 4
    assert at_checkpoints(plan, START, lambda at: (0, MINUTE - SETUP + 0.1)).billed == 8
    slow: Mapping[float, float] = {START + 15 * MINUTE + SETUP: 100.0}
    assert at_checkpoints(plan, START, lambda at: (0, slow.get(at, 1.0))).billed == 6
    assert at_checkpoints(plan, START, lambda at: (1, 1.0)).billed == 1


def test_the_table_of_the_page_is_what_was_counted() -> None:
    found = BLOCK.search(PAGE.read_text("utf-8"))
    should = table([(fault, *costs("prometheus", fault)) for fault in BEGINNINGS])
    assert found is not None and found[1] == should, f"put this between the marks of {PAGE.name}:\n\n{should}\n"


def test_the_page_says_what_is_reckoned_for_the_setup() -> None:
    part = PAGE.read_text("utf-8").split("## Watching without a runner")[1].split("\n## ")[0]
    assert f"{SETUP:.0f} seconds" in part
