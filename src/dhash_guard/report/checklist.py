"""Decides which boxes a run has proven, and renders them; a box without evidence stays open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import LegReport
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.checklists import Proof
from dhash_guard.report.escape import Md, code
from dhash_guard.report.templates import render_markdown


@frozen(kw_only=True)
class Box:
    """One box: what it asks for, whether it is proven, and the evidence that says so."""

    text: str
    ticked: bool
    evidence: str
    id: str = ""

    @property
    def mark(self) -> Md:
        return Md("- [x]" if self.ticked else "- [ ]")


def boxes(evidence: Evidence) -> tuple[Box, ...]:
    """The checklist that belongs to the run: of a rollback, of a deployment, or none."""
    names = {stage.name for stage in evidence.stages}
    if any(name.startswith("rollback") for name in names):
        return tuple(_rollback(evidence))
    return tuple(_deployment(evidence)) if evidence.run.verb == "deploy" else ()


def render_checklist(shown: Sequence[Box], *, templates: Path | None = None) -> Md:
    """The boxes as Markdown; empty where there are none. The template is the project's to change."""
    if not shown:
        return Md("")
    return Md(render_markdown("checklist.md", {"boxes": shown, "code": lambda text: code(str(text))}, templates))


def leg_proofs(legs: Mapping[str, LegReport], expected: Sequence[str]) -> dict[str, Proof]:
    """What the rehearsal proves: `rehearsed` for all of it, and each leg by its name, over all systems."""
    names = list(dict.fromkeys([*expected, *sorted(legs)]))
    well = [name for name in names if name in legs and legs[name].result == "proceed"]
    proofs = {"rehearsed": Proof(well == names and bool(names), _counted(well, names, "systems"))}
    for stage in dict.fromkeys(stage.name for name in names if name in legs for stage in legs[name].stages):
        passed = [name for name in names if name in legs and _passed(legs[name], stage)]
        proofs.setdefault(stage, Proof(passed == names, f"passed on {_counted(passed, names, 'systems')}"))
    return proofs


def sheet_of(evidence: Evidence) -> tuple[str, dict[str, Proof]] | None:
    """The checklist of the run that has boxes for people, and what the run proves of it; None where there is none."""
    proven = {box.id: Proof(box.ticked, box.evidence) for box in boxes(evidence)}
    if any(stage.name.startswith("rollback") for stage in evidence.stages):
        return "rollback", proven
    if evidence.run.verb != "gate":
        return None
    found = {finding.check: finding for stage in evidence.stages for finding in stage.findings}
    return "pre-deploy", {name: Proof(f.status is StageStatus.PASSED, f.text) for name, f in found.items()}


def _passed(leg: LegReport, name: str) -> bool:
    statuses = [stage.status for stage in leg.stages if stage.name == name]
    return bool(statuses) and all(status is StageStatus.PASSED for status in statuses)


def _counted(some: Sequence[str], every: Sequence[str], noun: str) -> str:
    rest = [name for name in every if name not in some]
    return f"{len(some)} of {len(every)} {noun}" + (f"; not {', '.join(rest)}" if rest else "")


def _rollback(evidence: Evidence) -> list[Box]:
    """The verification after a rollback: snapshot, sha256, consecutive OKs, smoke tests, queue drainage, artifacts."""
    done = evidence.restoration
    identical = done is not None and done.identical
    return [
        _stage_box(evidence, "rollback snapshot", "What was there before is kept"),
        Box(
            text="Every restored file has the sha256 of the backup",
            ticked=identical,
            evidence=f"{done.files} files of {done.backup}" if done is not None else "nothing was restored",
            id="rollback-restore",
        ),
        _stage_box(evidence, "rollback health", "The service is healthy, several times in a row"),
        _stage_box(evidence, "rollback smoke", "The smoke checks pass"),
        _stage_box(evidence, "rollback queue", "The queue drains, or does not grow"),
        _stage_box(evidence, "rollback artifacts", "The artifacts are collected and stored"),
    ]


def _deployment(evidence: Evidence) -> list[Box]:
    asked: list[tuple[str, str]] = [
        ("look before", "The service was looked at before anything changed"),
        ("backup", "A backup was sealed and read back before anything changed"),
        ("deploy", "The release is deployed"),
        ("health", "The service answers as healthy"),
        ("smoke", "The quick smoke checks pass"),
    ]
    return [_stage_box(evidence, name, text) for name, text in asked]


def _stage_box(evidence: Evidence, name: str, text: str) -> Box:
    stage = next((stage for stage in evidence.stages if stage.name == name), None)
    name = name.replace(" ", "-")
    if stage is None:
        return Box(text=text, ticked=False, evidence="not part of this run", id=name)
    said = f"{stage.name} {stage.status.value}: {stage.text}"
    return Box(text=text, ticked=stage.status is StageStatus.PASSED, evidence=said, id=name)
