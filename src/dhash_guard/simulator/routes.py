"""The table of what is served: method and path in GitHub's own words, who answers, and which permission it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from urllib.parse import unquote

from attrs import frozen

from dhash_guard.simulator import (
    activity,
    artifacts,
    branches,
    comments,
    deployments,
    git,
    git_refs,
    graphql,
    people,
    protection_rules,
    pulls,
    repository,
    reviews,
    runs,
    statuses,
    teams,
)
from dhash_guard.simulator.call import Call, Reply


class Access(Enum):
    """Who may call without being granted anything."""

    EVERYBODY = "everybody"
    """No token needed."""
    READERS = "readers"
    """What is public is read by everybody; what is private and every write takes the permission."""
    SIGNED_IN = "signed-in"
    """Any token that is valid."""
    GRANTED = "granted"
    """The permission, also where the repository is public."""
    HIDDEN = "hidden"
    """As GRANTED, but a person's token without it is answered as if nothing were there."""


@frozen
class Route:
    """One line of the table; `needs` are alternatives, as in GitHub's X-Accepted-GitHub-Permissions."""

    method: str
    template: str
    answer: Callable[[Call], Reply]
    access: Access
    needs: tuple[str, ...] = ()

    def params(self, path: str) -> Mapping[str, str] | None:
        """The parameters of a path that this route serves, else None."""
        found = _pattern(self.template).fullmatch(path)
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    # GitHub takes the slashes of a branch name as they are and encoded.
    names = {"branch": ".+", "ref": ".+", "path": ".+"}
    escaped = re.escape(template).replace(r"\{", "{").replace(r"\}", "}")
    return re.compile(re.sub(r"{(\w+)}", lambda name: f"(?P<{name[1]}>{names.get(name[1], '[^/]+')})", escaped))


_R = "/repos/{owner}/{repo}"
_TEAM = "/orgs/{org}/teams/{team_slug}"
_META = ("metadata=read",)
_PULLS_READ, _PULLS_WRITE = ("pull_requests=read",), ("pull_requests=write",)
_TALK_READ, _TALK_WRITE = ("issues=read", "pull_requests=read"), ("issues=write", "pull_requests=write")
_ACTIONS, _CONTENTS, _MEMBERS, _ADMIN = ("actions=read",), ("contents=read",), ("members=read",), ("administration=read",)
_CONTENTS_WRITE = ("contents=write",)
_DEPLOYS_READ, _DEPLOYS_WRITE = ("deployments=read",), ("deployments=write",)
_STATUS_READ, _STATUS_WRITE = ("statuses=read",), ("statuses=write",)

# The first that fits answers, so a longer path stands before one that ends in a branch or a ref.
ROUTES = (
    Route("POST", "/graphql", graphql.answer, Access.SIGNED_IN),
    Route("GET", "/rate_limit", repository.rate_limit, Access.EVERYBODY),
    Route("GET", "/user", people.me, Access.SIGNED_IN),
    Route("GET", "/users/{username}", people.somebody, Access.EVERYBODY),
    Route("GET", _TEAM, teams.get, Access.HIDDEN, _MEMBERS),
    Route("GET", _TEAM + "/members", teams.members, Access.HIDDEN, _MEMBERS),
    Route("GET", _TEAM + "/memberships/{username}", teams.membership, Access.HIDDEN, _MEMBERS),
    Route("GET", _R + "/activity", activity.listing, Access.READERS, _CONTENTS),
    Route("GET", _R, repository.get, Access.READERS, _META),
    Route("GET", _R + "/collaborators/{username}/permission", people.permission, Access.GRANTED, _META),
    Route("GET", _R + "/branches/{branch}/protection", branches.protection, Access.GRANTED, _ADMIN),
    Route("GET", _R + "/branches/{branch}", branches.get, Access.READERS, _CONTENTS),
    Route("GET", _R + "/rules/branches/{branch}", branches.rules, Access.READERS, _META),
    Route("GET", _R + "/pulls", pulls.listing, Access.READERS, _PULLS_READ),
    Route("GET", _R + "/pulls/{pull_number}", pulls.get, Access.READERS, _PULLS_READ),
    Route("GET", _R + "/pulls/{pull_number}/files", pulls.files, Access.READERS, _PULLS_READ),
    Route("GET", _R + "/pulls/{pull_number}/reviews", reviews.listing, Access.READERS, _PULLS_READ),
    Route("POST", _R + "/pulls/{pull_number}/reviews", reviews.create, Access.GRANTED, _PULLS_WRITE),
    Route("GET", _R + "/pulls/{pull_number}/reviews/{review_id}", reviews.get, Access.READERS, _PULLS_READ),
    Route("PUT", _R + "/pulls/{pull_number}/reviews/{review_id}/dismissals", reviews.dismiss, Access.GRANTED, _PULLS_WRITE),
    Route("GET", _R + "/issues/{issue_number}/comments", comments.listing, Access.READERS, _TALK_READ),
    Route("POST", _R + "/issues/{issue_number}/comments", comments.create, Access.GRANTED, _TALK_WRITE),
    Route("GET", _R + "/issues/comments/{comment_id}", comments.get, Access.READERS, _TALK_READ),
    Route("PATCH", _R + "/issues/comments/{comment_id}", comments.edit, Access.GRANTED, _TALK_WRITE),
    Route("DELETE", _R + "/issues/comments/{comment_id}", comments.delete, Access.GRANTED, _TALK_WRITE),
    Route("POST", _R + "/statuses/{sha}", statuses.create, Access.GRANTED, _STATUS_WRITE),
    Route("GET", _R + "/commits/{ref}/statuses", statuses.listing, Access.READERS, _STATUS_READ),
    # No longer described by GitHub, still served, and what PyGithub asks.
    Route("GET", _R + "/statuses/{ref}", statuses.listing, Access.READERS, _STATUS_READ),
    Route("GET", _R + "/commits/{ref}/status", statuses.combined, Access.READERS, _STATUS_READ),
    Route("GET", _R + "/commits/{commit_sha}/pulls", pulls.of_commit, Access.READERS, _PULLS_READ),
    Route("GET", _R + "/commits/{ref}", repository.get_commit, Access.READERS, _CONTENTS),
    Route("GET", _R + "/git/ref/{ref}", git_refs.get, Access.READERS, _CONTENTS),
    Route("GET", _R + "/git/matching-refs/{ref}", git_refs.matching, Access.READERS, _CONTENTS),
    Route("POST", _R + "/git/refs", git_refs.create, Access.GRANTED, _CONTENTS_WRITE),
    Route("PATCH", _R + "/git/refs/{ref}", git_refs.move, Access.GRANTED, _CONTENTS_WRITE),
    Route("POST", _R + "/git/trees", git.make_tree, Access.GRANTED, _CONTENTS_WRITE),
    Route("GET", _R + "/git/trees/{tree_sha}", git.tree, Access.READERS, _CONTENTS),
    Route("POST", _R + "/git/commits", git.make_commit, Access.GRANTED, _CONTENTS_WRITE),
    Route("GET", _R + "/git/commits/{commit_sha}", git.get_commit, Access.READERS, _CONTENTS),
    Route("GET", _R + "/git/blobs/{file_sha}", git.blob, Access.READERS, _CONTENTS),
    Route("GET", _R + "/contents/{path}", git.file, Access.READERS, _CONTENTS),
    Route("GET", _R + "/deployments", deployments.listing, Access.READERS, _DEPLOYS_READ),
    Route("POST", _R + "/deployments", deployments.create, Access.GRANTED, _DEPLOYS_WRITE),
    Route("GET", _R + "/deployments/{deployment_id}", deployments.get, Access.READERS, _DEPLOYS_READ),
    Route("GET", _R + "/deployments/{deployment_id}/statuses", deployments.statuses, Access.READERS, _DEPLOYS_READ),
    Route("POST", _R + "/deployments/{deployment_id}/statuses", deployments.add_status, Access.GRANTED, _DEPLOYS_WRITE),
    Route("GET", _R + "/actions/artifacts", artifacts.listing, Access.READERS, _ACTIONS),
    Route("GET", _R + "/actions/artifacts/{artifact_id}", artifacts.get, Access.READERS, _ACTIONS),
    Route("GET", _R + "/actions/artifacts/{artifact_id}/{archive_format}", artifacts.download, Access.GRANTED, _ACTIONS),
    Route("GET", _R + "/actions/runs", runs.listing, Access.READERS, _ACTIONS),
    Route("GET", _R + "/actions/runs/{run_id}", runs.get, Access.READERS, _ACTIONS),
    Route("GET", _R + "/actions/runs/{run_id}/artifacts", artifacts.of_run, Access.READERS, _ACTIONS),
    Route("GET", _R + "/actions/runs/{run_id}/jobs", runs.jobs, Access.READERS, _ACTIONS),
    Route(
        "GET", _R + "/actions/runs/{run_id}/attempts/{attempt_number}/jobs", runs.jobs_of_attempt, Access.READERS, _ACTIONS
    ),
    Route("GET", _R + "/actions/jobs/{job_id}", runs.job, Access.READERS, _ACTIONS),
    Route("GET", _R + "/actions/runs/{run_id}/pending_deployments", protection_rules.pending, Access.READERS, _ACTIONS),
    Route("GET", _R + "/actions/runs/{run_id}/approvals", protection_rules.history, Access.READERS, _ACTIONS),
    Route(
        "POST",
        _R + "/actions/runs/{run_id}/deployment_protection_rule",
        protection_rules.answer,
        Access.GRANTED,
        _DEPLOYS_WRITE,
    ),
)


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """The route that serves a request, and the parameters of its path."""
    asked = "GET" if method == "HEAD" else method
    for route in ROUTES:
        if route.method == asked and (params := route.params(path)) is not None:
            return route, params
    return None
