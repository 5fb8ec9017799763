"""Brings the one comment of a pull request up to date with what this leg found."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.github import CommentResult, Issues, Outcome, upsert
from dhash_guard.records.context import RunContext
from dhash_guard.records.leg import LegReport
from dhash_guard.report.comment import marker
from dhash_guard.report.legs import merged, render_legs
from dhash_guard.system import Machine

SUPERSEDED = "the pull request has moved on to another commit; nothing was written"


def comment_leg(
    machine: Machine, issues: Issues, context: RunContext, report: LegReport, expected: Sequence[str]
) -> CommentResult:
    """Merge `report` into the comment; many legs may do so at once and none is lost. Raise GithubProblem.

    A leg whose commit is no longer the head of the pull request writes nothing: it would overwrite what is true now.
    """
    assert context.pull_request is not None
    ours = evolve(report, commit=context.sha or report.commit)
    if issues.pull_request(context.pull_request).head_sha != ours.commit:
        body = render_legs({ours.leg: ours}, expected)
        return CommentResult(outcome=Outcome.UNCHANGED, body=body, requests=issues.requests_made, notes=(SUPERSEDED,))
    links = [("the run", context.run_url)] if context.run_url.startswith("https://") else []

    def compose(bodies: Sequence[str]) -> str:
        return render_legs(merged(bodies, ours), expected, links=links)

    return upsert(issues, context.pull_request, marker("premerge", report.environment), compose, machine.clock)
