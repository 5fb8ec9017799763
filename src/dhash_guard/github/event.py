"""Decides what an event is about: commit, branches, pull request, and whether the code comes from a fork."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from dhash_guard.errors import UsageProblem

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@frozen(kw_only=True)
class About:
    """What one event says; what it does not say is empty or None."""

    sha: str = ""
    ref: str = ""
    head_ref: str = ""
    head_repository: str = ""
    base_ref: str = ""
    base_sha: str = ""
    pull_request: int | None = None
    is_fork: bool | None = False


def about(event: str, payload: Mapping[str, Any], event_sha: str, where: str) -> About:
    """Read `payload` as `event`; raise UsageProblem at `where` if it lacks what that event always has.

    `event_sha` (GITHUB_SHA) is the commit of events that name none themselves.
    """
    reader = _READERS.get(event)
    if reader is None:
        return About(sha=event_sha)
    return reader(_Payload(payload, event, where), event_sha)


def text_at(payload: Mapping[str, Any], path: str) -> str:
    """The text at `a.b.c`, or an empty one."""
    found = _at(payload, path)
    return found if isinstance(found, str) else ""


def _at(payload: Any, path: str) -> Any:
    for key in path.split("."):
        payload = payload.get(key) if isinstance(payload, Mapping) else None
    return payload


@frozen
class _Payload:
    data: Mapping[str, Any]
    event: str
    where: str

    def text(self, path: str) -> str:
        return text_at(self.data, path)

    def at(self, path: str) -> Any:
        return _at(self.data, path)

    def needed(self, path: str, valid: bool, wanted: str) -> None:
        if not valid:
            raise UsageProblem(
                f"the payload of {self.event} has no {wanted} at `{path}`",
                where=self.where,
                cure="GITHUB_EVENT_NAME and GITHUB_EVENT_PATH must belong to the same event.",
            )

    def sha(self, path: str) -> str:
        found = self.text(path)
        self.needed(path, _SHA.fullmatch(found) is not None, "commit id")
        return found

    def number(self, path: str) -> int:
        found = self.at(path)
        valid = isinstance(found, int) and not isinstance(found, bool) and found > 0
        self.needed(path, valid, "number")
        assert isinstance(found, int)
        return found

    def foreign(self, head: str, base: str) -> bool:
        """Whether the repository at `head` is another one than that at `base`, or gone."""
        theirs, ours = self.text(head), self.text(base)
        self.needed(base, bool(ours), "repository")
        return theirs.casefold() != ours.casefold()


def _pull_request(payload: _Payload, event_sha: str) -> About:
    return About(
        sha=payload.sha("pull_request.head.sha"),
        ref=f"refs/pull/{payload.number('pull_request.number')}/merge",
        head_ref=payload.text("pull_request.head.ref"),
        head_repository=payload.text("pull_request.head.repo.full_name"),
        base_ref=payload.text("pull_request.base.ref"),
        base_sha=payload.sha("pull_request.base.sha"),
        pull_request=payload.number("pull_request.number"),
        is_fork=payload.foreign("pull_request.head.repo.full_name", "pull_request.base.repo.full_name"),
    )


def _push(payload: _Payload, event_sha: str) -> About:
    after = payload.sha("after")
    gone = not after.strip("0")  # the branch was deleted: there is no commit to judge
    return About(sha="" if gone else after, ref=payload.text("ref"))


def _workflow_run(payload: _Payload, event_sha: str) -> About:
    return About(
        sha=payload.sha("workflow_run.head_sha"),
        head_ref=payload.text("workflow_run.head_branch"),
        head_repository=payload.text("workflow_run.head_repository.full_name"),
        pull_request=_only_pull_request(payload),
        is_fork=payload.foreign("workflow_run.head_repository.full_name", "repository.full_name"),
    )


def _only_pull_request(payload: _Payload) -> int | None:
    """The pull request of a workflow_run: the one of this repository with the same head, if there is exactly one.

    The list is empty for forks, and it names pull requests of other repositories whose head is our branch.
    """
    listed = payload.at("workflow_run.pull_requests")
    fits = [
        _at(each, "number")
        for each in (listed if isinstance(listed, list) else [])
        if _at(each, "base.repo.id") == payload.at("repository.id")
        and _at(each, "head.sha") == payload.at("workflow_run.head_sha")
    ]
    return fits[0] if len(fits) == 1 and isinstance(fits[0], int) else None


def _merge_group(payload: _Payload, event_sha: str) -> About:
    # A group may hold several pull requests and the payload names none of them.
    return About(
        sha=payload.sha("merge_group.head_sha"),
        ref=payload.text("merge_group.head_ref"),
        base_ref=payload.text("merge_group.base_ref"),
        base_sha=payload.sha("merge_group.base_sha"),
    )


def _workflow_dispatch(payload: _Payload, event_sha: str) -> About:
    return About(sha=event_sha, ref=payload.text("ref"))


def _issue_comment(payload: _Payload, event_sha: str) -> About:
    """GITHUB_SHA is the default branch here, so the head of the pull request stays unknown."""
    if not isinstance(payload.at("issue.pull_request"), Mapping):
        return About(is_fork=None)
    return About(pull_request=payload.number("issue.number"), is_fork=None)


_READERS: Mapping[str, Callable[[_Payload, str], About]] = {
    "pull_request": _pull_request,
    "pull_request_target": _pull_request,
    "pull_request_review": _pull_request,
    "pull_request_review_comment": _pull_request,
    "push": _push,
    "workflow_run": _workflow_run,
    "workflow_dispatch": _workflow_dispatch,
    "merge_group": _merge_group,
    "issue_comment": _issue_comment,
}
