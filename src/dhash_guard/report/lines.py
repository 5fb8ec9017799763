"""Decides which horizontal lines a plot bears: the limits of every gate on the signal, and how it was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from dhash_guard.gates.settings import Aggregate
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import GateOutcome
from dhash_guard.records.units import Dimension
from dhash_guard.report.limits import Limit, finite, limits_of
from dhash_guard.report.rows import dimension_for, settings_of
from dhash_guard.report.windowed import aggregate_name
from dhash_guard.report.words import number

_WORDS = {"fail": "limit", "warn": "warn"}
_MOST = 6


@frozen
class Line:
    """A horizontal line: where, what it says, its kind (fail, warn, before), and whether values over it are the breach."""

    value: float
    label: str
    kind: str
    upper: bool = True
    windowed: bool = False
    """Whether it is the aggregate of a window that must not cross it, and not a value."""


def lines_of(evidence: Evidence, signal: str) -> tuple[Line, ...]:
    """Equal lines once; a gate is named where several share the plot."""
    outcomes = [o for o in (evidence.verdict.outcomes if evidence.verdict else ()) if o.signal == signal]
    found: dict[tuple[str, float], Line] = {}
    for outcome in outcomes:
        for line in _of_gate(evidence, outcome, f"{outcome.gate} " if len(outcomes) > 1 else ""):
            found.setdefault((line.kind, line.value), line)
    return tuple(found.values())[:_MOST]


def _of_gate(evidence: Evidence, outcome: GateOutcome, named: str) -> list[Line]:
    settings = settings_of(evidence, outcome.gate)
    how = aggregate_name(settings)
    lines = [_absolute(limit, named, how) for limit in limits_of(settings)]
    ratio = finite(settings.get("fail_ratio"))
    return lines if ratio is None else lines + _relative(evidence, outcome, settings, named)


def _absolute(limit: Limit, named: str, how: Aggregate | None) -> Line:
    of = f" of {how.value}" if how is not None else ""
    return Line(limit.value, f"{named}{_WORDS[limit.level]}{of} {limit}", limit.level, limit.upper, how is not None)


def _relative(evidence: Evidence, outcome: GateOutcome, settings: Mapping[str, Any], named: str) -> list[Line]:
    dimension, before = dimension_for(evidence, outcome.signal), _before(evidence, outcome.signal)
    ratio, how = finite(settings.get("fail_ratio")) or 1.0, aggregate_name(settings)
    limit = finite(outcome.limit) if outcome.limit is not None else before * ratio if before is not None else None
    if settings.get("test"):
        limit = None  # it compares samples; there is no line that a value would have to stay under
    lines = []
    if limit is not None:
        of = f" of {how.value}" if how is not None else ""
        # With a spread it is the highest of several; the table says which, the drawing has no room for it.
        made = "from before" if "spread" in settings else f"{number(ratio, Dimension.COUNT)} × before"
        label = f"{named}limit{of} ≤ {number(limit, dimension)} ({made})"
        lines.append(Line(limit, label, "fail", windowed=how is not None))
    if before is not None:
        lines.append(Line(before, f"before {number(before, dimension)}", "before"))
    return lines


def _before(evidence: Evidence, signal: str) -> float | None:
    baseline = evidence.judged.baseline if evidence.judged else None
    summary = baseline.medians.get(signal) if baseline else None
    return finite(summary.median) if summary else None
