"""Says in the comment of the rehearsal that its pull request is merged or closed, after the last leg that still wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dhash_guard.github.comment import CommentResult, upsert
from dhash_guard.github.ports import Issues
from dhash_guard.records.context import RunContext
from dhash_guard.report.closing import finalised
from dhash_guard.rollout.comment import SETTLE
from dhash_guard.system import Machine

_EVENTS = ("pull_request", "pull_request_target")
_MARKER = re.compile(r"<!-- dhash-guard:v1:premerge:[A-Za-z0-9._-]+ -->")


def closed(context: RunContext, payload: Mapping[str, Any]) -> int | str:
    """The number of the pull request that the event closes, or why it closes none."""
    if context.event not in _EVENTS or payload.get("action") != "closed" or context.pull_request is None:
        return "no pull request was closed"
    return context.pull_request


def close_comments(machine: Machine, issues: Issues, number: int) -> list[CommentResult] | str:
    """Bring the comment of each environment to its last form; or why there is nothing to say. Raise GithubProblem.

    GitHub is asked how the pull request stands: events come late, and it may have been opened again.
    """
    pull = issues.pull_request(number)
    if pull.open:
        return f"pull request {number} is open"
    ours = issues.identity().casefold()
    marked = [
        found[0]
        for comment in issues.comments(number)
        if comment.author.casefold() == ours and (found := _MARKER.match(comment.body))
    ]
    if not marked:
        return "there is no comment of this program"

    def compose(bodies: Sequence[str], first: str) -> str:
        return finalised(bodies[0] if bodies else f"{first}\n", merged=pull.merged, commit=pull.head_sha)

    return [
        upsert(
            issues,
            number,
            first,
            lambda bodies, first=first: compose(bodies, first),  # type: ignore[misc]  # a default is no parameter here
            machine.clock,
            ours,
            pause=lambda: machine.clock.sleep(SETTLE),
        )
        for first in dict.fromkeys(marked)
    ]
