"""A repository on GitHub as these tests need it: its comments and statuses, who may do what, and a fake over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, evolve, field

from dhash_guard.github.diagnosis import Refusal, diagnose
from dhash_guard.github.errors import GithubProblem
from dhash_guard.github.ports import Comment, CommitStatus, PullRequest, State
from dhash_guard.records.context import RunContext
from support.world import SleptClock

T = TypeVar("T")

BOT = "github-actions[bot]"
SHA = "a" * 40
MARKER = "<!-- dhash-guard:v1:premerge:production -->"
START = 1_700_000_000.0

ALL_RIGHTS = frozenset({"pull-requests: write", "statuses: write"})


class Refused(Exception):
    """The repository says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@define
class Repository:
    """What GitHub keeps; all methods speak as the token of `login`."""

    login: str = BOT
    rights: frozenset[str] = ALL_RIGHTS
    open: bool = True
    merged: bool = False
    locked: bool = False
    comments: dict[int, Comment] = field(factory=dict)
    statuses: dict[tuple[str, str], CommitStatus] = field(factory=dict)
    last_id: int = 100
    writes: list[str] = field(factory=list)

    def wants(self, right: str) -> None:
        if right not in self.rights:
            raise Refused(403, "Resource not accessible by integration")

    def paste(self, author: str, body: str) -> Comment:
        """Somebody writes a comment in the browser."""
        self.last_id += 1
        made = Comment(id=self.last_id, author=author, body=body, url=f"https://github.com/o/r/pull/7#c{self.last_id}")
        self.comments[made.id] = made
        return made

    def create(self, number: int, body: str) -> Comment:
        if number != 7:
            raise Refused(404, "Not Found")
        self.wants("pull-requests: write")
        if self.locked:
            raise Refused(403, "Unable to create comment because issue is locked.")
        self.writes.append("create")
        return self.paste(self.login, body)

    def edit(self, comment_id: int, body: str) -> Comment:
        self.wants("pull-requests: write")
        if comment_id not in self.comments:
            raise Refused(404, "Not Found")
        self.writes.append("edit")
        self.comments[comment_id] = evolve(self.comments[comment_id], body=body)
        return self.comments[comment_id]

    def delete(self, comment_id: int) -> None:
        self.wants("pull-requests: write")
        if comment_id not in self.comments:
            raise Refused(404, "Not Found")
        self.writes.append("delete")
        del self.comments[comment_id]

    def listed(self, number: int) -> list[Comment]:
        if number != 7:
            raise Refused(404, "Not Found")
        return list(self.comments.values())

    def pull(self, number: int) -> PullRequest:
        if number != 7:
            raise Refused(404, "Not Found")
        return PullRequest(
            number=7, head_sha=SHA, head_repository="o/r", open=self.open, locked=self.locked, merged=self.merged
        )

    def put_status(self, sha: str, status: CommitStatus) -> CommitStatus:
        self.wants("statuses: write")
        if len(status.description) > 140:
            raise Refused(422, "Validation Failed")
        self.writes.append("status")
        self.statuses[sha, status.context] = status
        return status

    def ours(self) -> list[Comment]:
        """The comments that a reader of the page sees as ours."""
        return [each for each in self.comments.values() if each.body.startswith(MARKER) and each.author == self.login]


@define
class FakeGithub:
    """Keeps `Issues` and `Statuses` over a repository; `faults` are raised after the write took effect, or before."""

    repository: Repository
    context: RunContext
    requests_made: int = 0
    known: str = ""
    before: list[GithubProblem] = field(factory=list)
    after: list[GithubProblem] = field(factory=list)

    def _do(self, need: str, work: Callable[[], T], write: bool = False) -> T:
        self.requests_made += 1
        if write and self.before:
            raise self.before.pop(0)
        try:
            done = work()
        except Refused as no:
            raise diagnose(
                Refusal(
                    route="FAKE /",
                    need=need,
                    status=no.status,
                    message=no.message,
                    headers={},
                    fork=bool(self.context.is_fork) and not self.context.privileged,
                    dependabot=self.context.dependabot,
                    now=START,
                )
            ) from no
        if write and self.after:
            raise self.after.pop(0)
        return done

    def identity(self) -> str:
        self.known = self.known or self._do("", lambda: self.repository.login)
        return self.known

    def comments(self, number: int) -> list[Comment]:
        return self._do("pull-requests: read", lambda: self.repository.listed(number))

    def create_comment(self, number: int, body: str) -> Comment:
        return self._do("pull-requests: write", lambda: self.repository.create(number, body), write=True)

    def edit_comment(self, comment_id: int, body: str) -> Comment:
        return self._do("pull-requests: write", lambda: self.repository.edit(comment_id, body), write=True)

    def delete_comment(self, comment_id: int) -> None:
        return self._do("pull-requests: write", lambda: self.repository.delete(comment_id), write=True)

    def pull_request(self, number: int) -> PullRequest:
        self.known = self.known or self.repository.login  # told in the same request
        return self._do("pull-requests: read", lambda: self.repository.pull(number))

    def statuses(self, sha: str) -> list[CommitStatus]:
        return self._do("statuses: read", lambda: [each for (on, _), each in self.repository.statuses.items() if on == sha])

    def set_status(self, sha: str, status: CommitStatus) -> CommitStatus:
        return self._do("statuses: write", lambda: self.repository.put_status(sha, status), write=True)


class StillClock(SleptClock):
    """Time that begins where the events of these tests do."""

    def __init__(self, at: float = START) -> None:
        super().__init__(at)


def context(**changes: Any) -> RunContext:
    """A pull request of the repository itself; `changes` replace fields."""
    plain = RunContext(
        event="pull_request",
        owner="o",
        repository="r",
        sha=SHA,
        event_sha="b" * 40,
        ref="refs/pull/7/merge",
        head_ref="topic",
        head_repository="o/r",
        base_ref="main",
        base_sha="c" * 40,
        pull_request=7,
        is_fork=False,
        actor="octocat",
        dependabot=False,
        privileged=False,
        run_id="1",
        attempt=1,
        workflow_ref="o/r/.github/workflows/ci.yml@refs/heads/main",
        workflow_sha="d" * 40,
        job="gate",
        server_url="https://github.com",
        api_url="https://api.github.com",
    )
    return evolve(plain, **changes)


def status(state: State = State.SUCCESS, text: str = "all well", context: str = "dhash-guard/gate") -> CommitStatus:
    return CommitStatus(context=context, state=state, description=text, target_url="")
