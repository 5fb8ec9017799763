"""Decides who may order a rollback through GitHub, from which event, and to which backup: a workflow is a deputy."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
"""What a person may be to a repository, least first, in GitHub's words."""

_ORDERING_EVENTS = frozenset({"workflow_dispatch", "repository_dispatch", "push", "schedule", "release", "deployment"})
"""Events that only somebody with write access, or the repository itself, can cause."""


class Leave(Enum):
    """How an order stands."""

    GRANTED = "granted"
    UNPROVEN = "unproven"
    """GitHub does not tell; a rollback fails safe, so it goes on and says so."""
    REFUSED = "refused"


@frozen
class Person:
    """Somebody by login, and what they are to the repository: None where GitHub does not tell, and why not."""

    login: str
    role: str | None
    why: str = ""


@frozen(kw_only=True)
class Order:
    """A rollback as it was ordered on a runner."""

    event: str
    people: tuple[Person, ...]
    """Who caused the run, and who ran it again, if somebody else did: nobody borrows the rights of another."""
    least: str
    """The least role that may order it."""
    target: str
    target_known: bool
    """Whether the backup stands in the catalogue of this environment, sealed: a path or a file from elsewhere does not."""
    rolled_back_to: str
    """What the latest deployment was rolled back to already; empty where it was not."""
    forced: bool


@frozen(kw_only=True)
class Answer:
    """Whether the rollback may go on, why as a code word, and in words."""

    leave: Leave
    code: str
    text: str
    cure: str = ""


def judge(order: Order) -> Answer:
    """The first reason against the order; none means that it may go on (ecosystem-security.md §2.2, row 24)."""
    if order.event not in _ORDERING_EVENTS:
        return _no(
            "untrusted-event",
            f"the event {order.event or 'without a name'} may be caused by strangers",
            "Run it by workflow_dispatch.",
        )
    for person in order.people:
        if person.role is not None and _rank(person.role) < _rank(order.least):
            return _no(
                "actor-not-permitted",
                f"{person.login or 'somebody unknown'} has {person.role} access, asked: {order.least}",
                "Ask somebody who may to run it anew, or change rollback.by.",
            )
    if not order.target_known:
        return _no(
            "target-unknown",
            f"{order.target} is no sealed backup of this environment",
            "Name one that `dhash-guard rollback --list` shows.",
        )
    if order.rolled_back_to == order.target and not order.forced:
        return _no(
            "already-rolled-back",
            f"this deployment was rolled back to {order.target} already",
            "Say --force to do it again.",
        )
    for person in order.people:
        if person.role is None:
            return Answer(
                leave=Leave.UNPROVEN,
                code="role-unknown",
                text=f"GitHub does not tell what {person.login or 'the actor'} may do, and a rollback does not wait for it: "
                f"{person.why}",
            )
    told = ", run again by ".join(f"{person.login}, {person.role}" for person in order.people)
    return Answer(leave=Leave.GRANTED, code="granted", text=f"ordered by {told}")


def _rank(role: str) -> int:
    """A role that is not known counts as none."""
    return ROLES.index(role) if role in ROLES else 0


def _no(code: str, text: str, cure: str) -> Answer:
    return Answer(leave=Leave.REFUSED, code=code, text=text, cure=cure)
