"""Says what one condition of the gate is: how it stands, what was found and asked, and which evidence it relies on."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from dhash_guard.gates.refusals import Refused, Weight
from dhash_guard.records.stage import Finding, StageStatus


class Answer(Enum):
    """How one condition stands."""

    GO = "go"
    NO_GO = "no-go"
    CANNOT_TELL = "cannot-tell"
    FROZEN = "frozen"
    ALTERED = "altered"


@frozen(kw_only=True)
class Condition:
    """One condition of the gate: what was found, what was asked, where it was found, what to do.

    `relies_on` are the hashes of the evidence that the answer follows from, which a deployment that acts on it uses up.
    """

    name: str
    answer: Answer
    value: str
    limit: str
    source: str = ""
    cure: str = ""
    relies_on: tuple[str, ...] = ()


def findings_of(found: Iterable[Condition]) -> tuple[Finding, ...]:
    """Conditions as findings of a stage."""
    statuses = {Answer.GO: StageStatus.PASSED, Answer.CANNOT_TELL: StageStatus.CANNOT_TELL}
    return tuple(
        Finding(
            check=condition.name,
            status=statuses.get(condition.answer, StageStatus.FAILED),
            text=f"{condition.value}; asked: {condition.limit}" + (f" ({condition.source})" if condition.source else ""),
            cure=condition.cure,
        )
        for condition in found
    )


def relied_on(found: Iterable[Condition]) -> tuple[str, ...]:
    """The sha256 of every piece of evidence that conditions which hold rely on, each once."""
    return tuple(
        dict.fromkeys(digest for condition in found if condition.answer is Answer.GO for digest in condition.relies_on)
    )


def answer_of(refused: Refused) -> Answer:
    """What a refused statement means for its condition."""
    weights = {Weight.ALTERED: Answer.ALTERED, Weight.NO: Answer.NO_GO, Weight.UNKNOWN: Answer.CANNOT_TELL}
    return weights[refused.reason.weight]
