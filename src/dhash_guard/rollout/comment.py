"""Brings the one comment of a pull request up to date with what this leg found."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from dhash_guard.github import CommentResult, Issues, Outcome, upsert
from dhash_guard.records.context import RunContext
from dhash_guard.records.leg import LegReport
from dhash_guard.report.comment import marker
from dhash_guard.report.legs import merged, render_legs, slim
from dhash_guard.system import Machine

SETTLE = 1.5
"""Seconds: longer than another leg needs between reading the comment and writing it, so that what it overwrote is seen.

GitHub has no conditional write for comments; looking again until nothing is missing is what keeps every leg.
"""

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
        return render_legs(merged(bodies, ours), expected, links=links, templates=templates)

    first = marker("premerge", report.environment)
    result = upsert(issues, context.pull_request, first, compose, machine.clock)
    for _ in range(_ROUNDS if len(expected) > 1 else 0):
        if result.outcome in (Outcome.UNCHANGED, Outcome.DEFERRED):
            break
        machine.clock.sleep(_settling(ours.leg))
        again = upsert(issues, context.pull_request, first, compose, machine.clock)
        kept = result.outcome if again.outcome is Outcome.UNCHANGED else again.outcome
        result = evolve(again, outcome=kept, requests=result.requests + again.requests)
        if again.outcome is Outcome.UNCHANGED:
            break
    return result


def _settling(leg: str) -> float:
    """How long to wait before looking again, different for each leg so that two do not meet for ever."""
    return SETTLE + zlib.crc32(leg.encode()) % 1000 / 1000
