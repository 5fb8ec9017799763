"""Decides what a step of the action tells the steps after it: a decision, a reason, and where the record lies."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from dhash_guard.errors import GuardError
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import LegReport
from dhash_guard.records.outcome import Decision
from dhash_guard.records.sample import Tick
from dhash_guard.records.stage import StageResult, StageStatus
from dhash_guard.records.statement import artifact_name
from dhash_guard.rollout.publish import REPORT_FILE

if TYPE_CHECKING:
    from dhash_guard.github.api import GithubApi

NAMES = (
    "decision", "reason-code", "result", "exit-code", "evidence-path", "evidence-folder", "evidence-name",
    "report-path", "comment-url", "backup", "api-requests", "matrix",
)  # fmt: skip
SCHEMA_VERSION = 1

_MOST_STAGES = 50
_LONGEST = 500
"""Characters of a text in the result: it is for machines, people have the report."""

_BAD = (StageStatus.FAILED, StageStatus.CANNOT_TELL)
_REVERSED = 5
_PERSON = 6


@define
class Ending:
    """How the program ended. It is the surface that the action starts the program with."""

    token: str = ""
    evidence: Evidence | None = None
    ticks: Sequence[Tick] = ()
    folder: Path | None = None
    templates: Path | None = None
    problem: GuardError | None = None
    legs: Sequence[LegReport] = ()
    expected: Sequence[str] = ()
    hubs: list[GithubApi] = field(factory=list)
    matrix: str = ""

    def publish(self, evidence: Evidence, ticks: Sequence[Tick], folder: Path, templates: Path | None = None) -> None:
        """Keep the record, and the project's own templates; the last one counts."""
        self.evidence, self.ticks, self.folder, self.templates = evidence, ticks, folder, templates

    def fail(self, problem: GuardError) -> None:
        """Keep why there is no record, or why a record was not the end."""
        self.problem = problem

    def rehearsed(self, reports: Sequence[LegReport], expected: Sequence[str]) -> None:
        """Keep what a leg of the matrix found, or all of them, for the comment that the legs share."""
        self.legs, self.expected = reports, expected

    def opened(self, api: GithubApi) -> None:
        """Keep whom the program asks."""
        self.hubs.append(api)

    def planned(self, matrix: str) -> None:
        """Keep the targets of every wave, for the jobs that come after."""
        self.matrix = matrix

    @property
    def requests(self) -> int:
        """How many requests were sent to GitHub by now, repetitions included."""
        return sum(api.requests_made for api in self.hubs)


def outputs(ending: Ending, code: int, workspace: str) -> dict[str, str]:
    """Every output but `comment-url` and `api-requests`, which are known later; empty where there is nothing to say."""
    decision, reason_code = decision_of(ending.evidence, code), reason_of(ending, code)
    return {
        "decision": decision.value,
        "reason-code": reason_code,
        "exit-code": str(code),
        "result": json.dumps(result(ending, code, decision, reason_code), ensure_ascii=True, separators=(",", ":")),
        "evidence-path": _path(ending.folder, "evidence.json", workspace),
        "evidence-folder": _path(ending.folder, "evidence.json", workspace).removesuffix("/evidence.json"),
        "evidence-name": _evidence_name(ending),
        "report-path": _path(ending.folder, REPORT_FILE, workspace),
        "backup": ending.evidence.backup if ending.evidence is not None else "",
        "matrix": ending.matrix,
    }


def decision_of(evidence: Evidence | None, code: int) -> Decision:
    """`proceed` only with exit code 0; `roll_back` for what has been, or by the verdict has to be, rolled back."""
    if code == _REVERSED:
        return Decision.ROLL_BACK
    if evidence is not None and evidence.run.verb == "rollback" and code == 0 and not evidence.run.dry_run:
        return Decision.ROLL_BACK
    if evidence is not None and evidence.verdict is not None and code != _PERSON:
        decided = evidence.verdict.decision
        return Decision.HOLD if decided is Decision.PROCEED and code != 0 else decided
    return Decision.PROCEED if code == 0 else Decision.HOLD


def reason_of(ending: Ending, code: int) -> str:
    """The verdict's reason, or the first failing stage's, or the error's; else how the run is called."""
    evidence = ending.evidence
    if ending.problem is not None:
        return ending.problem.code
    if evidence is not None and evidence.verdict is not None:
        return evidence.verdict.reason_code
    if evidence is not None:
        bad = next((stage for stage in evidence.stages if stage.status in _BAD), None)
        return bad.reason_code if bad is not None and code != 0 else evidence.result or "done"
    return "done" if code == 0 else _codes().get(code, "no-go")


def result(ending: Ending, code: int, decision: Decision, reason_code: str) -> Mapping[str, Any]:
    """The run in a few lines of JSON; what the evidence does not say is left out."""
    told: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "decision": decision.value,
        "reason_code": reason_code,
        "exit_code": code,
    }
    if ending.problem is not None:
        told["reason"] = _short(ending.problem.what)
    if ending.evidence is None:
        return told
    evidence, run = ending.evidence, ending.evidence.run
    if evidence.verdict is not None:
        told |= {"status": evidence.verdict.status.value, "gate": evidence.verdict.gate}
        told.setdefault("reason", _short(evidence.verdict.reason))
    told["run"] = {
        "id": run.id,
        "verb": run.verb,
        "service": run.service,
        "environment": run.environment,
        "commit": run.commit,
        "tag": run.tag,
        "dry_run": run.dry_run,
        "tool": run.tool,
    }
    told |= {"result": evidence.result, "backup": evidence.backup}
    told["stages"] = [_stage(stage) for stage in evidence.stages[:_MOST_STAGES]]
    return told


def _stage(stage: StageResult) -> dict[str, Any]:
    told = {"name": stage.name, "status": stage.status.value, "reason_code": stage.reason_code, "seconds": stage.seconds}
    return told | ({"text": _short(stage.text)} if stage.status in _BAD else {})


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _evidence_name(ending: Ending) -> str:
    """How an artifact with the evidence has to be called for a later gate to find it; empty without a whole commit."""
    if ending.evidence is None or not ending.evidence.run.commit:
        return ""
    run = ending.evidence.run
    try:
        return artifact_name(run.environment, run.commit, run.attempt)
    except ValueError:  # no later gate could find it by such a commit, and the step has more to tell
        return ""


def _path(folder: Path | None, name: str, workspace: str) -> str:
    """Relative to the workspace where it lies inside: in a container job the absolute path is another one outside."""
    if folder is None or not (folder / name).is_file():
        return ""
    path = (folder / name).resolve()
    root = Path(workspace).resolve() if workspace else None
    return path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else os.fspath(path)


def _codes() -> dict[int, str]:
    """The code word of each exit code, from the classes that own them."""
    return {kind.exit_code: kind.code for kind in reversed(GuardError.__subclasses__())}
