"""Sets our status on a commit: one context, one short line, and no write where it says so already."""

from __future__ import annotations

import re

from attrs import frozen

from dhash_guard.errors import UsageProblem
from dhash_guard.github.diagnosis import foreign
from dhash_guard.github.once import once
from dhash_guard.github.ports import CommitStatus, State, Statuses
from dhash_guard.system.clock import Clock

PREFIX = "dhash-guard/"

LONGEST_DESCRIPTION = 140
"""Characters that GitHub takes."""


@frozen(kw_only=True)
class StatusResult:
    """The status as it stands, whether it had to be written, and how many requests that took."""

    status: CommitStatus
    changed: bool
    requests: int


def set_status(
    statuses: Statuses, sha: str, context: str, state: State, description: str, clock: Clock, target_url: str = ""
) -> StatusResult:
    """Set `dhash-guard/<context>` on a commit (a whole id); raise UsageProblem or GithubProblem."""
    before = statuses.requests_made
    wanted = _wanted(sha, context, state, description, target_url)

    def look() -> CommitStatus | None:
        return next((there for there in statuses.statuses(sha) if there == wanted), None)

    there = look()
    standing = there or once(lambda: statuses.set_status(sha, wanted), look, clock)
    return StatusResult(status=standing, changed=there is None, requests=statuses.requests_made - before)


def _wanted(sha: str, context: str, state: State, description: str, target_url: str) -> CommitStatus:
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", sha):
        raise UsageProblem(f"{sha[:80]!r} is no commit id", cure="A status needs the whole id, not a name or a short one.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9/._-]{0,80}", context):
        raise UsageProblem(f"{context[:80]!r} cannot name a status", cure="Use lower-case letters, digits, and - _ . /")
    if target_url and not re.fullmatch(r"https?://[^\s\x00-\x1f]+", target_url):
        raise UsageProblem(f"{target_url[:80]!r} is no web address", cure="A status links to http or https.")
    return CommitStatus(
        context=PREFIX + context,
        state=state,
        description=foreign(description, LONGEST_DESCRIPTION),
        target_url=target_url,
    )
