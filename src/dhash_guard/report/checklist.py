"""Decides which boxes a run has proven, and renders them; a box without evidence stays open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import LegReport
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.escape import Md, code
from dhash_guard.report.templates import render_markdown


@frozen(kw_only=True)
class Box:
    """One box: what it asks for, whether it is proven, and the evidence that says so."""

    text: str
    ticked: bool
    evidence: str

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


def leg_boxes(legs: Mapping[str, LegReport], expected: Sequence[str]) -> tuple[Box, ...]:
    """One box per system: ticked when its rehearsal went through and nothing of it was left out on request."""
    names = list(dict.fromkeys([*expected, *sorted(legs)]))
    return tuple(_leg_box(name, legs.get(name)) for name in names)


def _leg_box(name: str, leg: LegReport | None) -> Box:
    if leg is None:
        return Box(text=f"Rehearsed on {name}", ticked=False, evidence="not reported yet")
    skipped = [stage.name for stage in leg.stages if stage.status is StageStatus.SKIPPED]
    passed = [stage.name for stage in leg.stages if stage.status is StageStatus.PASSED]
    said = f"passed: {', '.join(passed) or 'nothing'}" + (f"; skipped: {', '.join(skipped)}" if skipped else "")
    return Box(text=f"Rehearsed on {name}", ticked=leg.result == "proceed", evidence=said)


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
    if stage is None:
        return Box(text=text, ticked=False, evidence="not part of this run")
    return Box(
        text=text, ticked=stage.status is StageStatus.PASSED, evidence=f"{stage.name} {stage.status.value}: {stage.text}"
    )
