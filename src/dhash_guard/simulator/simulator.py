"""The simulator as a test holds it: seeded in Python, served on ports that the system chooses, asked what happened."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from attrs import evolve

from dhash_guard.simulator import admin
from dhash_guard.simulator.document import Document, complete
from dhash_guard.simulator.faults import Fault, FaultKind, Faults
from dhash_guard.simulator.hub import Entry, Hub, Request
from dhash_guard.simulator.call import Reply
from dhash_guard.simulator.server import Server
from dhash_guard.simulator.state import (
    Artifact,
    Branch,
    Comment,
    Job,
    PullRequest,
    Repository,
    Review,
    Status,
    Team,
    WorkflowRun,
    World,
    moment,
)
from dhash_guard.simulator.storage import Storage
from dhash_guard.simulator.tokens import Token
from dhash_guard.system.clock import SystemClock

T = TypeVar("T")
DEFAULT_REPOSITORY = "mobius/dhash-service"


class Simulator:
    """A GitHub of one's own. `with Simulator().serving() as sim:` and `sim.url` is its API.

    The `add_…` methods seed `repository`, take the fields of the records in `state`, and return what they added.
    """

    def __init__(
        self,
        document: Document | None = None,
        *,
        repository: str = DEFAULT_REPOSITORY,
        now: Callable[[], float] = SystemClock().now,
        port: int = 0,
    ) -> None:
        made = document or Document()
        self.name = repository
        self.now = now
        self._hub = Hub(made.world, Faults(made.faults), now)
        self._storage = Storage(self._hub)
        self._hub.blobs = self._storage.sign
        self._port = port
        if document is None:
            made.world.repositories[repository] = Repository()
            self._complete()

    @contextmanager
    def serving(self) -> Iterator[Simulator]:
        """Serve until the block ends."""
        api, storage = Server(self._answer, self._port), Server(self._storage.answer)
        self._hub.base, self._storage.url = api.url, storage.url
        with storage.serving(), api.serving():
            yield self

    @property
    def url(self) -> str:
        """The address of the API, as answers name it."""
        return self._hub.base

    @url.setter
    def url(self, address: str) -> None:
        """Let answers name another address: that of a proxy which stands in front."""
        self._hub.base = address

    @property
    def world(self) -> World:
        return self._hub.world

    @property
    def repository(self) -> Repository:
        return self.world.repositories[self.name]

    @property
    def log(self) -> tuple[Entry, ...]:
        return tuple(self._hub.log)

    @property
    def unknown_routes(self) -> list[str]:
        """Requests that GitHub may well serve but the simulator does not: a test asserts that there are none."""
        return [f"{entry.method} {entry.path}" for entry in self.log if not entry.route]

    def comments(self, number: int) -> list[Comment]:
        """The comments as they are, whatever lists still show."""
        return [comment for comment in self.repository.comments if comment.issue == number]

    def statuses(self, sha: str) -> list[Status]:
        return [status for status in self.repository.statuses if status.sha == sha]

    def fault(self, kind: FaultKind | str, **facts: Any) -> None:
        """Arm a fault: `sim.fault("status", method="GET", path="*/comments", status=502, times=2)`."""
        with self._hub.lock:
            self._hub.faults.add([Fault(kind=FaultKind(kind), **facts)])

    def clear_faults(self) -> None:
        with self._hub.lock:
            self._hub.faults.clear()

    def add_token(self, text: str, token: Token) -> Token:
        self.world.tokens[text] = token
        return token

    def add_team(self, slug: str, members: Mapping[str, str], organization: str = "") -> Team:
        """A team of the repository's owner, unless another organization is named; members are active or pending."""
        team = Team(members=dict(members))
        self.world.teams[f"{organization or self.name.split('/')[0]}/{slug}"] = team
        return team

    def add_branch(self, name: str, **facts: Any) -> Branch:
        self.repository.branches[name] = Branch(**facts)
        self._complete()
        return self.repository.branches[name]

    def add_pull_request(self, number: int = 0, **facts: Any) -> PullRequest:
        return self._add(self.repository.pull_requests, PullRequest, number=number or self._next_number(), **facts)

    def add_comment(self, issue: int, body: str, author: str = "github-actions[bot]") -> Comment:
        now = moment(self.now())
        facts = {"issue": issue, "author": author, "body": body, "created_at": now, "updated_at": now}
        return self._add(self.repository.comments, Comment, id=self._new_id(), **facts)

    def edit_comment(self, id: int, body: str) -> Comment:
        """What a person does who ticks a box."""
        with self._hub.lock:
            place = next(place for place, one in enumerate(self.repository.comments) if one.id == id)
            edited = evolve(self.repository.comments[place], body=body, updated_at=moment(self.now()))
            self.repository.comments[place] = edited
            return edited

    def add_review(self, pull: int, author: str, state: str = "APPROVED", **facts: Any) -> Review:
        """A review of the head commit, unless another `commit` is named."""
        head = next(one.head_sha for one in self.repository.pull_requests if one.number == pull)
        facts = {"commit": head} | facts
        return self._add(self.repository.reviews, Review, id=self._new_id(), pull=pull, author=author, state=state, **facts)

    def add_status(self, sha: str, context: str, state: str = "success", author: str = "github-actions[bot]") -> Status:
        facts = {"sha": sha, "context": context, "state": state, "author": author, "created_at": moment(self.now())}
        return self._add(self.repository.statuses, Status, id=self._new_id(), **facts)

    def add_run(self, **facts: Any) -> WorkflowRun:
        return self._add(self.repository.runs, WorkflowRun, **{"id": self._new_id()} | facts)

    def add_job(self, run: int, name: str, **facts: Any) -> Job:
        return self._add(self.repository.jobs, Job, **{"id": self._new_id(), "run": run, "name": name} | facts)

    def add_artifact(
        self, run: int, name: str, files: Mapping[str, str] | None = None, *, archive: bytes = b"", expired: bool = False
    ) -> Artifact:
        """An artifact of these files, or of exactly these bytes."""
        facts = {"files": dict(files or {}), "archive": base64.b64encode(archive).decode(), "expired": expired}
        return self._add(self.repository.artifacts, Artifact, id=self._new_id(), run=run, name=name, **facts)

    def _add(self, things: list[T], kind: type[T], **facts: Any) -> T:
        with self._hub.lock:
            things.append(kind(**facts))
            place = len(things) - 1
            self._complete()
            return self._again(kind)[place]

    def _again(self, kind: type[T]) -> list[T]:
        """The list of that kind after `complete` has made a new one."""
        lists = {
            PullRequest: self.repository.pull_requests,
            Comment: self.repository.comments,
            Review: self.repository.reviews,
            Status: self.repository.statuses,
            WorkflowRun: self.repository.runs,
            Job: self.repository.jobs,
            Artifact: self.repository.artifacts,
        }
        return lists[kind]  # type: ignore[index, return-value]

    def _complete(self) -> None:
        complete(self.name, self.repository, self.now())

    def _new_id(self) -> int:
        with self._hub.lock:
            return self.world.new_id()

    def _next_number(self) -> int:
        return max((pull.number for pull in self.repository.pull_requests), default=0) + 1

    def _answer(self, request: Request) -> tuple[Reply, Fault | None]:
        if request.path.startswith(admin.PREFIX):
            return admin.answer(self._hub, request), None
        return self._hub.answer(request)
