"""Answers three GraphQL questions: who am I, where a pull request stands, and what GitHub decides about its reviews."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dhash_guard.simulator.call import Call, Reply
from dhash_guard.simulator.people import role_of
from dhash_guard.simulator.state import Branch, PullRequest, Repository, Review, World

_WHO_AM_I = re.compile(r"\s*(query\s*)?\{\s*viewer\s*\{\s*login\s*\}\s*\}\s*")
_PULL = r"repository\(owner: \$owner, name: \$name\)\s*\{\s*pullRequest\(number: \$number\)\s*"
_DECISION = re.compile(r"\s*query\s*\([^)]*\)\s*\{\s*" + _PULL + r"\{\s*reviewDecision\s*\}\s*\}\s*\}\s*")
_SUBJECT = re.compile(
    r"\s*query\s*\([^)]*\)\s*\{\s*viewer\s*\{\s*login\s*\}\s*" + _PULL + r"\{\s*headRefOid\s+"
    r"headRepository\s*\{\s*nameWithOwner\s*\}\s*state\s+locked\s*\}\s*\}\s*\}\s*"
)


def answer(call: Call) -> Reply:
    """`POST /graphql`: errors come with status 200, as from GitHub."""
    query = call.text("Query", "query", most=65_536)
    if _WHO_AM_I.fullmatch(query):
        return Reply(data={"data": {"viewer": {"login": call.actor}}})
    if _DECISION.fullmatch(query):
        return _about_pull(
            call, {}, lambda name, repository, pull: {"reviewDecision": decide(call.world, name, repository, pull)}
        )
    if _SUBJECT.fullmatch(query):
        return _about_pull(call, {"viewer": {"login": call.actor}}, _standing)
    problem = {
        "type": "NOT_SERVED",
        "message": "The simulator knows viewer, where a pull request stands, and reviewDecision only",
    }
    return Reply(data={"data": None, "errors": [problem]}, served=False)


def _about_pull(call: Call, more: dict[str, Any], told: Callable[[str, Repository, PullRequest], dict[str, Any]]) -> Reply:
    variables = call.body.get("variables")
    given: Mapping[str, Any] = variables if isinstance(variables, Mapping) else {}
    name = f"{given.get('owner')}/{given.get('name')}"
    repository, token = call.world.repositories.get(name), call.token
    assert token is not None
    if repository is None or not token.reaches(name) or not token.allows(("pull_requests=read",)):
        problem = {"type": "NOT_FOUND", "path": ["repository"], "message": f"Could not resolve to a Repository '{name}'."}
        return Reply(data={"data": more | {"repository": None}, "errors": [problem]})
    pull = next((pull for pull in repository.pull_requests if pull.number == given.get("number")), None)
    if pull is None:
        return Reply(data={"data": more | {"repository": {"pullRequest": None}}, "errors": [{"type": "NOT_FOUND"}]})
    return Reply(data={"data": more | {"repository": {"pullRequest": told(name, repository, pull)}}})


def _standing(name: str, _: Repository, pull: PullRequest) -> dict[str, Any]:
    return {
        "headRefOid": pull.head_sha,
        "headRepository": {"nameWithOwner": pull.head_repository or name},
        "state": "MERGED" if pull.merged else pull.state.upper(),
        "locked": pull.locked,
    }


def decide(world: World, name: str, repository: Repository, pull: PullRequest) -> str | None:
    """What GitHub shows above the merge button; None where no review is asked for, which approves nothing."""
    branch = repository.branches.get(pull.base_ref, Branch())
    if branch.by == "none" or not (branch.approvals or branch.required_reviewers):
        return None
    latest: dict[str, Review] = {}
    for review in sorted(repository.reviews, key=lambda one: (one.submitted_at, one.id)):
        if review.pull == pull.number and review.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and review.author:
            latest[review.author] = review
    writers = [one for one in latest.values() if role_of(repository, one.author) in ("write", "maintain", "admin")]
    if any(one.state == "CHANGES_REQUESTED" for one in writers):
        return "CHANGES_REQUESTED"
    approved = {
        one.author
        for one in writers
        if one.state == "APPROVED" and (one.commit == pull.head_sha or not branch.dismiss_stale)
    } - {pull.author}
    owner = name.partition("/")[0]
    for team, least in branch.required_reviewers.items():
        found = world.teams.get(f"{owner}/{team}")
        if found is None or sum(found.members.get(login) == "active" for login in approved) < least:
            return "REVIEW_REQUIRED"
    return "APPROVED" if len(approved) >= branch.approvals else "REVIEW_REQUIRED"
