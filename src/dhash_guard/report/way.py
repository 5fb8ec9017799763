"""Decides the lines by which people follow a gate through a log: the looks at which its standing changed."""

from __future__ import annotations

from dhash_guard.gates.settings import Gate
from dhash_guard.gates.way import Step, Way
from dhash_guard.records.units import format_duration
from dhash_guard.report.words import GATES, clock, plural


def way_lines(way: Way) -> list[str]:
    """The looks at which the gate's standing changed, in aligned columns."""
    rows = [_row(way.rule.gate, step) for step in way.steps]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows]
    if way.left_out:
        lines.append(f"and {plural(way.left_out, 'further change')}")
    return lines or ["never looked at"]


def _row(gate: Gate, step: Step) -> tuple[str, str, str, str, str]:
    held = f"over {format_duration(gate.over)}" if gate.over is not None else ""
    if step.strikes is not None:
        held = f"{step.strikes[0]} of {step.strikes[1]}"
    return clock(step.elapsed), f"look {step.look}", step.value, held, f"{GATES[step.status].word}: {step.text}"
