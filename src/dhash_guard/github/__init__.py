"""Talking to GitHub: what a run is about, what a step leaves behind, the one comment, and the status of a commit."""

from dhash_guard.github.api import ACTIONS_BOT, GithubApi
from dhash_guard.github.commands import Annotation, Kind
from dhash_guard.github.comment import LONGEST, CommentResult, Compose, Outcome, upsert
from dhash_guard.github.context import context_of, read_context
from dhash_guard.github.errors import (
    Forbidden,
    GithubProblem,
    NotAuthorised,
    NotFound,
    RateLimited,
    Silent,
    Spent,
    Unprocessable,
    Why,
)
from dhash_guard.github.once import once
from dhash_guard.github.patience import Patience
from dhash_guard.github.ports import Comment, CommitStatus, Issues, PullRequest, State, Statuses
from dhash_guard.github.runner import Runner
from dhash_guard.github.status import StatusResult, set_status
from dhash_guard.github.transport import Reply, Transport

__all__ = [
    "ACTIONS_BOT",
    "LONGEST",
    "Annotation",
    "Comment",
    "CommentResult",
    "CommitStatus",
    "Compose",
    "Forbidden",
    "GithubApi",
    "GithubProblem",
    "Issues",
    "Kind",
    "NotAuthorised",
    "NotFound",
    "Outcome",
    "Patience",
    "PullRequest",
    "RateLimited",
    "Reply",
    "Runner",
    "Silent",
    "Spent",
    "State",
    "StatusResult",
    "Statuses",
    "Transport",
    "Unprocessable",
    "Why",
    "context_of",
    "once",
    "read_context",
    "set_status",
    "upsert",
]
