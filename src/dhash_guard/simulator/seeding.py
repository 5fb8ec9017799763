"""Adds things to a repository while it is served, as people and other programs would."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import evolve

from dhash_guard.simulator.completion import complete, completed
from dhash_guard.simulator.hub import Hub
from dhash_guard.simulator.state import (
    Artifact,
    Branch,
    Comment,
    Deployment,
    DeploymentStatus,
    Job,
    PendingDeployment,
    PullRequest,
    Push,
    Repository,
    Review,
    Status,
    Team,
    WorkflowRun,
    World,
    moment,
)
from dhash_guard.simulator.tokens import Token

T = TypeVar("T")
_WORKFLOW = "github-actions[bot]"


class Seeding:
    """The `add_…` methods take the fields of the records in `state`, make up what is left out, and return the record."""

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub = hub
        self.name = name

    @property
    def world(self) -> World:
        return self._hub.world

    @property
    def repository(self) -> Repository:
        return self.world.repositories[self.name]

    def add_token(self, text: str, token: Token) -> Token:
        with self._hub.lock:
            self.world.tokens[text] = token
            return token

    def add_team(self, slug: str, members: Mapping[str, str], organization: str = "") -> Team:
        """A team of the repository's owner, unless another organization is named; members are active or pending."""
        with self._hub.lock:
            team = self.world.teams[f"{organization or self.name.split('/')[0]}/{slug}"] = Team(members=dict(members))
            return team

    def add_branch(self, name: str, **facts: Any) -> Branch:
        with self._hub.lock:
            self.repository.branches[name] = Branch(**facts)
            complete(self.name, self.repository, self._hub.now())
            return self.repository.branches[name]

    def add_pull_request(self, number: int = 0, **facts: Any) -> PullRequest:
        with self._hub.lock:
            pulls = self.repository.pull_requests
            following = max((pull.number for pull in pulls), default=0) + 1
            return self._add(pulls, PullRequest(number=number or following, **facts))

    def add_comment(self, issue: int, body: str, author: str = _WORKFLOW) -> Comment:
        with self._hub.lock:
            now, new = moment(self._hub.now()), self.world.new_id()
            comment = Comment(id=new, issue=issue, author=author, body=body, created_at=now, updated_at=now)
            return self._add(self.repository.comments, comment)

    def edit_comment(self, number: int, body: str) -> Comment:
        """What a person does who ticks a box."""
        with self._hub.lock:
            comments = self.repository.comments
            place = next(place for place, one in enumerate(comments) if one.id == number)
            comments[place] = evolve(comments[place], body=body, updated_at=moment(self._hub.now()))
            return comments[place]

    def add_review(self, pull: int, author: str, state: str = "APPROVED", commit: str = "", **facts: Any) -> Review:
        """A review of the head commit, unless another one is named."""
        with self._hub.lock:
            review = Review(id=self.world.new_id(), pull=pull, author=author, state=state, commit=commit, **facts)
            return self._add(self.repository.reviews, review)

    def add_push(self, branch: str, after: str, actor: str = "ada", **facts: Any) -> Push:
        """A push to a branch, which now has `after` as its tip."""
        with self._hub.lock:
            push = Push(id=self.world.new_id(), ref=f"refs/heads/{branch}", after=after, actor=actor, **facts)
            return self._add(self.repository.pushes, push)

    def change_pull_request(self, number: int, **facts: Any) -> PullRequest:
        """What a push, a merge, or a person changes on a pull request."""
        with self._hub.lock:
            pulls = self.repository.pull_requests
            place = next(place for place, pull in enumerate(pulls) if pull.number == number)
            pulls[place] = evolve(pulls[place], **facts)
            return pulls[place]

    def add_status(self, sha: str, context: str, state: str = "success", author: str = _WORKFLOW) -> Status:
        with self._hub.lock:
            now, new = moment(self._hub.now()), self.world.new_id()
            status = Status(id=new, sha=sha, context=context, state=state, author=author, created_at=now)
            return self._add(self.repository.statuses, status)

    def add_run(self, **facts: Any) -> WorkflowRun:
        with self._hub.lock:
            return self._add(self.repository.runs, WorkflowRun(**self._numbered(facts)))

    def add_job(self, run: int, name: str, **facts: Any) -> Job:
        with self._hub.lock:
            return self._add(self.repository.jobs, Job(run=run, name=name, **self._numbered(facts)))

    def add_artifact(
        self, run: int, name: str, files: Mapping[str, str] | None = None, *, archive: bytes = b"", **facts: Any
    ) -> Artifact:
        """An artifact of these files, or of exactly these bytes."""
        with self._hub.lock:
            packed = base64.b64encode(archive).decode()
            artifact = Artifact(run=run, name=name, files=dict(files or {}), archive=packed, **self._numbered(facts))
            return self._add(self.repository.artifacts, artifact)

    def add_deployment(self, **facts: Any) -> Deployment:
        """A deployment, as a job with `environment:` makes one unless the facts say otherwise."""
        with self._hub.lock:
            return self._add(self.repository.deployments, Deployment(**self._numbered(facts)))

    def add_deployment_status(self, deployment: int, state: str, **facts: Any) -> DeploymentStatus:
        with self._hub.lock:
            status = DeploymentStatus(deployment=deployment, state=state, **self._numbered(facts))
            return self._add(self.repository.deployment_statuses, status)

    def add_pending(self, run: int, **facts: Any) -> PendingDeployment:
        """A job of a run that waits before an environment for an App's answer."""
        with self._hub.lock:
            return self._add(self.repository.pending, PendingDeployment(run=run, **self._numbered(facts)))

    def _numbered(self, facts: dict[str, Any]) -> dict[str, Any]:
        return facts if "id" in facts else facts | {"id": self.world.new_id()}

    def _add(self, things: list[T], thing: T) -> T:
        things.append(completed(self.name, self.repository, thing, self._hub.now()))
        return things[-1]
