"""Decides what the terminal says at the end of a run: the stages, the reason with its arithmetic, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.records.evidence import Evidence
from dhash_guard.report.escape import clip, terminal
from dhash_guard.report.rows import GateRow, StageRow
from dhash_guard.report.views import View, view

_MOST = 400
_ROWS = 12


def print_story(evidence: Evidence, *, report: str = "") -> list[str]:
    """The lines to print; the last ones are always verdict, reason, what was restored, the report, and the next action."""
    shown = view(evidence, ())
    return [_said(line) for line in (*_stages(shown.stages), *_gates(shown.gates), *_ending(shown, report))]


def _said(line: str) -> str:
    # The indentation is ours; a line of foreign words must not begin a command of the job's log.
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + terminal(clip(line, _MOST))


def _stages(rows: Sequence[StageRow]) -> list[str]:
    width = max((len(row.name) for row in rows), default=0)
    width = min(width, 28)
    lines = []
    for row in rows:
        lines.append(f"{row.offset:>9}  {row.mark.word:<11}  {row.name:<{width}}  {row.duration:>7}  {row.text}")
        lines += [
            f"{'':>11}{f.mark.word}: {f.check}: {f.text}{_cure(f.cure)}" for f in row.findings if f.mark.tone != "good"
        ]
    return lines


def _cure(cure: str) -> str:
    return f" -> {cure}" if cure else ""


def _gates(rows: Sequence[GateRow]) -> list[str]:
    """The gates that failed, warned or could not tell."""
    loud = [row for row in rows if row.matters]
    lines = [
        f"  gate {row.gate}: {row.mark.word}: {row.text or row.value} (passes {row.limit}; {row.window})" for row in loud
    ]
    more = [f"  and {len(loud) - _ROWS} more gates; the report has them all"] if len(loud) > _ROWS else []
    return lines[:_ROWS] + more


def _ending(shown: View, report: str) -> list[str]:
    lines = [f"Verdict:  {shown.headline.text}"]
    if shown.reason:
        code = f" [{shown.reason_code}]" if shown.reason_code else ""
        counter = f" {shown.counterfactual}" if shown.counterfactual else ""
        lines.append(f"Reason:   {shown.reason}{code}{counter}")
    if shown.restoration:
        lines.append(f"Restored: {shown.restoration.backup}: {shown.restoration.sentence}")
    if report:
        lines.append(f"Report:   {report}")
    command = f" {shown.action.command}" if shown.action.command else ""
    return [*lines, f"Next:     {shown.action.text}{command}"]
