"""Decides what stands in the comment of routine maintenance: a checklist for each period, the others kept as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve

from dhash_guard.records.checklist import Memory
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.period import Period
from dhash_guard.records.stage import StageResult, StageStatus
from dhash_guard.report.checklists import Proof, patched, render_sheet
from dhash_guard.report.comment import marker
from dhash_guard.report.escape import Md, clip, code, markdown, one_line
from dhash_guard.report.headline import headline, next_action
from dhash_guard.report.memory import DATA, LINE, boxes_in, remembered
from dhash_guard.report.templates import render_markdown
from dhash_guard.report.words import sentences

VERB = "maintain"
PERIOD = "period"
"""What a person's tick is about: it ends with the day, week, month or quarter."""

_SECTION = re.compile(r"<!-- dhash-guard:section:(?P<name>[a-z]+) -->\n.*?<!-- dhash-guard:end:(?P=name) -->", re.DOTALL)
_MOST = 300
"""Characters of what is said behind a box; the run's record has all of it."""


def render_maintenance(
    evidence: Evidence, period: Period, memory: Memory, bodies: Sequence[str], *, templates: Path | None = None
) -> str:
    """The comment with this run's period in it, and the other periods as they stand in `bodies`, the oldest comment first.

    `memory` is what people did to the boxes. Where the run says nothing new of the same day, week, month or quarter, the
    text is the one that is there: a proof names the run that gave it first. Raise UsageProblem for a broken template.
    """
    name, now = period.value, period.of(evidence.run.started_at)
    sheet = render_sheet(
        f"maintenance-{name}", memory, proofs=proofs_of(evidence), subjects={PERIOD: now}, templates=templates
    )
    head, action = headline(evidence), next_action(evidence)
    title = f"### {head.mark.symbol} {head.mark.word}: {name}, {now}"
    next_ = f"**Next:** {markdown(clip(action.text, _MOST))}" + (f" {code(action.command)}" if action.command else "")
    section = f"{title}\n\n{next_}\n\n{DATA.sub('', sheet.text).strip()}"
    sections = _sections(bodies) | {name: f"<!-- dhash-guard:section:{name} -->\n{section}\n<!-- dhash-guard:end:{name} -->"}
    context = {
        "marker": Md(marker(VERB, evidence.run.environment)),
        "title": Md(f"Maintenance: **{markdown(f'{evidence.run.service} on {evidence.run.environment}')}**"),
        "sections": [Md(sections[one.value]) for one in Period if one.value in sections],
    }
    text = render_markdown("maintenance.md", context, templates)
    shown = {**{box: known for box, known in memory.shown.items() if box in boxes_in(text)}, **sheet.memory.shown}
    body = patched(text, evolve(sheet.memory, shown=shown))
    return bodies[0] if len(bodies) == 1 and _says(bodies[0]) == _says(body) else body


def proofs_of(evidence: Evidence) -> dict[str, Proof]:
    """What the run proves, by the names of its stages with hyphens; what does not hold says why."""
    return {stage.name.replace(" ", "-"): _proof(stage, evidence.run.id) for stage in evidence.stages}


def _proof(stage: StageResult, run: str) -> Proof:
    text = clip(one_line(sentences(stage.text)), _MOST)
    if stage.status is StageStatus.PASSED:
        return Proof(True, f"{text} (run {run})")
    return Proof(False, f"{stage.status.value.replace('-', ' ')}: {text}")


def _sections(bodies: Sequence[str]) -> dict[str, str]:
    """Each period's part of the comment as it stands, of the oldest comment that has it."""
    found: dict[str, str] = {}
    for body in bodies:
        for section in _SECTION.finditer(body.replace("\r\n", "\n")):
            found.setdefault(section["name"], section[0])
    return found


def _says(body: str) -> str:
    """The body without what only names the run that proved a box."""
    body = body.replace("\r\n", "\n").rstrip()
    shown: Mapping[str, object] = {name: one for name, one in remembered(body).shown.items() if one.proved and one.on}
    return LINE.sub(lambda line: line[0].removesuffix(line["note"]) if line["id"] in shown else line[0], body)
