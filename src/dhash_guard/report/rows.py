"""Decides what a row of a table says about a gate, a stage or the absences of a signal, and which rows come first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import GateOutcome, Status
from dhash_guard.records.sample import Absence, Health, Tick
from dhash_guard.records.stage import StageResult, StageStatus
from dhash_guard.records.units import Dimension
from dhash_guard.report.limits import hold_text, limit_text
from dhash_guard.report.words import (
    CLEARED,
    GATES,
    STAGES,
    WARNED,
    Mark,
    clock,
    dimension_of,
    number,
    sentences,
    span,
    tally,
)


@frozen(kw_only=True)
class GateRow:
    """One gate: what was seen, what would have passed, how long it had to last, and what follows from a breach."""

    gate: str
    signal: str
    mark: Mark
    value: str
    limit: str
    window: str
    action: str
    text: str
    counterfactual: str
    matters: bool
    """Whether the row belongs above the fold: it failed, could not tell, or warned."""


@frozen(kw_only=True)
class FindingRow:
    """One thing a stage found, and its cure."""

    mark: Mark
    check: str
    text: str
    cure: str


@frozen(kw_only=True)
class StageRow:
    """One stage: when, how long, how it ended; `left` and `width` are percent of the run."""

    name: str
    mark: Mark
    text: str
    reason_code: str
    offset: str
    duration: str
    left: float
    width: float
    findings: tuple[FindingRow, ...]
    matters: bool


@frozen(kw_only=True)
class AbsenceRow:
    """How often a signal had no value, by kind, and the last explanation."""

    signal: str
    count: int
    looks: int
    kinds: str
    detail: str


def gate_rows(evidence: Evidence, ticks: Sequence[Tick]) -> tuple[GateRow, ...]:
    """A row per outcome, those that decided against the release first, otherwise in the order of the gates."""
    outcomes = evidence.verdict.outcomes if evidence.verdict else ()
    absent = {row.signal: row.kinds for row in absence_rows(ticks)}
    health = _health_tallies(ticks)
    ordered = sorted(outcomes, key=_rank)
    return tuple(_gate_row(outcome, evidence, absent, health) for outcome in ordered)


def _rank(outcome: GateOutcome) -> int:
    """Degraded before unknown, deciding before alerting, warnings next, healthy last."""
    late = 0 if outcome.action.decides else 2
    match outcome.status:
        case Status.DEGRADED:
            return late
        case Status.CANNOT_TELL:
            return 1 + late
        case Status.NOT_JUDGED:
            return 5
        case Status.HEALTHY:
            return 4 if outcome.warned else 6


def _gate_row(
    outcome: GateOutcome, evidence: Evidence, absent: Mapping[str, str], health: Mapping[str, Counter[str]]
) -> GateRow:
    settings = settings_of(evidence, outcome.gate)
    dimension = dimension_for(evidence, outcome.signal)
    mark = mark_of(outcome)
    held = hold_text(settings) if settings else ""
    return GateRow(
        gate=outcome.gate,
        signal=outcome.signal,
        mark=mark,
        value=_value(outcome, dimension, absent, health.get(outcome.signal)),
        limit=limit_text(settings, outcome.limit, dimension),
        window=", ".join(part for part in (held, f"n={outcome.samples}") if part),
        action=outcome.action.value,
        text=outcome.text,
        counterfactual=outcome.counterfactual,
        matters=outcome.status in (Status.DEGRADED, Status.CANNOT_TELL) or outcome.warned,
    )


def mark_of(outcome: GateOutcome) -> Mark:
    """How an outcome is shown: what warned or was taken back is neither healthy without a word, nor a breach."""
    if outcome.status is not Status.HEALTHY:
        return GATES[outcome.status]
    return CLEARED if outcome.reason_code == "cleared" else WARNED if outcome.warned else GATES[outcome.status]


def _value(outcome: GateOutcome, dimension: Dimension, absent: Mapping[str, str], health: Counter[str] | None) -> str:
    """What was seen; where nothing was, that is said and why, never a number that looks like a pass."""
    if outcome.status is Status.CANNOT_TELL:
        return f"cannot tell: {absent.get(outcome.signal) or outcome.reason_code}"
    if health:
        return tally(dict(health))
    if outcome.observed is not None:
        return number(outcome.observed, dimension)
    return "not judged" if outcome.status is Status.NOT_JUDGED else "nothing recorded"


def settings_of(evidence: Evidence, gate: str) -> Mapping[str, Any]:
    """The settings a gate was judged by, empty where the evidence does not carry them."""
    found = evidence.judged.gates.get(gate) if evidence.judged else None
    return found if isinstance(found, Mapping) else {}


def dimension_for(evidence: Evidence, signal: str) -> Dimension:
    """The dimension of a signal's numbers."""
    return dimension_of(evidence.judged.signals.get(signal, "") if evidence.judged else "")


def _health_tallies(ticks: Sequence[Tick]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for tick in ticks:
        for signal, value in tick.samples.items():
            if isinstance(value, Health):
                found.setdefault(signal, Counter())[value.value] += 1
    return found


def absence_rows(ticks: Sequence[Tick]) -> tuple[AbsenceRow, ...]:
    """A row per signal that was ever absent, the worst first."""
    kinds: dict[str, Counter[str]] = {}
    looks: Counter[str] = Counter()
    details: dict[str, str] = {}
    for tick in ticks:
        for signal, value in tick.samples.items():
            looks[signal] += 1
            if isinstance(value, Absence):
                kinds.setdefault(signal, Counter())[value.kind.value] += 1
                details[signal] = value.detail
    rows = (
        AbsenceRow(signal=s, count=k.total(), looks=looks[s], kinds=tally(dict(k)), detail=details[s])
        for s, k in kinds.items()
    )
    return tuple(sorted(rows, key=lambda row: (-row.count, row.signal)))


def stage_rows(evidence: Evidence) -> tuple[StageRow, ...]:
    """The stages in order, placed on the run's length."""
    start = min([evidence.run.started_at, *(s.started_at for s in evidence.stages)])
    end = max([evidence.run.ended_at, *(s.started_at + s.seconds for s in evidence.stages)])
    return tuple(_stage_row(stage, start, max(end - start, 1e-9)) for stage in evidence.stages)


def _stage_row(stage: StageResult, start: float, length: float) -> StageRow:
    left = min(max((stage.started_at - start) / length * 100, 0.0), 100.0)
    findings = sorted(stage.findings, key=lambda f: f.status not in (StageStatus.FAILED, StageStatus.CANNOT_TELL))
    return StageRow(
        name=stage.name,
        mark=STAGES[stage.status],
        text=sentences(stage.text),
        reason_code=stage.reason_code,
        offset=clock(stage.started_at - start),
        duration=span(stage.seconds),
        left=round(left, 2),
        width=round(min(max(stage.seconds / length * 100, 0.0), 100.0 - left), 2),
        findings=tuple(FindingRow(mark=STAGES[f.status], check=f.check, text=f.text, cure=f.cure) for f in findings),
        matters=stage.status in (StageStatus.FAILED, StageStatus.CANNOT_TELL),
    )
