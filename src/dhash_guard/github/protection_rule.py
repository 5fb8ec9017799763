"""Answers for our own protection rule: a job that waits before an environment may begin, may not, or goes on waiting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

from attrs import frozen

from dhash_guard.errors import UsageProblem
from dhash_guard.github.api import GithubApi
from dhash_guard.github.deployments import WRITE_DEPLOYMENTS
from dhash_guard.github.errors import Forbidden, GithubProblem, NotFound, Silent, Unprocessable, Why
from dhash_guard.github.event import text_at
from dhash_guard.github.fields import get, maybe, text
from dhash_guard.github.once import once
from dhash_guard.system.clock import Clock

EVENT = "deployment_protection_rule"
READ_ACTIONS = "actions: read"

LONGEST_COMMENT = 1024
"""What GitHub takes; whether it counts characters or bytes is not said, so bytes."""

MOST_REPORTS = 10
"""Status reports that GitHub takes for one deployment."""

_CALLBACK = re.compile(r"https?://\S+/repos/([^/\s]+/[^/\s]+)/actions/runs/([0-9]{1,18})/deployment_protection_rule")
_APP_ONLY = (
    "GITHUB_TOKEN cannot answer for a rule, nor can a person's token: give the installation token of the App whose rule "
    "it is as `github-token`; it needs `deployments: write` and `actions: read`."
)


class Ruling(Enum):
    """What is answered; what cannot be told is never one of these."""

    APPROVED = "approved"
    REJECTED = "rejected"


class Arrived(Enum):
    """How an answer is known to have arrived."""

    TAKEN = "GitHub took it"
    RECORDED = "GitHub did not say so, but the run's history has it"
    SETTLED = "GitHub did not say so, but nothing waits there any more"


@frozen(kw_only=True)
class Asked:
    """What the webhook asks: the environment, and the run that waits before it."""

    environment: str
    run: int


def asked(event: str, payload: Mapping[str, Any], full_name: str, where: str) -> Asked | None:
    """What the payload of a `deployment_protection_rule` asks of this repository; None for any other event.

    Raise UsageProblem where it names no environment or no run of the repository.
    """
    if event != EVENT:
        return None
    environment, callback = text_at(payload, "environment"), text_at(payload, "deployment_callback_url")
    found = _CALLBACK.fullmatch(callback)
    if not environment or found is None:
        raise UsageProblem(
            "the payload names no environment, or no run that waits",
            where=where,
            cure=f"Expected what GitHub sends for {EVENT}: environment and deployment_callback_url.",
        )
    if found[1].casefold() != full_name.casefold():
        raise UsageProblem(
            f"the run that waits is one of {found[1][:80]}, but this is {full_name}",
            where=where,
            cure="Answer in the repository that asks.",
        )
    return Asked(environment=environment, run=int(found[2]))


class ProtectionRule:
    """The rule of the App behind `api`'s token, for one run that waits. Every method raises GithubProblem."""

    def __init__(self, api: GithubApi, clock: Clock, run: int) -> None:
        self._api = api
        self._clock = clock
        self.run = run
        self._root = f"/repos/{api.transport.context.full_name}/actions/runs/{run}"

    def commit(self) -> str:
        """The commit that the run is about."""
        return text(self._api.transport.call("GET", self._root, need=READ_ACTIONS).data, "head_sha")

    def waiting(self) -> tuple[str, ...]:
        """The environments that a job of the run still waits for, whichever rule keeps it."""
        return tuple(text(one, "environment", "name") for one in self._list("pending_deployments"))

    def decide(self, environment: str, ruling: Ruling, comment: str) -> Arrived:
        """Let the job begin, or end it; where no answer comes, look before it is said again."""

        def look() -> Arrived | None:
            if any(_says(one, environment, ruling.value, comment) for one in self._list("approvals")):
                return Arrived.RECORDED
            waits = environment.casefold() in (name.casefold() for name in self.waiting())
            return None if waits else Arrived.SETTLED

        return once(lambda: self._send(environment, comment, ruling.value), look, self._clock)

    def report(self, environment: str, comment: str) -> bool:
        """Say something that decides nothing; False where ten reports are there and GitHub would take no more."""
        if len(self._reports(environment)) >= MOST_REPORTS:
            return False

        def look() -> Arrived | None:
            there = any(_says(one, environment, "pending", comment) for one in self._reports(environment))
            return Arrived.RECORDED if there else None

        once(lambda: self._send(environment, comment, ""), look, self._clock)
        return True

    def _reports(self, environment: str) -> list[dict[str, Any]]:
        # Those of other Apps and of earlier attempts count too: one too few costs a line, one too many an error.
        return [one for one in self._list("approvals") if _says(one, environment, "pending")]

    def _send(self, environment: str, comment: str, state: str) -> Arrived:
        body = {"environment_name": environment, "comment": comment} | ({"state": state} if state else {})
        try:
            self._api.transport.call("POST", f"{self._root}/deployment_protection_rule", need=WRITE_DEPLOYMENTS, body=body)
        except Forbidden as problem:
            if problem.why not in (Why.PERMISSION, Why.UNKNOWN):
                raise
            raise Forbidden(problem.what, why=problem.why, status=problem.status, cure=_APP_ONLY) from problem
        except (NotFound, Unprocessable) as problem:
            raise type(problem)(problem.what, status=problem.status, cure=self._cure()) from problem
        return Arrived.TAKEN

    def _cure(self) -> str:
        """What to look at where GitHub knows nothing to be answered: who waits, else whose token it is."""
        with suppress(GithubProblem):
            names = ", ".join(self.waiting()) or "nothing"
            return f"Run {self.run} waits for: {names}. Name one with --protected; if it is there, {_APP_ONLY}"
        return _APP_ONLY

    def _list(self, what: str) -> list[dict[str, Any]]:
        data = self._api.transport.call("GET", f"{self._root}/{what}", need=READ_ACTIONS).data
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            raise Silent("GitHub answered something else than a list", where=f"{self._root}/{what}")
        return data


def _says(review: dict[str, Any], environment: str, state: str, comment: str | None = None) -> bool:
    """Whether an entry of the history says this of the environment, with exactly this comment where one is given."""
    listed = get(review, "environments")
    names = [maybe(one, "name").casefold() for one in (listed if isinstance(listed, list) else [])]
    same = comment is None or maybe(review, "comment").strip() == comment.strip()
    return environment.casefold() in names and maybe(review, "state") == state and same
