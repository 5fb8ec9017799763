"""Decides what stands in the comment that the legs of a pre-merge matrix share, and how one leg is merged into it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from dhash_guard.records.checklist import Memory
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.checklist import leg_proofs
from dhash_guard.report.checklists import COMMIT, Proof, render_sheet
from dhash_guard.report.comment import Links, marker, written_links
from dhash_guard.report.escape import Md, clip, code, element, markdown
from dhash_guard.report.templates import render_markdown
from dhash_guard.report.words import STAGES, WARNED, plural, sentences

BUDGET = 60_000
SHEET = "pr"
"""The checklist of this comment, `checklist-pr.md`."""

_DATA = re.compile(r"<!-- dhash-guard:legs:([A-Za-z0-9_-]+=*) -->")
_UNPACKED = 2_000_000
_FITS = ((600, 40), (200, 20), (60, 8))
"""Characters of a value, and how many stages and findings are written out: from generous to bare."""

_KEPT = (8, 400)
"""Findings of a stage and characters of a text that travel in the comment; the result file has all of them."""

_RANK = {"no-go": 0, "cannot-tell": 1, "proceed": 2}
_BAD_FIRST = {StageStatus.FAILED: 0, StageStatus.CANNOT_TELL: 1}


@frozen(kw_only=True)
class Row:
    """One stage over all legs: a cell per leg, the worst first."""

    name: str
    cells: tuple[Md, ...]
    worst: int


@frozen(kw_only=True)
class Trouble:
    """What one leg has to say of one stage that did not pass."""

    leg: str
    stage: LegStage

    @property
    def text(self) -> str:
        """What happened, up to where it begins to repeat the findings that are listed below it."""
        first = next(iter(self.stage.findings), "").split(" → ")[0]
        at = self.stage.text.find(first) if first else -1
        return sentences(self.stage.text[:at].rstrip(" :") if at > 0 else self.stage.text)


def merged(bodies: Sequence[str], ours: LegReport) -> dict[str, LegReport]:
    """The legs that stand in earlier bodies of this comment, with ours in its place.

    Legs of another commit are dropped: they say nothing of this one. What cannot be read is treated as not there.
    """
    legs: dict[str, LegReport] = {}
    for body in bodies:
        for leg in _embedded(body):
            if leg.commit == ours.commit and leg.environment == ours.environment:
                legs.setdefault(leg.leg, leg)
    return legs | {ours.leg: ours}


def slim(report: LegReport) -> LegReport:
    """The leg as it travels in the comment: without what differs from run to run, and cut to a size that always fits."""
    findings, longest = _KEPT
    stages = tuple(
        evolve(
            stage,
            text=clip(stage.text, longest),
            findings=tuple(clip(finding, longest) for finding in stage.findings[:findings]),
            warnings=tuple(clip(warning, longest) for warning in stage.warnings[:findings]),
            seconds=0.0,
        )
        for stage in report.stages
    )
    return evolve(report, stages=stages, evidence="", head="", run="", attempt=0)


def render_legs(
    legs: Mapping[str, LegReport],
    expected: Sequence[str],
    *,
    links: Links = (),
    templates: Path | None = None,
    memory: Memory = Memory(),
    trusted: bool = True,
) -> str:
    """The comment over all legs within the budget; equal legs give equal text, so unchanged content needs no write.

    `memory` is what people did to the boxes of its checklist. What is not `trusted` (a fork's own results) is shown, and
    ticks no box.
    """
    names = list(dict.fromkeys([*expected, *sorted(legs)]))
    known = [legs[name] for name in names if name in legs]
    first = known[0]
    rows = _rows(names, legs)
    trouble = [Trouble(leg=leg.leg, stage=stage) for leg in known for stage in leg.stages if stage.status in _BAD_FIRST]
    warnings = [(leg.leg, stage.name, text) for leg in known for stage in leg.stages for text in stage.warnings]
    missing = [name for name in names if name not in legs]
    data = Md(f"<!-- dhash-guard:legs:{_packed(known)} -->")
    subjects = {COMMIT: first.commit}
    proofs = leg_proofs(legs, expected)
    if not trusted:
        proofs = {name: Proof(False, "claimed by the run of a fork, not proven here") for name in proofs}
    sheet = render_sheet(SHEET, memory, proofs=proofs, subjects=subjects, templates=templates)
    for most, shown in _FITS:
        context = {
            "marker": Md(marker("premerge", first.environment)),
            "title": _title(known, missing, names),
            "next": _next(trouble, missing, known),
            "legs": [code(name) for name in names],
            "rows": rows,
            "trouble": trouble[:shown],
            "more": max(0, len(trouble) - shown),
            "findings": shown,
            "checklist": sheet.text,
            "warnings": warnings[:shown],
            "links": written_links(links),
            "code": lambda text, most=most: code(clip(str(text), most)),
            "element": lambda text, most=most: element(clip(str(text), most)),
            "data": data,
        }
        body = render_markdown("legs.md", context, templates, most=most)
        if len(body) <= BUDGET:
            break
    return body


def _rows(names: Sequence[str], legs: Mapping[str, LegReport]) -> list[Row]:
    stages = list(dict.fromkeys(stage.name for name in names if name in legs for stage in legs[name].stages))
    rows = []
    for stage in stages:
        found = [next((s for s in legs[name].stages if s.name == stage), None) if name in legs else None for name in names]
        worst = min((_BAD_FIRST.get(s.status, 2) for s in found if s is not None), default=2)
        rows.append(Row(name=stage, cells=tuple(_cell(s) for s in found), worst=worst))
    return sorted(rows, key=lambda row: row.worst)


def _cell(stage: LegStage | None) -> Md:
    if stage is None:
        return Md("…")
    mark = STAGES[stage.status]
    warned = f", {WARNED.symbol} {plural(len(stage.warnings), WARNED.word)}" if stage.warnings else ""
    return Md(f"{mark.symbol} {mark.word}{warned}")


def _title(known: Sequence[LegReport], missing: Sequence[str], names: Sequence[str]) -> Md:
    worst = min((_RANK.get(leg.result, 1) for leg in known), default=1)
    passed = sum(leg.result == "proceed" for leg in known)
    if worst == 0:
        mark, word = "❌", "Not ready"
    elif worst == 1:
        mark, word = "❔", "Cannot tell"
    elif missing:
        mark, word = "⏳", "Waiting"
    else:
        mark, word = "✅", "Ready to merge"
    first = known[0]
    target = markdown(f"{first.service} for {first.environment}")
    commit = f" · {code(first.commit[:7])}" if first.commit else ""
    return Md(f"{mark} {word}: **{target}** — {passed} of {len(names)} systems passed{commit}")


def _next(trouble: Sequence[Trouble], missing: Sequence[str], known: Sequence[LegReport]) -> str:
    """Exactly one thing to do."""
    for status in (StageStatus.FAILED, StageStatus.CANNOT_TELL):
        for found in trouble:
            if found.stage.status is status:
                what = found.stage.findings[0] if found.stage.findings else sentences(found.stage.text)
                return f"mend “{found.stage.name}” on {found.leg}: {clip(what, 300)}"
    if missing:
        return f"wait for {', '.join(missing)}."
    for leg in known:
        skipped = [stage.name for stage in leg.stages if stage.status is StageStatus.SKIPPED]
        if leg.result != "proceed":
            return f"rehearse on {leg.leg} without leaving anything out: {', '.join(skipped) or 'no leg ran'}."
    return f"merge when the review agrees; {known[0].environment} was rehearsed."


def _packed(legs: Sequence[LegReport]) -> str:
    content = json.dumps([to_data(leg) for leg in legs], ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(content.encode("ascii"), 9)).decode("ascii")


def _embedded(body: str) -> list[LegReport]:
    """The legs that a body carries; nothing for anything that is not exactly what we write."""
    found = _DATA.search(body)
    if found is None:
        return []
    try:
        packed = base64.urlsafe_b64decode(found[1])
        content = zlib.decompressobj().decompress(packed, _UNPACKED)
        return [from_data(LegReport, data) for data in json.loads(content)]
    except (ValueError, zlib.error, TypeError):
        return []
