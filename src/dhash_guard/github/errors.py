"""What GitHub may answer instead of doing what it was asked: one family, each member with what to do about it.

GithubProblem
├── NotAuthorised     2  the token is wrong, expired or missing (401)
├── Forbidden         2  the token may not do this (403); `why` tells the causes apart
├── NotFound          2  it is not there, or the token may not know that it is (404, 410)
├── Unprocessable     2  GitHub, or our own check before it, refuses what was sent (400, 409, 422)
├── Spent           7  this run has sent all the requests that one run may
├── RateLimited       7  too many requests, and waiting would take longer than allowed
└── Silent            7  no usable answer; whether a write took effect is unknown
"""

from __future__ import annotations

from enum import Enum

from dhash_guard.errors import GuardError, OutsideSilent


class Why(Enum):
    """Why GitHub forbids something."""

    PERMISSION = "missing-permission"
    FORK = "read-only-token-of-a-fork"
    DEPENDABOT = "read-only-token-of-dependabot"
    SSO = "single-sign-on"
    LOCKED = "conversation-locked"
    ARCHIVED = "repository-archived"
    ADDRESS = "address-not-allowed"
    UNKNOWN = "unknown"

    @property
    def read_only(self) -> bool:
        """Whether GitHub took the writing right away from this whole run, so that no setting of the job can give it."""
        return self in (Why.FORK, Why.DEPENDABOT)


class GithubProblem(GuardError):
    """GitHub did not do what it was asked; `status` is the HTTP status, 0 where nothing was answered or sent."""

    exit_code = 2
    code = "github"

    def __init__(self, what: str, *, status: int = 0, where: str = "", cure: str = "") -> None:
        super().__init__(what, where=where, cure=cure)
        self.status = status


class NotAuthorised(GithubProblem):
    """The token is wrong, expired or missing."""

    code = "github-not-authorised"


class Forbidden(GithubProblem):
    """The token is known and may not do this; `why` tells the causes apart."""

    code = "github-forbidden"

    def __init__(self, what: str, *, why: Why, status: int = 403, where: str = "", cure: str = "") -> None:
        super().__init__(what, status=status, where=where, cure=cure)
        self.why = why


class NotFound(GithubProblem):
    """It is not there, or the token may not know that it is: GitHub answers both alike."""

    code = "github-not-found"


class Unprocessable(GithubProblem):
    """What was sent is refused."""

    code = "github-unprocessable"


class Spent(GithubProblem, OutsideSilent):
    """This run has sent all the requests that one run may; nothing was sent. It is not tried again."""

    exit_code = 7
    code = "github-budget-spent"


class RateLimited(GithubProblem, OutsideSilent):
    """Too many requests; the request was refused, not done. `wait` is how many seconds GitHub asks to wait."""

    exit_code = 7
    code = "github-rate-limited"

    def __init__(self, what: str, *, wait: float, status: int = 403, where: str = "", cure: str = "") -> None:
        super().__init__(what, status=status, where=where, cure=cure)
        self.wait = wait


class Silent(GithubProblem, OutsideSilent):
    """No usable answer came: a failure of the server, of the network, or nonsense. `wait` is what the server asks for.

    A write that ends like this may have taken effect.
    """

    exit_code = 7
    code = "github-silent"

    def __init__(self, what: str, *, wait: float = 0.0, status: int = 0, where: str = "", cure: str = "") -> None:
        super().__init__(what, status=status, where=where, cure=cure)
        self.wait = wait
