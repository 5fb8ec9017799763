"""Decides what stands in the pull-request comment: the marker at byte 0, the verdict, one next action, and what failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Tick
from dhash_guard.report.escape import Md, code, link, markdown
from dhash_guard.report.fitting import Fit, cut, fitted
from dhash_guard.report.templates import render_markdown
from dhash_guard.report.views import View, view

BUDGET = 60_000
"""Characters; GitHub refuses a comment at 65,536."""

_WHOLE = 600

Links = Sequence[tuple[str, str]]
"""Words and https address of what the caller can link to: the run, the report, the runbook."""


def marker(verb: str, environment: str) -> str:
    """The hidden first line by which a comment is found again; foreign names cannot end or forge it."""
    return f"<!-- dhash-guard:v1:{_plain(verb)}:{_plain(environment)} -->"


def _plain(name: str) -> str:
    # Runs of dashes would end an HTML comment; escapes keep different names different.
    kept = re.sub(r"[^A-Za-z0-9._-]", lambda found: f"_{ord(found[0]):x}_", name)
    return re.sub(r"-(?=-|$)", "_2d_", kept)[:200]


def render_comment(
    evidence: Evidence, ticks: Sequence[Tick], *, links: Links = (), templates: Path | None = None, budget: int = BUDGET
) -> str:
    """The comment as Markdown within the budget; equal input gives equal text, so unchanged content needs no write."""
    shown = view(evidence, ticks)
    first = Md(marker(evidence.run.verb, evidence.run.environment))

    def render(fit: Fit) -> str:
        context = {"marker": first, **spans(shown, fit), **cut(shown, fit), "links": written_links(links)}
        return render_markdown("comment.md", context, templates, most=fit.most)

    return fitted(render, len, budget)


def spans(shown: View, fit: Fit) -> dict[str, object]:
    """The parts of a page that carry Markdown of ours: title, next action, code spans."""
    head = shown.headline
    where, dry = markdown(head.target[: fit.most]), "Dry run: " if head.dry_run else ""
    commit = f" · {code(head.commit)}" if head.commit else ""
    # A command that was cut would be another command: it stands whole, or not at all.
    command = code(shown.action.command) if 0 < len(shown.action.command) <= _WHOLE else Md("")
    return {
        "title": Md(f"{head.mark.symbol} {dry}{head.mark.word}: **{where}** — {markdown(head.counts)}{commit}"),
        "command": command,
        "verify": code(shown.verify),
        "code": lambda text: code(str(text)[: fit.most]),
    }


def written_links(links: Links) -> list[Md]:
    """The caller's links as Markdown; an address that is not https stays text."""
    return [link(text[:80], address) for text, address in links[:6]]
