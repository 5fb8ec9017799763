"""The command about approvals."""

from __future__ import annotations

from typing import Any

import click

from dhash_guard.cli.hub import open_hub
from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.records.codec import to_data
from dhash_guard.rollout import approvals as asking


@click.command()
@common
@named("--pull", type=click.IntRange(min=1), metavar="NUMBER", help="The pull request; that of the event where left out.")
@named("--commit", metavar="SHA", help="The commit whose pull request is meant; the checked-out one where left out.")
@named("--repository", metavar="OWNER/NAME", help="Another repository than GITHUB_REPOSITORY.")
def approvals(call: Invocation, pull: int | None, commit: str | None, repository: str | None) -> int:
    """Answer whether the approvals are there: 0 verified, 1 missing, 3 unverifiable, with the reason."""
    from dhash_guard.github.approvals import ReviewReader

    api = open_hub(call.machine, repository)
    run = call.open("approvals")
    subject = asking.subject_of(api.transport.context, run.facts.commit)
    if pull is not None or commit is not None:
        subject = asking.Subject(pull=pull, commit=commit or "")
    evidence, asked = asking.approvals(run, ReviewReader(api), subject)
    return call.finish(run, evidence, more={"approvals": _data(asked), "requests": api.requests_made})


def _data(asked: asking.Asked | None) -> Any:
    if asked is None:
        return None
    return {"pull_request": to_data(asked.pull), "standing": asked.answer.standing.value} | to_data(asked.answer)
