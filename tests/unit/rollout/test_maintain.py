"""Routine maintenance: which tasks a period has, that none keeps the next from being done, and which answer is the worst."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhash_guard.config import load
from dhash_guard.errors import (
    Bug,
    CannotTell,
    Damaged,
    GuardError,
    Locked,
    NeedsPerson,
    NoGo,
    OutsideSilent,
    UsageProblem,
)
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.period import Period
from dhash_guard.records.stage import StageStatus
from dhash_guard.rollout.maintain import maintain, tasks, worst
from dhash_guard.rollout.run import Guarded, open_run
from support.world import Said, said, world

START = 1_795_249_000.0  # 2026-11-21
SETTINGS = """\
version: 1
service: s
environments:
  production:
    base_url: http://127.0.0.1:9
    health: {path: /health}
    smoke: [{name: front, get: /front}]
    notify: {channels: {log: {kind: log}}}
    backup: {components: {one: {paths: [one.txt]}}, STORE}
"""


def web(path: str, now: float) -> Said:
    return said({"status": "healthy"}) if path == "/health" else said({}, 500)


def begun(root: Path, store: str = "", settings: str = SETTINGS) -> Guarded:
    root.mkdir(exist_ok=True)
    (root / "one.txt").write_text("one")
    (root / "dhash-guard.yml").write_text(settings.replace("STORE", store))
    machine, _ = world(web, START)
    return open_run(machine, load(root / "dhash-guard.yml", root, {}, "production"), "maintain", lambda text: None)


@pytest.mark.parametrize(
    ("period", "names"),
    [
        (Period.DAILY, ["health", "backup", "watch", "holder"]),
        (Period.WEEKLY, ["backup verify", "prune", "logging"]),
        (Period.MONTHLY, ["gates", "smoke", "notification"]),
        (Period.QUARTERLY, ["drill"]),
    ],
)
def test_each_period_has_its_tasks(tmp_path: Path, period: Period, names: list[str]) -> None:
    assert [task.name for task in tasks(begun(tmp_path), period)] == names


def test_a_store_is_read_before_what_is_only_there_is_fetched(tmp_path: Path) -> None:
    run = begun(tmp_path, "store: {kind: object, url: 'file:///store'}")
    assert [task.name for task in tasks(run, Period.WEEKLY)] == ["backup store", "backup verify", "prune", "logging"]


def test_every_task_is_done_whatever_became_of_the_one_before(tmp_path: Path) -> None:
    run = begun(tmp_path)
    evidence = maintain(run, Period.MONTHLY)
    found = {stage.name: stage.status for stage in evidence.stages}
    assert found == {
        "gates": StageStatus.CANNOT_TELL,
        "smoke": StageStatus.FAILED,
        "notification": StageStatus.PASSED,
    }
    assert (evidence.result, evidence.exit_code) == ("smoke-failed", 1)


def test_telling_comes_last_sees_all_stages_and_counts_as_a_task(tmp_path: Path) -> None:
    seen: list[Evidence] = []

    def tell(evidence: Evidence) -> str:
        seen.append(evidence)
        raise Damaged("no")

    evidence = maintain(begun(tmp_path), Period.MONTHLY, tell=tell)
    assert [stage.name for stage in seen[0].stages] == ["gates", "smoke", "notification"]
    assert seen[0].exit_code == 1
    assert (evidence.stages[-1].name, evidence.exit_code) == ("checklist", 4)


@pytest.mark.parametrize("period", Period)
def test_where_nothing_is_there_no_period_succeeds(tmp_path: Path, period: Period) -> None:
    assert maintain(begun(tmp_path), period).exit_code in (1, 3)


def test_a_service_without_an_address_is_not_called_well(tmp_path: Path) -> None:
    silent = ("base_url: http", "health: ", "smoke: ")
    kept = "\n".join(line for line in SETTINGS.splitlines() if not line.strip().startswith(silent))
    evidence = maintain(begun(tmp_path, settings=kept), Period.DAILY)
    assert {stage.name: stage.status for stage in evidence.stages}["health"] is StageStatus.CANNOT_TELL


def test_the_worst_answer_is_what_was_found_wrong_before_what_could_not_be_looked_at() -> None:
    kinds = (Bug, NeedsPerson, Damaged, NoGo, Locked, UsageProblem, OutsideSilent, CannotTell)
    problems: list[GuardError] = [kind("it") for kind in reversed(kinds)]
    order = []
    while (one := worst(problems)) is not None:
        order.append(one.exit_code)
        problems.remove(one)
    assert order == [70, 6, 4, 1, 8, 2, 7, 3]
    assert worst([]) is None


@pytest.mark.parametrize(
    ("period", "at", "name"),
    [
        (Period.DAILY, 1_795_249_000.0, "2026-11-21"),
        (Period.WEEKLY, 1_795_249_000.0, "2026-W47"),
        (Period.WEEKLY, 1_798_761_600.0, "2026-W53"),  # the first of January 2027 is a Friday
        (Period.MONTHLY, 1_795_249_000.0, "2026-11"),
        (Period.QUARTERLY, 1_795_249_000.0, "2026-Q4"),
        (Period.QUARTERLY, 1_798_761_600.0, "2027-Q1"),
    ],
)
def test_a_period_is_called_by_its_utc_date(period: Period, at: float, name: str) -> None:
    assert period.of(at) == name
