"""Answers about a repository, its commits, and how much of the hour's requests is left."""

from __future__ import annotations

from typing import Any

from dhash_guard.simulator.call import Call, Refusal, Reply
from dhash_guard.simulator.people import node_id, stable_id, user
from dhash_guard.simulator.state import Repository, made_up_sha

_TIME = "2020-01-01T00:00:00Z"
_PLAIN = (
    *("contributors", "deployments", "downloads", "events", "forks", "hooks", "languages", "merges"),
    *("stargazers", "subscribers", "subscription", "tags", "teams"),
)
_TEMPLATED = {
    "archive_url": "{archive_format}{/ref}",
    "assignees_url": "assignees{/user}",
    "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}",
    "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}",
    "commits_url": "commits{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}",
    "keys_url": "keys{/key_id}",
    "labels_url": "labels{/name}",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}",
    "statuses_url": "statuses/{sha}",
    "trees_url": "git/trees{/sha}",
}
_FEATURES = {"has_issues": True} | dict.fromkeys(
    ("has_projects", "has_wiki", "has_pages", "has_discussions", "has_downloads", "archived", "disabled"), False
)
_COUNTS = {"size": 0} | {
    name: 0 for thing in ("forks", "open_issues", "stargazers", "watchers") for name in (thing, f"{thing}_count")
}


def minimal(base: str, name: str, *, private: bool, fork: bool = False, description: str = "") -> dict[str, Any]:
    """GitHub's minimal repository."""
    owner, short = name.split("/")
    number, api = stable_id("repository", name), f"{base}/repos/{name}"
    return (
        {
            "id": number,
            "node_id": node_id("Repository", number),
            "name": short,
            "full_name": name,
            "owner": user(base, owner),
            "private": private,
            "html_url": f"{base}/{name}",
            "description": description or None,
            "fork": fork,
            "url": api,
        }
        | {f"{word}_url": f"{api}/{word}" for word in _PLAIN}
        | {key: f"{api}/{tail}" for key, tail in _TEMPLATED.items()}
    )


def whole(base: str, name: str, repository: Repository, *, fork: bool = False) -> dict[str, Any]:
    """GitHub's repository as pull requests carry it."""
    facts: dict[str, Any] = {
        "default_branch": repository.default_branch,
        "visibility": "private" if repository.private else "public",
        "homepage": None,
        "language": None,
        "license": None,
        "mirror_url": None,
        "clone_url": f"{base}/{name}.git",
        "git_url": f"{base}/{name}.git",
        "ssh_url": f"{base}/{name}.git",
        "svn_url": f"{base}/{name}",
        "topics": [],
    }
    times = {"pushed_at": _TIME, "created_at": _TIME, "updated_at": _TIME}
    small = minimal(base, name, private=repository.private, fork=fork, description=repository.description)
    return small | facts | _FEATURES | _COUNTS | times


def get(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}`."""
    more = {"network_count": 0, "subscribers_count": 0}
    return Reply(data=whole(call.base, call.name, call.repository) | more)


def rate_limit(call: Call) -> Reply:
    """`GET /rate_limit`; the numbers themselves are filled in by whoever counts."""
    return Reply(data={})


def existing(repository: Repository) -> set[str]:
    """Every commit that the repository knows of."""
    shas = set(repository.commits) | {branch.sha for branch in repository.branches.values()}
    shas |= {pull.merge_commit_sha for pull in repository.pull_requests}
    shas |= set(repository.tags.values())
    shas |= {push.after for push in repository.pushes}
    shas |= repository.objects.commits.keys()
    shas |= {pull.head_sha for pull in repository.pull_requests} | {run.head_sha for run in repository.runs}
    return shas - {""}


def resolve(call: Call, ref: str) -> str:
    """The commit that a branch or a commit id stands for; refused where there is none."""
    branch = call.repository.branches.get(ref.removeprefix("heads/"))
    if branch is not None:
        return branch.sha
    if (tagged := call.repository.tags.get(ref.removeprefix("tags/"))) is not None:
        return tagged
    if ref not in existing(call.repository):
        raise Refusal(422, f"No commit found for SHA: {ref}")
    return ref


def commit(call: Call, sha: str) -> dict[str, Any]:
    """GitHub's commit; what it says besides its id is made up."""
    url = f"{call.api}/git/commits/{sha}"
    person = {"name": "Ada", "email": "ada@example.com", "date": _TIME}
    tree = made_up_sha("tree", sha)
    return {
        "sha": sha,
        "node_id": node_id("Commit", stable_id(sha)),
        "url": f"{call.api}/commits/{sha}",
        "html_url": f"{call.html}/commit/{sha}",
        "comments_url": f"{call.api}/commits/{sha}/comments",
        "commit": {
            "author": person,
            "committer": person,
            "message": "A change",
            "tree": {"sha": tree, "url": f"{call.api}/git/trees/{tree}"},
            "url": url,
            "comment_count": 0,
        },
        "author": None,
        "committer": None,
        "parents": [],
    }


def get_commit(call: Call) -> Reply:
    """`GET …/commits/{ref}`."""
    return Reply(data=commit(call, resolve(call, call.params["ref"])))
