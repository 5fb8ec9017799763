"""What the judge says: the outcome of one gate, and the verdict over all of them."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Action(Enum):
    """What a breach of a gate may cause."""

    ROLLBACK = "rollback"
    BLOCK = "block"
    ALERT = "alert"
    OBSERVE = "observe"

    @property
    def decides(self) -> bool:
        """Whether a gate with this action can change the verdict."""
        return self in (Action.ROLLBACK, Action.BLOCK)


class Status(Enum):
    """How a gate, or a whole watch, stands."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CANNOT_TELL = "cannot-tell"
    NOT_JUDGED = "not-judged"


class Decision(Enum):
    """What follows from a verdict."""

    PROCEED = "proceed"
    ROLL_BACK = "roll_back"
    HOLD = "hold"


@frozen(kw_only=True)
class GateOutcome:
    """How one gate stands, with the arithmetic that anybody can check.

    `at` and `tick` name the look that decided; numbers are in the house unit (fraction, seconds, bytes, count) and
    `text` writes them with their limit for people. `counterfactual` says what would have passed.
    """

    gate: str
    signal: str
    action: Action
    status: Status
    reason_code: str
    text: str
    warned: bool = False
    tick: int | None = None
    at: float | None = None
    observed: float | None = None
    limit: float | None = None
    margin: float | None = None
    samples: int = 0
    counterfactual: str = ""


class Ending(Enum):
    """How a watch came to its end."""

    PLANNED = "planned"
    EARLY = "early"
    CAPPED = "capped"
    CUT_SHORT = "cut-short"
    ABORTED = "aborted"


@frozen(kw_only=True)
class Verdict:
    """The answer of a watch: status, decision, the gate that decided, and every gate's outcome."""

    status: Status
    decision: Decision
    reason_code: str
    reason: str
    ending: Ending
    gate: str | None = None
    ticks: int
    started_at: float
    ended_at: float
    outcomes: tuple[GateOutcome, ...]
    warnings: tuple[str, ...] = ()
