"""What the loopback GitHub knows: plain records, one per thing that GitHub keeps; times are text as GitHub writes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from attrs import define, field, frozen

from dhash_guard.simulator.tokens import DEFAULT_TOKENS, Token


@frozen(kw_only=True)
class ChangedFile:
    """A file of a pull request; `status` is added, removed, modified or renamed."""

    filename: str
    status: str = "modified"
    additions: int = 1
    deletions: int = 0


@frozen(kw_only=True)
class PullRequest:
    """A pull request; `head_repository` is another name than its repository's where it comes from a fork."""

    number: int
    title: str = "A change"
    body: str = ""
    author: str = "ada"
    head_ref: str = "change"
    head_sha: str = ""
    head_repository: str = ""
    base_ref: str = "main"
    state: str = "open"
    draft: bool = False
    locked: bool = False
    merged: bool = False
    merge_commit_sha: str = ""
    """What the merge made of it, also a squash; made up where it is left out."""
    requested_reviewers: tuple[str, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    created_at: str = ""


@frozen(kw_only=True)
class Comment:
    """A comment on a pull request or an issue."""

    id: int
    issue: int
    author: str
    body: str
    created_at: str
    updated_at: str


@frozen(kw_only=True)
class Push:
    """A push to a branch; `kind` is push, force_push, branch_creation or pr_merge."""

    id: int
    ref: str
    after: str
    actor: str = "ada"
    before: str = "0" * 40
    kind: str = "push"
    at: str = ""


@frozen(kw_only=True)
class Review:
    """A review; `state` is APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING.

    An empty author is an account that was deleted.
    """

    id: int
    pull: int
    author: str
    state: str
    commit: str
    body: str = ""
    submitted_at: str = ""


@frozen(kw_only=True)
class Status:
    """A commit status; `state` is error, failure, pending or success."""

    id: int
    sha: str
    state: str
    context: str = "default"
    description: str | None = None
    target_url: str | None = None
    author: str
    created_at: str


@frozen(kw_only=True)
class WorkflowRun:
    """One run of a workflow; `head_repository` is empty where it is the repository itself."""

    id: int
    name: str = "premerge-validation"
    path: str = ".github/workflows/premerge-validation.yml"
    head_sha: str = ""
    head_branch: str = "main"
    head_repository: str = ""
    event: str = "pull_request"
    status: str = "completed"
    conclusion: str | None = "success"
    attempt: int = 1
    actor: str = "ada"
    created_at: str = ""
    tree: str = ""
    """The tree of the head commit; made up where it is left out."""


@frozen(kw_only=True)
class Job:
    """One job of one attempt of a run."""

    id: int
    run: int
    name: str
    status: str = "completed"
    conclusion: str | None = "success"
    attempt: int = 1
    started_at: str = ""
    completed_at: str | None = None


@frozen(kw_only=True)
class Artifact:
    """An artifact of a run: `files` are zipped when asked for, or `archive` is the zip itself in base64."""

    id: int
    name: str
    run: int
    files: dict[str, str] = field(factory=dict)
    archive: str = ""
    expired: bool = False
    created_at: str = ""
    digest: str = ""
    """What the API says that the sha256 of the zip is, where that is not what it is."""


@frozen(kw_only=True)
class Deployment:
    """A deployment; `payload` is JSON. A job with `environment:` makes one with the task deploy by itself."""

    id: int
    sha: str
    ref: str = "main"
    task: str = "deploy"
    environment: str = "production"
    description: str = ""
    payload: str = "{}"
    production: bool = False
    author: str = "github-actions[bot]"
    created_at: str = ""


@frozen(kw_only=True)
class DeploymentStatus:
    """A status of a deployment: error, failure, inactive, in_progress, queued, pending, success."""

    id: int
    deployment: int
    state: str
    description: str = ""
    environment: str = "production"
    log_url: str = ""
    environment_url: str = ""
    author: str = "github-actions[bot]"
    created_at: str = ""


@frozen(kw_only=True)
class PendingDeployment:
    """A job of a run that waits before an environment for the answer of an App's rule, `approved` or `rejected`.

    Where people are `reviewers` too, or the timer runs, an approval does not end its waiting.
    """

    id: int
    run: int
    environment: str = "production"
    rule: str = "dhash-guard-app[bot]"
    """The login of the App whose rule guards the environment."""
    reviewers: tuple[str, ...] = ()
    wait_timer: int = 0
    answer: str = ""
    created_at: str = ""

    @property
    def waits(self) -> bool:
        """Whether a rule still keeps the job from beginning."""
        return not self.answer or (self.answer == "approved" and bool(self.reviewers or self.wait_timer))


@frozen(kw_only=True)
class DeploymentReview:
    """What was answered for an environment: approved or rejected, or pending for a report that decides nothing."""

    id: int
    run: int
    environment: str
    state: str
    author: str
    comment: str = ""
    created_at: str = ""


@frozen(kw_only=True)
class GitCommit:
    """A commit that was made through the API: `tree` and `parents` are ids."""

    sha: str
    tree: str
    parents: tuple[str, ...] = ()
    message: str = ""
    author: str = ""
    at: str = ""


@frozen(kw_only=True)
class GitRef:
    """A ref that is no branch: `name` is whole, refs/notes/x."""

    id: int
    name: str
    sha: str


@define(kw_only=True)
class Objects:
    """What was written through the git database: blobs by id, trees by id (path to blob), commits by id."""

    blobs: dict[str, str] = field(factory=dict)
    trees: dict[str, dict[str, str]] = field(factory=dict)
    commits: dict[str, GitCommit] = field(factory=dict)


@frozen(kw_only=True)
class Branch:
    """A branch and what protects it; `by` says where the rules stand: none, classic or ruleset."""

    sha: str = ""
    by: str = "none"
    required_checks: tuple[str, ...] = ()
    approvals: int = 1
    code_owners: bool = False
    dismiss_stale: bool = False
    last_push: bool = False
    """Whether somebody else than whoever pushed last has to approve."""
    required_reviewers: dict[str, int] = field(factory=dict)
    """Teams of the owner, and how many of each have to approve; rulesets alone can ask for that."""
    reviewed_files: tuple[str, ...] = ("**",)
    """The files for which those teams are asked."""
    merge_queue: bool = False
    force_pushes: bool = False
    deletions: bool = False
    enforce_admins: bool = True
    app: int | None = None
    """The App that the required checks must come from; 15368 is GitHub Actions."""


@define(kw_only=True)
class Repository:
    """A repository; `collaborators` maps a login to admin, maintain, write, triage or read."""

    private: bool = True
    default_branch: str = "main"
    description: str = ""
    collaborators: dict[str, str] = field(factory=dict)
    branches: dict[str, Branch] = field(factory=dict)
    tags: dict[str, str] = field(factory=dict)
    """The commit of each tag."""
    issues: list[int] = field(factory=list)
    """Numbers of issues that are no pull requests; they can be commented on."""
    commits: list[str] = field(factory=list)
    """Commits that exist without being the tip of anything."""
    pull_requests: list[PullRequest] = field(factory=list)
    comments: list[Comment] = field(factory=list)
    reviews: list[Review] = field(factory=list)
    pushes: list[Push] = field(factory=list)
    statuses: list[Status] = field(factory=list)
    runs: list[WorkflowRun] = field(factory=list)
    jobs: list[Job] = field(factory=list)
    artifacts: list[Artifact] = field(factory=list)
    refs: list[GitRef] = field(factory=list)
    objects: Objects = field(factory=Objects)
    deployments: list[Deployment] = field(factory=list)
    deployment_statuses: list[DeploymentStatus] = field(factory=list)
    pending: list[PendingDeployment] = field(factory=list)
    deployment_reviews: list[DeploymentReview] = field(factory=list)


@define(kw_only=True)
class Team:
    """A team of an organization; `members` maps a login to active or pending."""

    name: str = ""
    members: dict[str, str] = field(factory=dict)


@define(kw_only=True)
class World:
    """Everything: repositories by `owner/name`, teams by `organization/slug`, tokens by their text."""

    repositories: dict[str, Repository] = field(factory=dict)
    teams: dict[str, Team] = field(factory=dict)
    users: list[str] = field(factory=list)
    """People who exist without being mentioned anywhere else."""
    tokens: dict[str, Token] = field(factory=lambda: dict(DEFAULT_TOKENS))
    next_id: int = 1001

    def new_id(self) -> int:
        """Ids count up over all kinds of things, so that a test run twice sees the same ones."""
        number = self.next_id
        self.next_id += 1
        return number


def moment(at: float) -> str:
    """UTC as GitHub writes it: 2026-11-21T03:15:00Z."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def made_up_sha(*words: object) -> str:
    """Forty hex digits that are always the same for the same words, for commits nobody named."""
    return hashlib.sha1("/".join(map(str, words)).encode(), usedforsecurity=False).hexdigest()
