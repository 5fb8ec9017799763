"""Decides what the terminal says at the end of a run: the stages, the reason with its arithmetic, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.records.evidence import Evidence
from dhash_guard.report.escape import clip, terminal
from dhash_guard.report.rows import GateRow, StageRow
from dhash_guard.report.views import View, view

_MOST = 400
_ROWS = 12
_NAMED = 5


def print_story(evidence: Evidence, *, report: str = "") -> list[str]:
    """The lines to print; the last ones are always verdict, reason, what was restored, the report, and the next action."""
    shown = view(evidence, ())
    return [_said(line) for line in (*_stages(shown), *_gates(shown.gates), *_ending(shown, report))]


def _said(line: str) -> str:
    # The indentation is ours; a line of foreign words must not begin a command of the job's log.
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + terminal(clip(line, _MOST))


def _stages(shown: View) -> list[str]:
    """A line for each stage, and for what it found; what the reason and the next action say below is left to them."""
    width = max((len(row.name) for row in shown.stages), default=0)
    width = min(width, 28)
    lines = []
    for row in shown.stages:
        text = "" if f"{row.name}: {row.text}" == shown.reason else row.text
        lines.append(f"{row.offset:>9}  {row.mark.word:<11}  {row.name:<{width}}  {row.duration:>7}  {text}".rstrip())
        lines += _findings(row, clip(shown.reason, _MOST), shown.action.cure)
    return lines


def _findings(row: StageRow, reason: str, next_: str) -> list[str]:
    """What is not well, each sentence once with everything that it was found of."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for found in row.findings:
        if found.mark.tone != "good" and f"{found.check}: {found.text}" not in reason:
            alike.setdefault((found.mark.word, found.text, found.cure), []).append(found.check)
    return [
        f"{'':>11}{word}: {_some(checks)}: {text}" + (f" -> {cure}" if cure not in ("", next_) else "")
        for (word, text, cure), checks in alike.items()
    ]


def _some(checks: Sequence[str]) -> str:
    more = f" and {len(checks) - _NAMED} more" if len(checks) > _NAMED else ""
    return ", ".join(checks[:_NAMED]) + more


def _gates(rows: Sequence[GateRow]) -> list[str]:
    """The gates that failed, warned or could not tell."""
    loud = [row for row in rows if row.matters]
    lines = [
        f"  gate {row.gate}: {row.mark.word}: {row.text or row.value} (passes {row.limit}; {row.window})" for row in loud
    ]
    more = [f"  and {len(loud) - _ROWS} more gates; the report has them all"] if len(loud) > _ROWS else []
    return lines[:_ROWS] + more


def _without(reason: str, cure: str) -> str:
    """The reason without the cure at its end, which is the next action."""
    return reason.removesuffix(cure).rstrip().removesuffix(".") if cure and reason.endswith(cure) else reason


def _ending(shown: View, report: str) -> list[str]:
    lines = [f"Verdict:  {shown.headline.text}"]
    if shown.reason:
        code = f" [{shown.reason_code}]" if shown.reason_code else ""
        counter = f" {shown.counterfactual}" if shown.counterfactual else ""
        lines.append(f"Reason:   {_without(shown.reason, shown.action.cure)}{code}{counter}")
    if shown.restoration:
        lines.append(f"Restored: {shown.restoration.backup}: {shown.restoration.sentence}")
    if report:
        lines.append(f"Report:   {report}")
    command = f" {shown.action.command}" if shown.action.command else ""
    return [*lines, f"Next:     {shown.action.text}{command}"]
