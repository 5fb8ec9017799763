"""Decides what is marked on every plot: where a gate triggered, where the watch was extended, where the rollback began."""

from __future__ import annotations

from attrs import frozen

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Ending, Status
from dhash_guard.report.limits import finite


@frozen
class Moment:
    """A vertical line: seconds since the start, its kind (trigger, extension, rollback) and what it says."""

    at: float
    kind: str
    label: str


def origin(evidence: Evidence, first: float | None) -> float:
    """Time zero of all plots: the start of the watch, or the first sample where that is earlier."""
    start = evidence.verdict.started_at if evidence.verdict else evidence.run.started_at
    return start if first is None else min(start, first) if start - first < 86400 else first


def moments(evidence: Evidence, start: float) -> tuple[Moment, ...]:
    """What happened to the run as a whole: extension and rollback."""
    found = []
    for stage in evidence.stages:
        if "rollback" in stage.name.lower() or stage.name.lower() == "restore":
            found.append(Moment(stage.started_at - start, "rollback", "rollback"))
        elif stage.name.lower().startswith("exten"):
            found.append(Moment(stage.started_at - start, "extension", "extended"))
    if not any(m.kind == "extension" for m in found) and (at := _planned_end(evidence)) is not None:
        found.append(Moment(at, "extension", "extended"))
    firsts = {moment.kind: moment for moment in reversed(found)}
    return tuple(firsts[kind] for kind in ("extension", "rollback") if kind in firsts)


def _planned_end(evidence: Evidence) -> float | None:
    """Where a watch went on beyond its plan."""
    verdict, judged = evidence.verdict, evidence.judged
    if verdict is None or judged is None or verdict.ending is not Ending.CAPPED:
        return None
    return finite(judged.plan.get("duration"))


def triggers(evidence: Evidence, signal: str, start: float) -> tuple[Moment, ...]:
    """Where the gates on a signal were breached for as long as they ask; the earliest three."""
    outcomes = evidence.verdict.outcomes if evidence.verdict else ()
    found = [
        Moment(outcome.at - start, "trigger", f"{outcome.gate} triggered")
        for outcome in outcomes
        if outcome.signal == signal and outcome.status is Status.DEGRADED and outcome.at is not None
    ]
    return tuple(sorted(found, key=lambda moment: moment.at)[:3])
