"""What GitHub tells of a pull request and its reviews, and what could not be learnt, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen


class ReviewState(Enum):
    """What a review says; a dismissal rewrites the state of the review that it takes back."""

    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    COMMENTED = "COMMENTED"
    DISMISSED = "DISMISSED"
    PENDING = "PENDING"


@frozen(kw_only=True)
class Review:
    """One review; `author` is empty where the account was deleted, `at` is UTC epoch seconds, None while it is pending."""

    id: int
    author: str
    bot: bool
    state: ReviewState
    commit: str
    at: float | None


@frozen(kw_only=True)
class PullFacts:
    """A pull request as approvals need it; `author` is empty where the account was deleted.

    `requested` are the people who are asked for a review now, `merge_commit` what the merge made of it, or empty.
    """

    number: int
    author: str
    head_sha: str
    head_ref: str
    head_repository: str
    base_ref: str
    open: bool
    merged: bool
    merge_commit: str = ""
    requested: tuple[str, ...] = ()


class Known(Enum):
    """Whether something holds, as far as it could be learnt."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Fact:
    """One thing that was asked: the answer, who gave it, and, where there is none, why and what would help."""

    known: Known
    source: str = ""
    reason: str = ""
    cure: str = ""


@frozen(kw_only=True)
class Push:
    """The last push to a pull request; `at` is UTC epoch seconds, None where nobody would tell, with the reason."""

    at: float | None = None
    by: str = ""
    reason: str = ""
    cure: str = ""


@frozen(kw_only=True)
class ReviewFacts:
    """Everything that the judge of approvals is given; people are in lower case wherever they are keys.

    `writers` says who may write to the repository, `members` who belongs to which team, `vouched` for which teams GitHub
    itself answers by a rule. Whoever is not in them was not asked about, and counts as unknown.
    """

    pull: PullFacts
    reviews: tuple[Review, ...]
    push: Push = Push()
    writers: Mapping[str, Fact] = field(factory=dict)
    members: Mapping[str, Mapping[str, Fact]] = field(factory=dict)
    vouched: Mapping[str, Fact] = field(factory=dict)
