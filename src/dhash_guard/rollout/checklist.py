"""Writes down who ticked what, when somebody has edited a comment of ours; other edits of it are left as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from dhash_guard.errors import CannotTell
from dhash_guard.github.comment import CommentResult, Outcome, upsert
from dhash_guard.github.ports import Issues
from dhash_guard.records.checklist import Edit
from dhash_guard.report.checklists import patched
from dhash_guard.report.memory import recalled
from dhash_guard.rollout.comment import SETTLE, SKEW
from dhash_guard.system import Machine

_MARKER = re.compile(r"<!-- dhash-guard:v1:[A-Za-z0-9._-]+:[A-Za-z0-9._-]+ -->")
_ROUNDS = 4


@frozen(kw_only=True)
class Reported:
    """An edit as the event reports it: of which comment on which pull request, by its id and its author."""

    number: int
    comment: int
    author: str
    marker: str
    edit: Edit


def reported(event: str, payload: Mapping[str, Any]) -> Reported | str:
    """The edit, or why there is nothing to do: another event, no text changed, a bot, no comment of ours."""
    if event != "issue_comment" or payload.get("action") != "edited":
        return "nobody edited a comment"
    comment, sender = _mapping(payload.get("comment")), _mapping(payload.get("sender"))
    before = _mapping(_mapping(_mapping(payload.get("changes")).get("body"))).get("from")
    after, who, number = comment.get("body"), sender.get("login"), _mapping(payload.get("issue")).get("number")
    if not (isinstance(before, str) and isinstance(after, str) and isinstance(who, str) and isinstance(number, int)):
        return "no text was changed"
    if sender.get("type") != "User":
        return f"{who} is no person"
    marker = _MARKER.match(before)
    if marker is None:
        return "it is no comment of this program"
    edit = Edit(who=who, at=_time(comment.get("updated_at")), before=before, after=after)
    author, ident = _mapping(comment.get("user")).get("login"), comment.get("id")
    return Reported(number=number, comment=int(ident or 0), author=str(author or ""), marker=marker[0], edit=edit)


def credit(machine: Machine, issues: Issues, told: Reported) -> CommentResult | str:
    """Merge the edit into the comment; or why nothing was written. Raise GithubProblem.

    The comment is looked at again until it stays: a leg that read it before the edit may have written over it.
    """
    ours = issues.identity()
    if told.author.casefold() != ours.casefold():
        return "it is no comment of this program"
    if told.comment not in {one.id for one in issues.comments(told.number) if one.author.casefold() == ours.casefold()}:
        return "the comment is gone"
    since = machine.clock.now() - SKEW

    def compose(bodies: Sequence[str]) -> str:
        body = bodies[0] if bodies else told.edit.before
        return patched(body, recalled(bodies or [body], told.edit, since))

    result = upsert(issues, told.number, told.marker, compose, machine.clock, ours)
    for _ in range(_ROUNDS):
        if result.outcome in (Outcome.UNCHANGED, Outcome.DEFERRED):
            break
        machine.clock.sleep(SETTLE)
        since = machine.clock.now() - SKEW
        again = upsert(issues, told.number, told.marker, compose, machine.clock, ours)
        if again.outcome is Outcome.UNCHANGED:
            return evolve(result, requests=result.requests + again.requests)
        result = evolve(again, requests=result.requests + again.requests)
    return result


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _time(value: object) -> float:
    """UTC epoch seconds; raise CannotTell where GitHub's time is none, because the order of edits hangs on it."""
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError as problem:
        raise CannotTell("the event does not say when the comment was edited", where="comment.updated_at") from problem
