"""Decides whether a request to GitHub is sent again, and after how long."""

from __future__ import annotations

from attrs import frozen

from dhash_guard.github.errors import GithubProblem, RateLimited, Silent

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""A second POST could make a second comment, and a second PATCH could undo what came between: those are never repeated."""


@frozen(kw_only=True)
class Patience:
    """How long GitHub is waited for; times are seconds."""

    retries: int = 3
    timeout: int = 15
    """For one try."""
    longest_wait: float = 60.0
    """For all the waits of one request together: a deployment does not stand still for an hour."""
    backoff: float = 1.0
    most_requests: int = 500
    """Of one run, repetitions included: half of what a job's token has in an hour. Only waves of many targets come near."""
    dark: float = 120.0
    """After a request that nobody answered, further ones are tried once only for so long."""
    between_writes: float = 0.25
    """GitHub asks for a second; what one run writes, about five things, is far from its limit of 80 a minute."""


def pause(problem: GithubProblem, retries: int, waited: float, patience: Patience) -> float | None:
    """Seconds to wait before a repeatable request is tried again, or None to give up.

    `retries` tries were repeated already, and `waited` seconds went by between them.
    """
    if retries >= patience.retries or not isinstance(problem, RateLimited | Silent):
        return None
    wait = max(problem.wait, patience.backoff * 2.0**retries)
    return wait if waited + wait <= patience.longest_wait else None
