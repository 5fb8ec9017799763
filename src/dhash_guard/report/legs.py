"""Decides what stands in the comment that the legs of a pre-merge matrix share, and how one leg is merged into it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from dhash_guard.records.canonical import loads
from dhash_guard.records.checklist import Memory
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.checklist import leg_proofs
from dhash_guard.report.checklists import COMMIT, Proof, render_sheet
from dhash_guard.report.comment import Links, marker, written_links
from dhash_guard.report.escape import Md, clip, code, element, markdown
from dhash_guard.report.templates import render_markdown
from dhash_guard.report.trouble import BAD_FIRST, Trouble, mended_first, troubles
from dhash_guard.report.words import STAGES, WARNED, plural

BUDGET = 60_000
SHEET = "pr"
"""The checklist of this comment, `checklist-pr.md`."""

_DATA = re.compile(r"<!-- dhash-guard:legs:([A-Za-z0-9_-]+=*) -->")
_UNPACKED = 2_000_000
_FITS = ((600, 40), (200, 20), (60, 8))
"""Characters of a value, and how many stages and findings are written out: from generous to bare."""

_KEPT = (8, 400)
"""Findings of a stage and characters of a text that travel in the comment; the result file has all of them."""

_TEXTS = 24_000
"""Bytes of such texts of all legs together; even if none of them can be compressed, the comment stays within its budget."""

_WORD = 20

_RANK = {"no-go": 0, "cannot-tell": 1, "proceed": 2}


@frozen(kw_only=True)
class Row:
    """One stage over all legs: a cell per leg. `worst` sorts: the worst status, then how many legs ended so."""

    name: str
    cells: tuple[Md, ...]
    worst: tuple[int, int]


def merged(bodies: Sequence[str], *ours: LegReport) -> dict[str, LegReport]:
    """The legs that stand in earlier bodies of this comment, with ours (all of one commit) in their places.

    Legs of another commit are dropped: they say nothing of this one. What cannot be read is treated as not there. A leg
    that stands there already stays if it is of a later attempt, or if ours says the same.
    """
    legs: dict[str, LegReport] = {}
    for body in bodies:
        for leg in _embedded(body):
            if leg.commit == ours[0].commit and leg.environment == ours[0].environment:
                there = legs.get(leg.leg)
                legs[leg.leg] = leg if there is None or later(leg, there) else there
    for leg in ours:
        there = legs.get(leg.leg)
        if there is None or not (later(there, leg) or there == evolve(leg, run=there.run, attempt=there.attempt)):
            legs[leg.leg] = leg
    return legs


def later(one: LegReport, other: LegReport) -> bool:
    """Whether `one` is of a later attempt, or of a later run, than `other`; GitHub numbers both upwards."""
    return _order(one) > _order(other)


def _order(leg: LegReport) -> tuple[int, int]:
    return int(leg.run) if re.fullmatch(r"[0-9]{1,20}", leg.run) else 0, leg.attempt


def newest(bodies: Sequence[str], commit: str) -> tuple[int, int]:
    """Run and attempt of the latest leg of a commit that stands in these bodies; zeros where there is none."""
    return max((_order(leg) for body in bodies for leg in _embedded(body) if leg.commit == commit), default=(0, 0))


def commits_in(bodies: Sequence[str]) -> set[str]:
    """The commits whose legs stand in these bodies."""
    return {leg.commit for body in bodies for leg in _embedded(body)}


def slim(report: LegReport, systems: int = 1) -> LegReport:
    """The leg as it travels in the comment: without what differs from run to run, and cut to a size that always fits.

    That size is its part of what `systems` legs may take together; what did not pass is kept longest.
    """
    findings, longest = _KEPT
    room = _TEXTS // max(systems, 1)
    stages = {}
    for place, stage in sorted(enumerate(report.stages), key=lambda one: BAD_FIRST.get(one[1].status, 2)):
        texts: list[str] = []
        for text in (stage.text, *stage.findings[:findings], *stage.warnings[:findings]):
            texts.append(_within(clip(text, longest), room))
            room -= len(texts[-1].encode("utf-8", "replace"))
        told = min(len(stage.findings), findings)
        stages[place] = evolve(
            stage,
            text=texts[0],
            findings=tuple(filter(None, texts[1 : 1 + told])),
            warnings=tuple(texts[1 + told :]),
            seconds=0.0,
        )
    return evolve(report, stages=tuple(stages[place] for place in sorted(stages)), evidence="", head="")


def _within(text: str, room: int) -> str:
    """The text in at most so many bytes, with a mark where it was cut; nothing where there is no room for a word."""
    content = text.encode("utf-8", "replace")
    if len(content) <= room:
        return text
    return content[: room - 3].decode("utf-8", "ignore") + "…" if room > _WORD else ""


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
    trouble = troubles(known)
    warnings = [(leg.leg, stage.name, text) for leg in known for stage in leg.stages for text in stage.warnings if text]
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
            "next": _next(trouble, missing, known, len(names)),
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
        ranks = [BAD_FIRST.get(s.status, 2) for s in found if s is not None]
        worst = min(ranks, default=2)
        wide = ranks.count(worst) if worst < 2 else 0
        rows.append(Row(name=stage, cells=tuple(_cell(s) for s in found), worst=(worst, -wide)))
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
    commit, noun = f" · {code(first.commit[:7])}" if first.commit else "", "system" if len(names) == 1 else "systems"
    return Md(f"{mark} {word}: **{target}** — {passed} of {len(names)} {noun} passed{commit}")


def _next(trouble: Sequence[Trouble], missing: Sequence[str], known: Sequence[LegReport], systems: int) -> str:
    """Exactly one thing to do."""
    if first := mended_first(trouble, systems):
        return first
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
        return [from_data(LegReport, data) for data in loads(content)]
    except (ValueError, zlib.error, TypeError):
        return []
