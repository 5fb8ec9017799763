"""Outputs follow from the one record: a decision that fails closed, and a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from dhash_guard.cli.outputs import NAMES, Ending, decision_of, outputs, reason_of
from dhash_guard.errors import Damaged, GuardError, NoGo, UsageProblem
from dhash_guard.records.evidence import Evidence, Run
from dhash_guard.records.outcome import Decision, Status, Verdict
from dhash_guard.records.outcome import Ending as WatchEnding
from dhash_guard.records.stage import StageResult, StageStatus

RUN = Run(
    id="r1", verb="monitor", service="dhash", environment="production", kind="production", commit="c" * 40, tree="",
    attempt=1, tag="v1", started_at=0.0, ended_at=1.0, tool="dhash-guard",
)  # fmt: skip


def verdict(decision: Decision) -> Verdict:
    return Verdict(
        status=Status.DEGRADED, decision=decision, reason_code="gate-failed", reason="p95 too high",
        ending=WatchEnding.EARLY, gate="p95", ticks=3, started_at=0.0, ended_at=1.0, outcomes=(),
    )  # fmt: skip


def evidence(*, verb: str = "monitor", decided: Decision | None = None, dry: bool = False, bad: str = "") -> Evidence:
    status = StageStatus.FAILED if bad else StageStatus.PASSED
    stage = StageResult(name="s", status=status, reason_code=bad or "done", text="x" * 900, started_at=0.0, seconds=1.0)
    return Evidence(
        run=evolve(RUN, verb=verb, dry_run=dry),
        configuration="",
        stages=(stage,),
        verdict=verdict(decided) if decided is not None else None,
        result="no-go" if bad else "go",
        backup="b.zip",
    )


PROCEED, HOLD, BACK = Decision.PROCEED, Decision.HOLD, Decision.ROLL_BACK


@pytest.mark.parametrize(
    ("record", "code", "expected"),
    [
        (evidence(decided=PROCEED), 0, PROCEED),
        (evidence(decided=HOLD), 3, HOLD),
        (evidence(decided=BACK), 5, BACK),
        (evidence(decided=BACK), 1, BACK),
        (evidence(decided=BACK), 6, HOLD),
        (evidence(decided=PROCEED), 7, HOLD),
        (evidence(decided=HOLD), 0, HOLD),
        (evidence(verb="deploy"), 0, PROCEED),
        (evidence(verb="deploy"), 1, HOLD),
        (evidence(verb="deploy"), 5, BACK),
        (evidence(verb="rollback"), 0, BACK),
        (evidence(verb="rollback"), 6, HOLD),
        (evidence(verb="rollback", dry=True), 0, PROCEED),
        (None, 0, PROCEED),
        (None, 2, HOLD),
        (None, 5, BACK),
    ],
)
def test_decisions(record: Evidence | None, code: int, expected: Decision) -> None:
    assert decision_of(record, code) is expected


@pytest.mark.parametrize("code", range(1, 80))
@pytest.mark.parametrize("record", [None, evidence(decided=PROCEED), evidence(verb="gate")])
def test_nothing_proceeds_without_exit_code_zero(record: Evidence | None, code: int) -> None:
    assert decision_of(record, code) is not PROCEED


@pytest.mark.parametrize(
    ("record", "problem", "code", "expected"),
    [
        (evidence(decided=BACK), None, 5, "gate-failed"),
        (evidence(verb="deploy", bad="timeout"), None, 1, "timeout"),
        (evidence(verb="deploy"), None, 0, "go"),
        (None, UsageProblem("x"), 2, "usage"),
        (evidence(decided=BACK), Damaged("x"), 4, "damaged"),
        (None, None, 0, "done"),
        (None, None, 4, "damaged"),
        (None, None, 99, "no-go"),
    ],
)
def test_reasons(record: Evidence | None, problem: GuardError | None, code: int, expected: str) -> None:
    assert reason_of(Ending(evidence=record, problem=problem), code) == expected


def test_all_outputs_but_those_that_are_known_last_are_always_there(tmp_path: Path) -> None:
    for ending in (Ending(), Ending(evidence=evidence(), folder=tmp_path / "none")):
        found = outputs(ending, 1, str(tmp_path))
        assert {*found, "comment-url", "api-requests"} == set(NAMES)
        assert found["evidence-path"] == "" == found["report-path"]


def test_paths_are_relative_to_the_workspace(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "r1"
    folder.mkdir(parents=True)
    (folder / "evidence.json").write_text("{}")
    ending = Ending(evidence=evidence(), folder=folder)
    assert outputs(ending, 0, str(tmp_path))["evidence-path"] == "runs/r1/evidence.json"
    assert outputs(ending, 0, "")["evidence-path"] == str((folder / "evidence.json").resolve())


def test_the_result_is_small_whatever_the_record_holds() -> None:
    many = evolve(evidence(bad="failed"), stages=evidence(bad="failed").stages * 500)
    found = outputs(Ending(evidence=many, problem=NoGo("y" * 10_000)), 1, "")["result"]
    assert len(found) < 50_000
    assert found.isascii() and "\n" not in found
    data = json.loads(found)
    assert data["schema_version"] == 1
    assert data["run"]["tag"] == "v1"
    assert len(data["reason"]) == 500
