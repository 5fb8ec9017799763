"""Keeps GitHub's record of a deployment: one per attempt, its statuses through its life, and which one is live."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode

from attrs import frozen

from dhash_guard.errors import UsageProblem
from dhash_guard.github.api import GithubApi
from dhash_guard.github.diagnosis import foreign
from dhash_guard.github.errors import Silent
from dhash_guard.github.fields import get, maybe, number, text
from dhash_guard.github.once import once
from dhash_guard.system.clock import Clock

READ_DEPLOYMENTS, WRITE_DEPLOYMENTS = "deployments: read", "deployments: write"
READ_CONTENTS = "contents: read"

DEPLOY, ROLLBACK = "dhash-guard:deploy", "dhash-guard:rollback"
"""Tasks of our own records; those that a job with `environment:` makes by itself have the task `deploy`."""

LONGEST_DESCRIPTION = 140
"""Characters that GitHub takes."""

_AUTOMATIC = "deploy"
_LOOKED_AT = 30
"""Records that are looked through for what is live: enough for a bad week, few enough for one request."""


class Progress(Enum):
    """What a status of a deployment says."""

    QUEUED = "queued"
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    INACTIVE = "inactive"


@frozen(kw_only=True)
class Recorded:
    """A deployment as GitHub has it; `payload` is whatever was written there, by us or by others."""

    id: int
    sha: str
    task: str
    environment: str
    payload: Mapping[str, Any]

    @property
    def tag(self) -> str:
        """The release that our own payload names."""
        return maybe(self.payload, "tag")


@frozen(kw_only=True)
class Live:
    """The newest record of an environment that ended well, and how many newer ones did not."""

    recorded: Recorded
    newer: int


@frozen(kw_only=True)
class Wanted:
    """The record that is to be there: `key` is written into its payload and tells it from every other attempt."""

    sha: str
    environment: str
    task: str
    key: str
    description: str
    production: bool
    payload: Mapping[str, Any]


class DeploymentRecords:
    """The deployments of `api`'s repository. Every method raises GithubProblem."""

    def __init__(self, api: GithubApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._root = f"/repos/{api.transport.context.full_name}"

    def opened(self, wanted: Wanted) -> Recorded:
        """The record of this attempt: ours where it was made before, the job's own where it has one, else a new one.

        A job with `environment:` has got a record of its own for this commit, whose statuses link to its run; that one is
        used, so that nothing appears twice (actions/runner#2120: it cannot be switched off).
        """

        def look() -> Recorded | None:
            there = self.listing(wanted.environment, sha=wanted.sha)
            ours = (one for one in there if one.task == wanted.task and maybe(one.payload, "key") == wanted.key)
            return next(ours, None)

        return look() or self._of_this_run(wanted) or once(lambda: self._create(wanted), look, self._clock)

    def _of_this_run(self, wanted: Wanted) -> Recorded | None:
        run_url = self._api.transport.context.run_url
        if not run_url or wanted.task != DEPLOY:
            return None
        for one in self.listing(wanted.environment, sha=wanted.sha, task=_AUTOMATIC)[:5]:
            links = [maybe(status, name) for status in self._statuses(one.id) for name in ("log_url", "target_url")]
            if any(link == run_url or link.startswith(f"{run_url}/") for link in links):
                return one
        return None

    def _create(self, wanted: Wanted) -> Recorded:
        body = {
            "ref": wanted.sha,
            "task": wanted.task,
            "environment": wanted.environment,
            "description": foreign(wanted.description, LONGEST_DESCRIPTION),
            "payload": {**wanted.payload, "key": wanted.key},
            "production_environment": wanted.production,
            # GitHub's defaults would merge the base into the branch, and refuse while any check is not a success.
            "auto_merge": False,
            "required_contexts": [],
        }
        return _recorded(
            self._api.transport.call("POST", f"{self._root}/deployments", need=WRITE_DEPLOYMENTS, body=body).data
        )

    def listing(self, environment: str, *, sha: str = "", task: str = "") -> list[Recorded]:
        """The newest records of an environment, newest first, at most thirty."""
        asked = {"environment": environment, "per_page": str(_LOOKED_AT)}
        asked |= {name: value for name, value in {"sha": sha, "task": task}.items() if value}
        path = f"{self._root}/deployments?{urlencode(asked)}"
        data = self._api.transport.call("GET", path, need=READ_DEPLOYMENTS).data
        if not isinstance(data, list):
            raise Silent("GitHub answered something else than a list", where=path)
        return [_recorded(one) for one in data]

    def say(self, recorded_id: int, progress: Progress, description: str) -> bool:
        """Add a status unless the newest one says the same already; return whether one was written."""
        told = foreign(description, LONGEST_DESCRIPTION)

        def look() -> bool | None:
            newest = next(iter(self._statuses(recorded_id)), None)
            same = newest is not None and (maybe(newest, "state"), maybe(newest, "description")) == (progress.value, told)
            return True if same else None

        if look():
            return False
        body = {"state": progress.value, "description": told}
        if run_url := self._api.transport.context.run_url:
            body["log_url"] = run_url
        path = f"{self._root}/deployments/{recorded_id}/statuses"

        def write() -> bool:
            self._api.transport.call("POST", path, need=WRITE_DEPLOYMENTS, body=body)
            return True

        return once(write, look, self._clock)

    def progress(self, recorded_id: int) -> str:
        """What the newest status of a record says; empty where it has none."""
        return next((maybe(status, "state") for status in self._statuses(recorded_id)), "")

    def live(self, environment: str) -> Live | None:
        """What is live: the newest record that ended in success. Never "the one that is not inactive".

        GitHub makes no record of a production environment inactive by itself, so there old ones stay successes for ever.
        """
        for newer, one in enumerate(self.listing(environment)):
            if self.progress(one.id) == Progress.SUCCESS.value:
                return Live(recorded=one, newer=newer)
        return None

    def _statuses(self, recorded_id: int) -> list[dict[str, Any]]:
        path = f"{self._root}/deployments/{recorded_id}/statuses?per_page=100"
        data = self._api.transport.call("GET", path, need=READ_DEPLOYMENTS).data
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            raise Silent("GitHub answered something else than a list", where=path)
        return data


def commit_of(api: GithubApi, ref: str) -> str:
    """The commit that a branch or a tag points at now, tags of tags followed; `ref` is refs/heads/… or refs/tags/…."""
    short = ref.removeprefix("refs/")
    if short == ref or not short.startswith(("heads/", "tags/")):
        raise UsageProblem(f"{ref[:80]!r} is neither a branch nor a tag", cure="Expected refs/heads/… or refs/tags/….")
    path = f"/repos/{api.transport.context.full_name}/commits/{quote(short, safe='')}"
    return text(api.transport.call("GET", path, need=READ_CONTENTS).data, "sha")


def _recorded(data: Any) -> Recorded:
    payload: Any = get(data, "payload")
    return Recorded(
        id=number(data, "id"),
        sha=text(data, "sha"),
        task=text(data, "task"),
        environment=text(data, "environment"),
        payload=payload if isinstance(payload, dict) else {},
    )
