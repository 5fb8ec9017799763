"""Fills in what a seed leaves out: ids, commits and times, made up but always the same."""

from __future__ import annotations

from base64 import b64decode
from typing import Any, TypeVar

from attrs import evolve

from dhash_guard.simulator.state import (
    Artifact,
    Branch,
    Deployment,
    DeploymentReview,
    DeploymentStatus,
    Job,
    PendingDeployment,
    PullRequest,
    Push,
    Repository,
    Review,
    WorkflowRun,
    made_up_sha,
    moment,
)

T = TypeVar("T")


def complete(name: str, repository: Repository, at: float) -> None:
    """Complete a repository and everything in it; raise ValueError where an archive is no base64."""
    repository.branches.setdefault(repository.default_branch, Branch())
    for branch, facts in repository.branches.items():
        repository.branches[branch] = evolve(facts, sha=facts.sha or made_up_sha(name, branch))
    for things in lists_of(repository):
        things[:] = [completed(name, repository, thing, at) for thing in things]


def completed(name: str, repository: Repository, thing: T, at: float) -> T:
    """One thing of a repository with its gaps filled."""
    missing: dict[str, Any] = {}
    record: Any = thing
    now = moment(at)
    match thing:
        case PullRequest():
            missing = {"head_sha": made_up_sha(name, "pull", thing.number), "created_at": now}
        case WorkflowRun():
            missing = {"head_sha": repository.branches[repository.default_branch].sha, "created_at": now}
        case Review():
            heads = {pull.number: pull.head_sha for pull in repository.pull_requests}
            missing = {"commit": heads.get(thing.pull, ""), "submitted_at": now}
        case Push():
            missing = {"at": now}
        case Job():
            missing = {"started_at": now}
        case Deployment() | DeploymentStatus() | PendingDeployment() | DeploymentReview():
            missing = {"created_at": now}
        case Artifact():
            b64decode(thing.archive, validate=True)
            missing = {"created_at": now}
    gaps = {field: value for field, value in missing.items() if not getattr(thing, field)}
    filled: T = evolve(record, **gaps) if gaps else thing
    return filled


def lists_of(repository: Repository) -> tuple[list[Any], ...]:
    """The lists of a repository, those that others refer to first."""
    return (
        repository.pull_requests,
        repository.runs,
        repository.jobs,
        repository.artifacts,
        repository.comments,
        repository.reviews,
        repository.pushes,
        repository.statuses,
        repository.deployments,
        repository.deployment_statuses,
        repository.pending,
        repository.deployment_reviews,
    )
