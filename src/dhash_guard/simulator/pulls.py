"""Answers about pull requests: one, a list, the files, and the pull requests that a commit belongs to."""

from __future__ import annotations

from typing import Any

from dhash_guard.simulator.call import Call, Reply, not_found
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import association, node_id, user
from dhash_guard.simulator.repository import resolve, whole
from dhash_guard.simulator.state import ChangedFile, PullRequest, made_up_sha


def find(call: Call) -> PullRequest:
    """The pull request of the path."""
    number = call.number("pull_number")
    found = next((pull for pull in call.repository.pull_requests if pull.number == number), None)
    if found is None:
        raise not_found()
    return found


def merge_commit(pull: PullRequest) -> str:
    """The commit that the merge made, or the test merge."""
    return pull.merge_commit_sha or made_up_sha("merge", pull.head_sha)


def _side(call: Call, name: str, ref: str, sha: str) -> dict[str, Any]:
    """One of the two branches of a pull request; `name` differs from the repository's where it is a fork."""
    owner = name.partition("/")[0]
    repo = whole(call.base, name, call.repository, fork=name != call.name)
    return {"label": f"{owner}:{ref}", "ref": ref, "sha": sha, "user": user(call.base, owner), "repo": repo}


def simple(call: Call, pull: PullRequest) -> dict[str, Any]:
    """GitHub's pull request as lists show it."""
    url, issue = f"{call.api}/pulls/{pull.number}", f"{call.api}/issues/{pull.number}"
    html = f"{call.html}/pull/{pull.number}"
    base_sha = branch.sha if (branch := call.repository.branches.get(pull.base_ref)) else made_up_sha(pull.base_ref)
    links = {
        "self": url,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{call.api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{call.api}/statuses/{pull.head_sha}",
    }
    addresses = {f"{name}_url": href for name, href in links.items() if name != "self"}
    nothing = ("assignee", "milestone", "auto_merge", "active_lock_reason")
    return (
        addresses
        | {
            "id": pull.number,
            "node_id": node_id("PullRequest", pull.number),
            "number": pull.number,
            "url": url,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "state": pull.state,
            "locked": pull.locked,
            "title": pull.title,
            "body": pull.body,
            "user": user(call.base, pull.author),
            "draft": pull.draft,
            "head": _side(call, pull.head_repository or call.name, pull.head_ref, pull.head_sha),
            "base": _side(call, call.name, pull.base_ref, base_sha),
            "author_association": association(call, pull.author),
            "merge_commit_sha": merge_commit(pull),
            "created_at": pull.created_at,
            "updated_at": pull.created_at,
            "closed_at": None if pull.state == "open" else pull.created_at,
            "merged_at": pull.created_at if pull.merged else None,
            "_links": {name: {"href": href} for name, href in links.items()},
        }
        | dict.fromkeys(nothing)
        | {name: [] for name in ("labels", "assignees", "requested_teams")}
        | {"requested_reviewers": [user(call.base, login) for login in pull.requested_reviewers]}
    )


def get(call: Call) -> Reply:
    """`GET …/pulls/{pull_number}`."""
    pull = find(call)
    counts = {
        "additions": sum(file.additions for file in pull.files),
        "deletions": sum(file.deletions for file in pull.files),
        "changed_files": len(pull.files),
        "comments": sum(comment.issue == pull.number for comment in call.repository.comments),
        "review_comments": 0,
        "commits": 1,
    }
    merging = {"merged": pull.merged, "mergeable": True, "mergeable_state": "clean", "rebaseable": True, "merged_by": None}
    return Reply(data=simple(call, pull) | counts | merging | {"maintainer_can_modify": False})


def listing(call: Call) -> Reply:
    """`GET …/pulls`, newest first; `state`, `head` (owner:branch) and `base` choose."""
    state, head, base = (
        call.query.get(name, otherwise) for name, otherwise in (("state", "open"), ("head", ""), ("base", ""))
    )
    chosen = [
        pull
        for pull in sorted(call.repository.pull_requests, key=lambda pull: -pull.number)
        if state in ("all", pull.state) and head in ("", _label(call, pull)) and base in ("", pull.base_ref)
    ]
    return _paged(call, chosen)


def of_commit(call: Call) -> Reply:
    """`GET …/commits/{commit_sha}/pulls`, also by what the merge made; where reads lag, they are not known yet."""
    sha = resolve(call, call.params["commit_sha"])
    pulls = [] if call.lag else call.repository.pull_requests
    found = [pull for pull in pulls if sha == pull.head_sha or (pull.merged and sha == merge_commit(pull))]
    return _paged(call, found[::-1] if call.backwards else found)


def files(call: Call) -> Reply:
    """`GET …/pulls/{pull_number}/files`."""
    pull = find(call)
    shown, headers = page_of(call, pull.files)
    return Reply(data=[_file(call, pull, file) for file in shown], headers=headers)


def _paged(call: Call, pulls: list[PullRequest]) -> Reply:
    shown, headers = page_of(call, pulls)
    return Reply(data=[simple(call, pull) for pull in shown], headers=headers)


def _label(call: Call, pull: PullRequest) -> str:
    return f"{(pull.head_repository or call.name).partition('/')[0]}:{pull.head_ref}"


def _file(call: Call, pull: PullRequest, file: ChangedFile) -> dict[str, Any]:
    at = f"{pull.head_sha}/{file.filename}"
    return {
        "sha": made_up_sha(at),
        "filename": file.filename,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{call.html}/blob/{at}",
        "raw_url": f"{call.html}/raw/{at}",
        "contents_url": f"{call.api}/contents/{file.filename}?ref={pull.head_sha}",
        "patch": "@@ -1 +1 @@",
    }
