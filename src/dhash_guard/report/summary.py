"""Decides what stands in the summary of a GitHub job: the comment's facts in full, and the stages as a chart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Tick
from dhash_guard.records.stage import StageResult, StageStatus
from dhash_guard.report.checklist import boxes, render_checklist
from dhash_guard.report.comment import Links, spans, written_links
from dhash_guard.report.escape import Md
from dhash_guard.report.fitting import Fit, cut, fitted
from dhash_guard.report.templates import render_markdown
from dhash_guard.report.views import view

BUDGET = 900_000
"""Bytes; GitHub drops a step's summary above 1 MiB."""

_MOST_BARS = 40
_TAGS = {StageStatus.PASSED: "done, ", StageStatus.FAILED: "crit, ", StageStatus.CANNOT_TELL: "active, "}


def render_summary(
    evidence: Evidence, ticks: Sequence[Tick], *, links: Links = (), templates: Path | None = None, budget: int = BUDGET
) -> str:
    """The job summary as Markdown within the budget, counted in bytes."""
    shown = view(evidence, ticks)
    chart = Md(gantt(evidence.stages))

    def render(fit: Fit) -> str:
        context = {**spans(shown, fit), **cut(shown, fit), "links": written_links(links), "chart": chart}
        context["checklist"] = render_checklist(boxes(evidence), templates=templates)
        return render_markdown("summary.md", context, templates, most=fit.most)

    return fitted(render, lambda text: len(text.encode("utf-8")), budget)


def gantt(stages: Sequence[StageResult]) -> str:
    """The stages as a Mermaid chart, empty where there is nothing to compare."""
    drawn = [stage for stage in stages if 0 <= stage.started_at < 1e11 and 0 <= stage.seconds < 1e9][:_MOST_BARS]
    if len(drawn) < 2:
        return ""
    head = [
        "```mermaid",
        "gantt",
        "    dateFormat x",
        "    axisFormat %H:%M:%S",
        "    todayMarker off",
        "    section Stages",
    ]
    return "\n".join([*head, *(_bar(stage, i) for i, stage in enumerate(drawn)), "```"])


def _bar(stage: StageResult, i: int) -> str:
    begin = round(stage.started_at * 1000)
    end = begin + max(round(stage.seconds * 1000), 1000)
    return f"    {_name(stage.name)} :{_TAGS.get(stage.status, '')}s{i}, {begin}, {end}"


def _name(name: str) -> str:
    """A name that Mermaid reads as nothing but a name."""
    return re.sub(r"[^A-Za-z0-9 _./()-]+", " ", name).strip(" -./()")[:40].strip() or "stage"
