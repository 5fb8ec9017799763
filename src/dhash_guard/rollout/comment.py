"""Brings the one comment of a pull request up to date with what this leg found."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from dhash_guard.github import CommentResult, Issues, Outcome, upsert
from dhash_guard.records.context import RunContext
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import LegReport
from dhash_guard.records.sample import Tick
from dhash_guard.report.checklist import sheet_of
from dhash_guard.report.checklists import COMMIT, render_sheet
from dhash_guard.report.comment import BUDGET, Links, marker, render_comment
from dhash_guard.report.legs import merged, render_legs, slim
from dhash_guard.report.memory import recalled
from dhash_guard.system import Machine

SETTLE = 1.5
"""Seconds: longer than another leg needs between reading the comment and writing it, so that what it overwrote is seen.

GitHub has no conditional write for comments; looking again until nothing is missing is what keeps every leg.
"""

SKEW = 10.0
"""Seconds by which this clock may be ahead of GitHub's: what people do is dated by theirs."""

_ROUNDS = 6

SUPERSEDED = "the pull request has moved on to another commit; nothing was written"


def comment_leg(
    machine: Machine,
    issues: Issues,
    context: RunContext,
    report: LegReport,
    expected: Sequence[str],
    *,
    templates: Path | None = None,
) -> CommentResult:
    """Merge `report` into the comment; many legs may do so at once and none is lost. Raise GithubProblem.

    A leg whose commit is no longer the head of the pull request writes nothing: it would overwrite what is true now.
    """
    assert context.pull_request is not None
    ours = slim(evolve(report, commit=context.sha or report.commit))
    if issues.pull_request(context.pull_request).head_sha != ours.commit:
        body = render_legs({ours.leg: ours}, expected)
        return CommentResult(outcome=Outcome.UNCHANGED, body=body, requests=issues.requests_made, notes=(SUPERSEDED,))
    links = [("the run", context.run_url)] if context.run_url.startswith("https://") else []

    def compose(bodies: Sequence[str]) -> str:
        memory = recalled(bodies, None, since)
        return render_legs(merged(bodies, ours), expected, links=links, templates=templates, memory=memory)

    since = machine.clock.now() - SKEW
    first = marker("premerge", report.environment)
    result = upsert(issues, context.pull_request, first, compose, machine.clock)
    for _ in range(_ROUNDS if len(expected) > 1 else 0):
        if result.outcome in (Outcome.UNCHANGED, Outcome.DEFERRED):
            break
        machine.clock.sleep(_settling(ours.leg))
        since = machine.clock.now() - SKEW
        again = upsert(issues, context.pull_request, first, compose, machine.clock)
        kept = result.outcome if again.outcome is Outcome.UNCHANGED else again.outcome
        result = evolve(again, outcome=kept, requests=result.requests + again.requests)
        if again.outcome is Outcome.UNCHANGED:
            break
    return result


def comment_run(
    machine: Machine,
    issues: Issues,
    number: int,
    evidence: Evidence,
    ticks: Sequence[Tick],
    *,
    links: Links = (),
    templates: Path | None = None,
) -> CommentResult:
    """Bring the comment of a verb up to date, with its checklist where it has one. Raise GithubProblem."""
    first, since = marker(evidence.run.verb, evidence.run.environment), machine.clock.now() - SKEW
    sheet = sheet_of(evidence)
    if sheet is None:
        body = render_comment(evidence, ticks, links=links, templates=templates)
        return upsert(issues, number, first, body, machine.clock)
    name, proofs = sheet

    def compose(bodies: Sequence[str]) -> str:
        memory, subjects = recalled(bodies, None, since), {COMMIT: evidence.run.commit}
        boxes = render_sheet(name, memory, proofs=proofs, subjects=subjects, templates=templates).text
        below = f"\n<details><summary>Checklist</summary>\n\n{boxes}\n\n</details>\n"
        budget = max(BUDGET - len(below), 0)
        return render_comment(evidence, ticks, links=links, templates=templates, budget=budget).rstrip("\n") + "\n" + below

    return upsert(issues, number, first, compose, machine.clock)


def _settling(leg: str) -> float:
    """How long to wait before looking again, different for each leg so that two do not meet for ever."""
    return SETTLE + zlib.crc32(leg.encode()) % 1000 / 1000
