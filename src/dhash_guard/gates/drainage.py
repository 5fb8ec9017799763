"""Decides whether a queue drains: by its first and last length, else by its slope over enough looks, else cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from attrs import frozen

from dhash_guard.gates.aggregates import slope

ENOUGH = 5
"""Looks from which on a slope counts."""


class Flow(Enum):
    """Where a queue is going."""

    DRAINING = "draining"
    STABLE = "stable"
    GROWING = "growing"
    CANNOT_TELL = "cannot-tell"


@frozen
class QueueLook:
    """One look: seconds on any clock that never goes back, entries waiting, entries processed since its start if known."""

    at: float
    length: float
    processed: float | None = None


@frozen(kw_only=True)
class Drainage:
    """The verdict with its arithmetic; rates are entries per second, None where nothing tells them."""

    flow: Flow
    reason: str
    looks: int
    backlog: float | None = None
    grows_by: float | None = None
    processes: float | None = None

    @property
    def well(self) -> bool:
        """Whether the backlog does not grow."""
        return self.flow in (Flow.DRAINING, Flow.STABLE)


def drainage(looks: Sequence[QueueLook]) -> Drainage:
    """Judge looks in the order of time; those without an answer are not among them.

    A queue that ends no longer than it began drains, whatever lay between. One that ends longer may still drain, where
    its slope over at least ENOUGH looks is not above zero.
    """
    if len(looks) < 2:
        backlog = looks[-1].length if looks else None
        reason = "one look tells no direction" if looks else "the queue has not answered"
        return Drainage(flow=Flow.CANNOT_TELL, reason=reason, looks=len(looks), backlog=backlog)
    first, last = looks[0], looks[-1]
    rate = slope([look.at for look in looks], [look.length for look in looks])
    flow, reason = _judged(first.length, last.length, rate, len(looks))
    span = last.at - first.at
    return Drainage(
        flow=flow,
        reason=reason,
        looks=len(looks),
        backlog=last.length,
        grows_by=(last.length - first.length) / span if span > 0 else None,
        processes=_processing(first, last, span),
    )


def _judged(first: float, last: float, rate: float, looks: int) -> tuple[Flow, str]:
    ends = f"{first:g} waited at first, {last:g} at last"
    if last < first:
        return Flow.DRAINING, ends
    if last == first:
        return Flow.STABLE, ends
    if looks < ENOUGH:
        return Flow.CANNOT_TELL, f"{ends}; {looks} looks are too few for a slope, it takes {ENOUGH}"
    sloped = f"{ends}, slope {rate:+.3g} per second over {looks} looks"
    if rate > 0:
        return Flow.GROWING, sloped
    return (Flow.DRAINING if rate < 0 else Flow.STABLE), sloped


def _processing(first: QueueLook, last: QueueLook, span: float) -> float | None:
    """Entries processed per second; a counter that went back was set to zero in between, and tells nothing."""
    if first.processed is None or last.processed is None or span <= 0 or last.processed < first.processed:
        return None
    return (last.processed - first.processed) / span
