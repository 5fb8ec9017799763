"""Asks GitHub's API what `ports` says, and reads its answers strictly: what has another shape is no answer."""

from __future__ import annotations

from typing import Any

from dhash_guard.github.errors import Forbidden, NotFound, Silent, Unprocessable
from dhash_guard.github.fields import get as _get
from dhash_guard.github.fields import maybe
from dhash_guard.github.fields import text as _text
from dhash_guard.github.patience import Patience
from dhash_guard.github.ports import Comment, CommitStatus, PullRequest, State
from dhash_guard.github.transport import Reply, Send, Transport
from dhash_guard.records.context import RunContext
from dhash_guard.system.clock import Clock

ACTIONS_BOT = "github-actions[bot]"

READ_PULLS, WRITE_PULLS = "pull-requests: read", "pull-requests: write"
READ_STATUSES, WRITE_STATUSES = "statuses: read", "statuses: write"

_DECISION = (
    "query($owner: String!, $name: String!, $number: Int!) "
    "{ repository(owner: $owner, name: $name) { pullRequest(number: $number) { reviewDecision } } }"
)

_SUBJECT = (
    "query($owner: String!, $name: String!, $number: Int!) { viewer { login } "
    "repository(owner: $owner, name: $name) { pullRequest(number: $number) "
    "{ headRefOid headRepository { nameWithOwner } state locked } } }"
)

_INSTALLATION = "ghs_"
"""How tokens of Apps begin, the job's own among them."""


class GithubApi:
    """The repository of `context`, with `token`'s rights. Keeps `Issues` and `Statuses`."""

    def __init__(
        self,
        token: str,
        context: RunContext,
        clock: Clock,
        patience: Patience = Patience(),
        send: Send | None = None,
    ) -> None:
        self.transport = Transport(token, context, clock, patience, send)
        self._root = f"/repos/{context.full_name}"
        self._installation = token.strip().startswith(_INSTALLATION)
        self._identity = ""

    @property
    def requests_made(self) -> int:
        """How many requests were sent, repetitions included."""
        return self.transport.requests_made

    def identity(self) -> str:
        """The login of the token; where GitHub does not tell it, that of the job's own token. Asked once."""
        if not self._identity:
            self._identity = self._viewer() or ACTIONS_BOT
        return self._identity

    def _viewer(self) -> str:
        # GET /user is forbidden to the job's token, GraphQL's viewer is not.
        query = {"query": "query { viewer { login } }"}
        try:
            reply = self.transport.call("POST", self._graphql, need="contents: read", body=query, reads=True)
        except (Forbidden, NotFound, Unprocessable):
            return ""
        return self._login(reply.data)

    def _login(self, data: Any) -> str:
        """The viewer of an answer as comments name their author; empty where it is not told."""
        login = _get(data, "data", "viewer", "login")
        if not isinstance(login, str) or not login:
            return ""
        return login if not self._installation or login.endswith("[bot]") else f"{login}[bot]"

    def review_decision(self, number: int) -> str:
        """What GitHub itself makes of reviews and rules: APPROVED, CHANGES_REQUESTED, REVIEW_REQUIRED, or nothing."""
        reply = self._asked(_DECISION, number)
        decision = _get(reply.data, "data", "repository", "pullRequest", "reviewDecision")
        return decision if isinstance(decision, str) else ""

    def _asked(self, query: str, number: int) -> Reply:
        context = self.transport.context
        body = {"query": query, "variables": {"owner": context.owner, "name": context.repository, "number": number}}
        return self.transport.call("POST", self._graphql, need=READ_PULLS, body=body, reads=True)

    @property
    def _graphql(self) -> str:
        """GraphQL's path; Enterprise Server has it beside `/api/v3`, so a whole address is given."""
        return self.transport.context.api_url.removesuffix("/v3") + "/graphql"

    def comments(self, number: int) -> list[Comment]:
        """All comments of an issue or pull request, oldest first; raise GithubProblem."""
        found = self.transport.pages(f"{self._root}/issues/{number}/comments", need=READ_PULLS)
        return sorted(map(_comment, found), key=lambda comment: comment.id)

    def create_comment(self, number: int, body: str) -> Comment:
        """Write a comment; after Silent it may exist."""
        path = f"{self._root}/issues/{number}/comments"
        return _comment(self.transport.call("POST", path, need=WRITE_PULLS, body={"body": body}).data)

    def edit_comment(self, comment_id: int, body: str) -> Comment:
        """Replace a comment's body; after Silent it may be replaced."""
        path = f"{self._root}/issues/comments/{comment_id}"
        return _comment(self.transport.call("PATCH", path, need=WRITE_PULLS, body={"body": body}).data)

    def delete_comment(self, comment_id: int) -> None:
        """Remove a comment; raise NotFound where it is gone already."""
        self.transport.call("DELETE", f"{self._root}/issues/comments/{comment_id}", need=WRITE_PULLS)

    def pull_request(self, number: int) -> PullRequest:
        """The pull request as it is now, and in the same request who asks; where GraphQL does not tell, REST is asked."""
        try:
            reply = self._asked(_SUBJECT, number)
        except (Forbidden, NotFound, Unprocessable):
            return self._pull_request(number)
        self._identity = self._identity or self._login(reply.data)
        told = _get(reply.data, "data", "repository", "pullRequest")
        head, state, repository = (_get(told, "headRefOid"), _get(told, "state"), _get(told, "headRepository"))
        if not isinstance(head, str) or state not in ("OPEN", "CLOSED", "MERGED"):
            return self._pull_request(number)
        return PullRequest(
            number=number,
            head_sha=head,
            head_repository=maybe(repository, "nameWithOwner"),
            open=state == "OPEN",
            locked=_get(told, "locked") is True,
            merged=state == "MERGED",
        )

    def _pull_request(self, number: int) -> PullRequest:
        data = self.transport.call("GET", f"{self._root}/pulls/{number}", need=READ_PULLS).data
        repository = _get(data, "head", "repo", "full_name")
        return PullRequest(
            number=number,
            head_sha=_text(data, "head", "sha"),
            head_repository=repository if isinstance(repository, str) else "",
            open=_text(data, "state") == "open",
            locked=_get(data, "locked") is True,
            merged=_get(data, "merged") is True,
        )

    def statuses(self, sha: str) -> list[CommitStatus]:
        """The newest status of every context of a commit."""
        found = self.transport.pages(f"{self._root}/commits/{sha}/status", need=READ_STATUSES, key="statuses")
        return [_status(data) for data in found]

    def set_status(self, sha: str, status: CommitStatus) -> CommitStatus:
        """Write a status; after Silent it may stand."""
        body = {
            "state": status.state.value,
            "context": status.context,
            "description": status.description,
            **({"target_url": status.target_url} if status.target_url else {}),
        }
        path = f"{self._root}/statuses/{sha}"
        return _status(self.transport.call("POST", path, need=WRITE_STATUSES, body=body).data)


def _comment(data: Any) -> Comment:
    number = _get(data, "id")
    if not isinstance(number, int):
        raise Silent("GitHub's answer is no comment: it has no id")
    author = _get(data, "user", "login")  # an account that was deleted leaves none
    return Comment(
        id=number,
        author=author if isinstance(author, str) else "",
        body=_get(data, "body") or "",
        url=_get(data, "html_url") or "",
    )


def _status(data: Any) -> CommitStatus:
    try:
        state = State(_text(data, "state"))
    except ValueError as problem:
        raise Silent("GitHub's answer is no status: its state is unknown") from problem
    return CommitStatus(
        context=_text(data, "context"),
        state=state,
        description=_get(data, "description") or "",
        target_url=_get(data, "target_url") or "",
    )
