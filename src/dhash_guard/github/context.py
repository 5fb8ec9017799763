"""Reads from the environment and the event what a run on GitHub is about; an event that does not fit is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dhash_guard.errors import UsageProblem
from dhash_guard.github.event import About, about, text_at
from dhash_guard.records.canonical import loads
from dhash_guard.records.context import RunContext

DEPENDABOT = "dependabot[bot]"

_LARGEST_EVENT = 32 * 1024 * 1024
"""Bytes; GitHub sends at most 25 MB."""

_TRUSTED_EVENTS = frozenset(
    {
        "", "create", "delete", "deployment", "deployment_status", "label", "merge_group", "milestone", "pull_request",
        "pull_request_review", "pull_request_review_comment", "push", "release", "repository_dispatch", "schedule",
        "workflow_dispatch",
    }
)  # fmt: skip
"""Events that only people with write access can cause, or whose token GitHub makes read-only for strangers."""

_NAME = re.compile(r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+/(?!\.{1,2}$)[A-Za-z0-9._-]+")


def read_context(environ: Mapping[str, str]) -> RunContext:
    """The context of this process; raise UsageProblem naming GITHUB_EVENT_PATH where its file cannot be read."""
    return context_of(environ, read_payload(environ))


def read_payload(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The event's payload, empty where there is none; raise UsageProblem naming the file where it cannot be read."""
    path = environ.get("GITHUB_EVENT_PATH", "")
    return _read_event(Path(path)) if path else {}


def context_of(environ: Mapping[str, str], payload: Mapping[str, Any]) -> RunContext:
    """The context that the runner's variables and the event's payload describe together.

    An event that is not known keeps what the environment says and counts as privileged. Raise UsageProblem where the
    payload lacks what its event always has, or where a variable is malformed.
    """
    event = environ.get("GITHUB_EVENT_NAME", "")
    where = environ.get("GITHUB_EVENT_PATH") or "the event's payload"
    owner, repository = _repository(environ, payload, where)
    found = about(event, payload, environ.get("GITHUB_SHA", ""), where)
    actor = environ.get("GITHUB_ACTOR") or text_at(payload, "sender.login")
    return _joined(environ, event, owner, repository, found, actor)


def privileged(event: str) -> bool:
    """Whether strangers may cause this event in a run that has secrets or a writing token; true of unknown events."""
    return event not in _TRUSTED_EVENTS


def _joined(environ: Mapping[str, str], event: str, owner: str, repository: str, found: About, actor: str) -> RunContext:
    return RunContext(
        event=event,
        owner=owner,
        repository=repository,
        sha=found.sha,
        event_sha=environ.get("GITHUB_SHA", ""),
        ref=environ.get("GITHUB_REF") or found.ref,
        head_ref=found.head_ref,
        head_repository=found.head_repository,
        base_ref=found.base_ref,
        base_sha=found.base_sha,
        pull_request=found.pull_request,
        is_fork=found.is_fork,
        actor=actor,
        dependabot=actor == DEPENDABOT,
        privileged=privileged(event),
        run_id=_digits(environ, "GITHUB_RUN_ID"),
        attempt=int(_digits(environ, "GITHUB_RUN_ATTEMPT") or 0),
        workflow_ref=environ.get("GITHUB_WORKFLOW_REF", ""),
        workflow_sha=environ.get("GITHUB_WORKFLOW_SHA", ""),
        job=environ.get("GITHUB_JOB", ""),
        server_url=(environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/"),
        api_url=(environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/"),
    )


def _read_event(path: Path) -> Mapping[str, Any]:
    cure = "GITHUB_EVENT_PATH must name the JSON file that the runner wrote."
    try:
        if path.stat().st_size > _LARGEST_EVENT:
            raise UsageProblem("the event is larger than any that GitHub sends", where=str(path), cure=cure)
        payload = loads(path.read_bytes())
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise UsageProblem(f"cannot read the event: {reason}", where=str(path), cure=cure) from problem
    except ValueError as problem:
        raise UsageProblem("the event is not JSON", where=str(path), cure=cure) from problem
    if not isinstance(payload, dict):
        raise UsageProblem("the event is not a JSON object", where=str(path), cure=cure)
    return payload


def _repository(environ: Mapping[str, str], payload: Mapping[str, Any], where: str) -> tuple[str, str]:
    """Owner and name; the runner's variable wins over the payload. Both are empty off GitHub."""
    variable = environ.get("GITHUB_REPOSITORY", "")
    name = variable or text_at(payload, "repository.full_name")
    if name and not _NAME.fullmatch(name):
        source = "GITHUB_REPOSITORY" if variable else where
        raise UsageProblem(f"{name[:80]!r} is no repository", where=source, cure="Expected owner/name.")
    owner, _, repository = name.partition("/")
    return owner, repository


def _digits(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "")
    if value and not re.fullmatch(r"[0-9]{1,20}", value):
        raise UsageProblem(f"{value[:40]!r} is no number", where=variable, cure="The runner sets this variable.")
    return value
