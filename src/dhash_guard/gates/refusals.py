"""Names every reason for which evidence is refused, and what follows from each."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Weight(Enum):
    """What follows from a refusal: the record was altered (exit 4), no (exit 1), or nothing is known (exit 3)."""

    ALTERED = "altered"
    NO = "no"
    UNKNOWN = "unknown"


class Reason(Enum):
    """Why a statement is refused."""

    MALFORMED = "malformed"
    BAD_MAC = "bad-mac"
    UNKNOWN_KEY = "unknown-key"
    DOWNGRADED_TIER = "downgraded-tier"
    DIGEST_MISMATCH = "digest-mismatch"
    CONTRADICTS_EVIDENCE = "contradicts-evidence"
    WRONG_REPOSITORY = "wrong-repository"
    FOREIGN_HEAD_REPOSITORY = "foreign-head-repository"
    UNTRUSTED_WORKFLOW = "untrusted-workflow"
    WRONG_WORKFLOW_SHA = "wrong-workflow-sha"
    WRONG_EVENT = "wrong-event"
    WRONG_RUN = "wrong-run"
    SUPERSEDED_ATTEMPT = "superseded-attempt"
    JOB_NOT_SUCCESSFUL = "job-not-successful"
    WRONG_ENVIRONMENT = "wrong-environment"
    WRONG_VERB = "wrong-verb"
    WRONG_COMMIT = "wrong-commit"
    WRONG_CONFIGURATION = "wrong-configuration"
    WRONG_TARGET = "wrong-target"
    NOT_YET_ISSUED = "not-yet-issued"
    EXPIRED = "expired"
    TOO_OLD = "too-old"

    @property
    def weight(self) -> Weight:
        """What follows for the gate."""
        if self in _ALTERED:
            return Weight.ALTERED
        return Weight.NO if self in _NO else Weight.UNKNOWN


_ALTERED = frozenset({Reason.MALFORMED, Reason.BAD_MAC, Reason.DIGEST_MISMATCH, Reason.CONTRADICTS_EVIDENCE})
_NO = frozenset({Reason.JOB_NOT_SUCCESSFUL, Reason.NOT_YET_ISSUED, Reason.EXPIRED, Reason.TOO_OLD})
IDENTITY = (
    Reason.WRONG_REPOSITORY,
    Reason.FOREIGN_HEAD_REPOSITORY,
    Reason.UNTRUSTED_WORKFLOW,
    Reason.WRONG_WORKFLOW_SHA,
    Reason.WRONG_EVENT,
)
"""What makes a run somebody else's: its evidence is passed over, so that a stranger can neither open nor block anything."""


@frozen
class Refused:
    """The statement does not hold: why, in words, and what to do."""

    reason: Reason
    what: str
    cure: str = ""
