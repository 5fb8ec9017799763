"""Asks GitHub who made an evidence artifact: the run, its jobs, the digest; and fetches it without giving the token away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from attrs import field, frozen

from dhash_guard.gates.refusals import Reason, Refused
from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import Silent
from dhash_guard.github.fields import get, maybe, moment, number, text
from dhash_guard.records.statement import Statement, Tier, attempt_in
from dhash_guard.system.http import Http, NoAnswer

READ_ACTIONS = "actions: read"
MOST_RUNS = 100
"""Runs of one commit that are looked at, the newest first."""

_DOWNLOAD = 60.0
_TRIES = 2
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@frozen(kw_only=True)
class RunFacts:
    """One run as GitHub tells it; `started_at` is when its latest attempt began, `workflow` a path without its ref."""

    id: int
    attempt: int
    workflow: str
    event: str
    head_sha: str
    tree: str
    head_repository: str
    repository: str
    repository_id: int
    url: str
    started_at: float


@frozen(kw_only=True)
class Artifact:
    """One artifact; `attempt` is the one that its name tells, `digest` the sha256 of its zip or empty."""

    id: int
    name: str
    attempt: int
    digest: str
    created_at: float
    expires_at: float
    expired: bool


@frozen(kw_only=True)
class JobFacts:
    """One job of an attempt; `ended_at` is None while it runs."""

    name: str
    conclusion: str
    started_at: float
    ended_at: float | None


@frozen
class Provenance:
    """The runs of `api`'s repository in one look: what was listed is not asked for again. Every method raises GithubProblem.

    Artifacts come through `http`; `kept` has those that were fetched by their sha256, for later looks too.
    """

    api: GithubApi
    http: Http
    kept: dict[str, bytes] = field(factory=dict)
    _listed: dict[str, list[Any]] = field(factory=dict, init=False)

    def runs_of(self, commit: str) -> list[RunFacts]:
        """The runs whose head is this commit, the latest first."""
        path = f"{self._root}/actions/runs?head_sha={quote(commit, safe='')}&per_page={MOST_RUNS}"
        if path not in self._listed:
            listed = get(self.api.transport.call("GET", path, need=READ_ACTIONS).data, "workflow_runs")
            if not isinstance(listed, list):
                raise Silent("GitHub answered something else than a list of runs")
            self._listed[path] = listed
        found = [_run(one) for one in self._listed[path]]
        return sorted((run for run in found if run.head_sha == commit), key=lambda run: run.started_at, reverse=True)

    def artifacts_of(self, run: RunFacts, part: str) -> list[Artifact]:
        """The run's evidence of `part`, the latest attempt first."""
        listed = self._pages(f"{self._root}/actions/runs/{run.id}/artifacts", "artifacts")
        found = [_artifact(one, part) for one in listed if attempt_in(maybe(one, "name"), part)]
        return sorted(found, key=lambda one: (one.attempt, one.created_at), reverse=True)

    def jobs_of(self, run: RunFacts) -> list[JobFacts]:
        """The jobs of the run's latest attempt."""
        path = f"{self._root}/actions/runs/{run.id}/attempts/{run.attempt}/jobs"
        return [_job(one) for one in self._pages(path, "jobs")]

    def fetched(self, artifact: Artifact) -> bytes | Refused:
        """The zip, as GitHub's digest says it is; raise Silent where there is no digest to compare with."""
        if artifact.expired:
            raise Silent(f"the artifact {artifact.name} has expired", cure="Make the evidence again.")
        if not artifact.digest:
            raise Silent(
                f"GitHub tells no digest of {artifact.name}", cure="Ask for trust.tier: keyed, from a local ledger."
            )
        if artifact.digest not in self.kept:
            content = self._download(artifact)
            if hashlib.sha256(content).hexdigest() != artifact.digest:
                what = f"{artifact.name} is not what was uploaded"
                return Refused(Reason.DIGEST_MISMATCH, what, "Find out who altered it.")
            self.kept[artifact.digest] = content
        return self.kept[artifact.digest]

    def _download(self, artifact: Artifact) -> bytes:
        """From the address that GitHub names, which is good for a minute and takes no token."""
        trouble = ""
        for _ in range(_TRIES):
            address = self.api.transport.location(f"{self._root}/actions/artifacts/{artifact.id}/zip", need=READ_ACTIONS)
            if not _safe(address, self.api.transport.context.api_url):
                raise Silent("GitHub sends the download to an address that is not encrypted")
            answer = self.http.request("GET", address, timeout=_DOWNLOAD)
            if not isinstance(answer, NoAnswer) and answer.status == 200:
                return answer.body
            trouble = answer.detail if isinstance(answer, NoAnswer) else f"answer {answer.status}"
        raise Silent(f"the artifact {artifact.name} cannot be fetched: {trouble}")

    def _pages(self, path: str, key: str) -> list[Any]:
        if path not in self._listed:
            self._listed[path] = list(self.api.transport.pages(path, need=READ_ACTIONS, key=key))
        return self._listed[path]

    @property
    def _root(self) -> str:
        return f"/repos/{self.api.transport.context.full_name}"


def stated(run: RunFacts, artifact: Artifact | None = None, jobs: Iterable[JobFacts] = ()) -> Statement:
    """What GitHub alone says of an artifact, or of the run before one is known.

    What the evidence is about (environment, configuration, verb, result, tag) is left empty: GitHub does not know it.
    """
    possible = makers(jobs, artifact.created_at) if artifact is not None else []
    late = artifact is not None and artifact.created_at < run.started_at  # of an earlier attempt, whatever it is called
    return Statement(
        tier=Tier.RUN,
        evidence="",
        repository=run.repository,
        repository_id=run.repository_id,
        workflow=run.workflow,
        workflow_sha=run.head_sha,
        event=run.event,
        run=run.id,
        attempt=0 if late else artifact.attempt if artifact is not None else run.attempt,
        job=", ".join(job.name for job in possible),
        conclusion=_together(possible),
        head_repository=run.head_repository,
        environment="",
        commit=run.head_sha,
        tree=run.tree,
        configuration="",
        verb="",
        result="",
        issued_at=artifact.created_at if artifact is not None else run.started_at,
        expires_at=artifact.expires_at if artifact is not None else run.started_at,
        nonce=hashlib.sha256(f"{run.id}/{run.attempt}/{artifact.id if artifact is not None else 0}".encode()).hexdigest(),
    )


def makers(jobs: Iterable[JobFacts], at: float) -> list[JobFacts]:
    """The jobs that ran at that moment: GitHub does not say which of them uploaded an artifact, so all may have."""
    ran = [job for job in jobs if job.conclusion != "skipped"]
    return [job for job in ran if job.started_at <= at and (job.ended_at is None or at <= job.ended_at)]


def _together(jobs: list[JobFacts]) -> str:
    """How they ended: success only where all of them did."""
    return next((job.conclusion for job in jobs if job.conclusion != "success"), "success" if jobs else "unknown")


def _run(data: Any) -> RunFacts:
    return RunFacts(
        id=number(data, "id"),
        attempt=number(data, "run_attempt"),
        workflow=text(data, "path").partition("@")[0],
        event=text(data, "event"),
        head_sha=text(data, "head_sha"),
        tree=maybe(data, "head_commit", "tree_id"),
        head_repository=maybe(data, "head_repository", "full_name"),
        repository=text(data, "repository", "full_name"),
        repository_id=number(data, "repository", "id"),
        url=text(data, "html_url"),
        started_at=moment(data, "run_started_at"),
    )


def _artifact(data: Any, part: str) -> Artifact:
    told = maybe(data, "digest")
    return Artifact(
        id=number(data, "id"),
        name=text(data, "name"),
        attempt=attempt_in(text(data, "name"), part),
        digest=told.removeprefix("sha256:") if told.startswith("sha256:") else "",
        created_at=moment(data, "created_at"),
        expires_at=moment(data, "expires_at"),
        expired=get(data, "expired") is not False,
    )


def _job(data: Any) -> JobFacts:
    done = maybe(data, "status") == "completed"
    return JobFacts(
        name=text(data, "name"),
        conclusion=(maybe(data, "conclusion") or "unknown") if done else maybe(data, "status") or "unknown",
        # A job that waits has no time yet: it cannot have uploaded anything.
        started_at=moment(data, "started_at") if maybe(data, "started_at") else _NEVER,
        ended_at=moment(data, "completed_at") if done and maybe(data, "completed_at") else None,
    )


_NEVER = datetime.max.replace(tzinfo=UTC).timestamp()


def _safe(address: str, api: str) -> bool:
    """Encrypted, or on this machine where the API is too."""
    parts = urlsplit(address)
    local = parts.hostname in _LOOPBACK and urlsplit(api).hostname in _LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))
