"""Decides what a refusal of GitHub means: the same 403 may be a missing permission, a fork, a lock or a rate limit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from attrs import frozen

from dhash_guard.github.errors import (
    Forbidden,
    GithubProblem,
    NotAuthorised,
    NotFound,
    RateLimited,
    Silent,
    Unprocessable,
    Why,
)

_SECONDARY_WAIT = 60.0
"""Seconds; what GitHub's documentation asks for where no header says how long."""

_PRIMARY = "api rate limit exceeded"
_SECONDARY = re.compile(r"secondary rate limit|abuse detection|please wait a few minutes before you try again")
_READ_ONLY_RUN = re.compile(r"resource not accessible by integration|write access to repository not granted")


@frozen(kw_only=True)
class Refusal:
    """One answer with a status from 400 up; header names are lower case, `now` is UTC epoch seconds."""

    route: str
    """`POST /repos/o/r/issues/7/comments`"""
    need: str
    """The permission that the route needs as a workflow writes it: `pull-requests: write`."""
    status: int
    message: str
    headers: Mapping[str, str]
    fork: bool = False
    """Whether GitHub gave this run the read-only token of a fork."""
    dependabot: bool = False
    now: float


def diagnose(refusal: Refusal) -> GithubProblem:
    """The problem behind a refusal, with what to do about it."""
    status, said = refusal.status, refusal.message.casefold()
    if status in (403, 429) and (limited := _rate_limited(refusal, said)):
        return limited
    match status:
        case 401:
            return NotAuthorised(
                _what(refusal, "GitHub does not accept the token"),
                status=status,
                cure="Give the job's token (`${{ github.token }}`) or a personal one that has not expired.",
            )
        case 403:
            return _forbidden(refusal, said)
        case 404 | 410:
            return NotFound(
                _what(refusal, "GitHub finds nothing there"),
                status=status,
                cure=f"Check the name; if it is right, the token may not see it: {_grant(refusal)}",
            )
        case _ if status < 500 and status != 408:
            return Unprocessable(
                _what(refusal, "GitHub refuses what was sent"), status=status, cure="The message says what it did not like."
            )
    return Silent(
        _what(refusal, "GitHub failed"),
        status=status,
        wait=_asked_wait(refusal) or 0.0,
        cure="Try again later; https://www.githubstatus.com says whether GitHub is well.",
    )


def foreign(message: str, most: int = 200) -> str:
    """Somebody else's words on one line without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _what(refusal: Refusal, said_by_us: str) -> str:
    theirs = foreign(refusal.message)
    return f"{said_by_us} ({refusal.status}" + (f": {theirs})" if theirs else ")") + f", {refusal.route}"


def _rate_limited(refusal: Refusal, said: str) -> RateLimited | None:
    headers = refusal.headers
    used_up = headers.get("x-ratelimit-remaining", "").strip() == "0"
    primary = said.startswith(_PRIMARY) or (used_up and not _READ_ONLY_RUN.search(said))
    if not (primary or refusal.status == 429 or "retry-after" in headers or _SECONDARY.search(said)):
        return None
    asked = _asked_wait(refusal)
    if asked is None and primary:
        asked = _until_reset(refusal)
    wait = _SECONDARY_WAIT if asked is None else max(asked, 1.0)
    kind = "the hourly limit" if primary else "a secondary limit"
    return RateLimited(
        _what(refusal, f"too many requests, {kind} is reached"),
        status=refusal.status,
        wait=wait,
        cure=f"GitHub asks to wait {wait:.0f} s; run again then, with fewer jobs at once or a token of your own.",
    )


def _asked_wait(refusal: Refusal) -> float | None:
    """Seconds from Retry-After, which may also be a date; None where it is missing or nonsense."""
    value = refusal.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - refusal.now, 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _until_reset(refusal: Refusal) -> float | None:
    value = refusal.headers.get("x-ratelimit-reset", "").strip()
    if not re.fullmatch(r"[0-9]{1,12}", value):
        return None
    return float(value) - refusal.now + 1.0  # it is not said when in that second


def _forbidden(refusal: Refusal, said: str) -> Forbidden:
    why, text, cure = _cause(refusal, said)
    return Forbidden(_what(refusal, text), why=why, status=refusal.status, cure=cure)


def _cause(refusal: Refusal, said: str) -> tuple[Why, str, str]:
    sso = refusal.headers.get("x-github-sso", "")
    if sso or "saml enforcement" in said:
        link = next(iter(re.findall(r"url=(https://\S+)", sso)), "the organisation's page for tokens")
        return Why.SSO, "the organisation wants single sign-on", f"Authorise the token at {link}"
    if "is locked" in said:
        return Why.LOCKED, "the conversation is locked", "Unlock it, or give a token of somebody with write access."
    if "archived" in said:
        return Why.ARCHIVED, "the repository is archived", "Nothing can be written to it until it is unarchived."
    if "ip allow list" in said:
        return Why.ADDRESS, "the organisation does not allow this address", "Add the runner's address to its allow list."
    if refusal.dependabot and _READ_ONLY_RUN.search(said):
        return Why.DEPENDABOT, "runs of Dependabot have a read-only token", _publish_later("Dependabot")
    if refusal.fork and _READ_ONLY_RUN.search(said):
        return Why.FORK, "pull requests of forks have a read-only token", _publish_later("a fork")
    if "not accessible by" in said or "not granted" in said or "must have" in said or _accepted(refusal):
        return Why.PERMISSION, f"the token lacks `{refusal.need}`", _grant(refusal)
    return Why.UNKNOWN, "GitHub forbids this", _grant(refusal)


def _publish_later(who: str) -> str:
    return (
        f"No setting of the job can change this for {who}: keep the comment as an artifact and let a workflow "
        "on `workflow_run` (publish-comment.yml) write it."
    )


def _grant(refusal: Refusal) -> str:
    accepted = _accepted(refusal)
    also = f" (GitHub names: {accepted})" if accepted else ""
    return (
        f"give the job `permissions: {{{refusal.need}}}`{also}; a job's block replaces the workflow's, "
        "and the organisation may allow less."
    )


def _accepted(refusal: Refusal) -> str:
    """The permissions that GitHub itself names, as workflows write them."""
    named = re.findall(r"([a-z_]{2,40})=(read|write|admin)", refusal.headers.get("x-accepted-github-permissions", ""))
    return " or ".join(f"{name.replace('_', '-')}: {level}" for name, level in named[:4])
