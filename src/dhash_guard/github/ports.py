"""Says what this room asks of GitHub, as protocols that the real client and the fakes of the tests both keep."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class Comment:
    """A comment on a pull request or an issue; `author` is a login, of a bot with its `[bot]`."""

    id: int
    author: str
    body: str
    url: str


@frozen(kw_only=True)
class PullRequest:
    """A pull request as it is now; `head_repository` is owner/name, empty where it was deleted."""

    number: int
    head_sha: str
    head_repository: str
    open: bool
    locked: bool
    merged: bool = False


class State(Enum):
    """What a commit status can say."""

    ERROR = "error"
    FAILURE = "failure"
    PENDING = "pending"
    SUCCESS = "success"


@frozen(kw_only=True)
class CommitStatus:
    """One context's status on a commit."""

    context: str
    state: State
    description: str
    target_url: str


class Issues(Protocol):
    """Comments. Every method raises GithubProblem; after Silent, a write may have taken effect."""

    @property
    def requests_made(self) -> int: ...

    def identity(self) -> str:
        """The login that comments of this token bear."""

    def comments(self, number: int) -> list[Comment]:
        """All comments of an issue or pull request, oldest first."""

    def create_comment(self, number: int, body: str) -> Comment: ...

    def edit_comment(self, comment_id: int, body: str) -> Comment: ...

    def delete_comment(self, comment_id: int) -> None: ...

    def pull_request(self, number: int) -> PullRequest: ...


class Statuses(Protocol):
    """Commit statuses. Every method raises GithubProblem; after Silent, a write may have taken effect."""

    @property
    def requests_made(self) -> int: ...

    def statuses(self, sha: str) -> list[CommitStatus]:
        """The newest status of every context of a commit."""

    def set_status(self, sha: str, status: CommitStatus) -> CommitStatus: ...
