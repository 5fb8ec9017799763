"""Answers the two GraphQL questions that REST does not: who am I, and what GitHub decides about a pull request's reviews."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dhash_guard.simulator.call import Call, Reply
from dhash_guard.simulator.people import role_of
from dhash_guard.simulator.state import Branch, PullRequest, Repository, Review, World

_WHO_AM_I = re.compile(r"\s*(query\s*)?\{\s*viewer\s*\{\s*login\s*\}\s*\}\s*")
_DECISION = re.compile(
    r"\s*query\s*\([^)]*\)\s*\{\s*repository\(owner: \$owner, name: \$name\)\s*\{"
    r"\s*pullRequest\(number: \$number\)\s*\{\s*reviewDecision\s*\}\s*\}\s*\}\s*"
)


def answer(call: Call) -> Reply:
    """`POST /graphql`: errors come with status 200, as from GitHub."""
    query = call.text("Query", "query", most=65_536)
    if _WHO_AM_I.fullmatch(query):
        return Reply(data={"data": {"viewer": {"login": call.actor}}})
    if _DECISION.fullmatch(query):
        return _decision(call)
    problem = {"type": "NOT_SERVED", "message": "The simulator knows viewer { login } and reviewDecision only"}
    return Reply(data={"data": None, "errors": [problem]}, served=False)


def _decision(call: Call) -> Reply:
    variables = call.body.get("variables")
    given: Mapping[str, Any] = variables if isinstance(variables, Mapping) else {}
    name = f"{given.get('owner')}/{given.get('name')}"
    repository, token = call.world.repositories.get(name), call.token
    assert token is not None
    if repository is None or not token.reaches(name) or not token.allows(("pull_requests=read",)):
        problem = {"type": "NOT_FOUND", "path": ["repository"], "message": f"Could not resolve to a Repository '{name}'."}
        return Reply(data={"data": {"repository": None}, "errors": [problem]})
    pull = next((pull for pull in repository.pull_requests if pull.number == given.get("number")), None)
    if pull is None:
        return Reply(data={"data": {"repository": {"pullRequest": None}}, "errors": [{"type": "NOT_FOUND"}]})
    decision = decide(call.world, name, repository, pull)
    return Reply(data={"data": {"repository": {"pullRequest": {"reviewDecision": decision}}}})


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
