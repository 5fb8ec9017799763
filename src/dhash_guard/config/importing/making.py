"""Makes a gate from its pieces: limit, hold and action in turn, each told with the value that it comes from."""

from __future__ import annotations

from collections.abc import Callable

from dhash_guard.config.importing import holds
from dhash_guard.config.importing.actions import choose
from dhash_guard.config.importing.draft import Draft, Misfit
from dhash_guard.config.importing.limits import limit
from dhash_guard.config.importing.numbers import Unclear
from dhash_guard.config.importing.parts import Piece, Role

Step = Callable[[Draft, Piece], str]

_STEPS: tuple[tuple[Role, Step], ...] = (
    (Role.WINDOW, holds.window),
    (Role.SUSTAINED, holds.sustained),
    (Role.CHECKS, holds.checks),
    (Role.SAMPLES, holds.samples),
)
_WORDS = ((Role.ENABLED, "stands"), (Role.UNIT, "the unit of its limit"), (Role.QUEUE, "the queue it reads"))


def make(draft: Draft) -> None:
    """Write every key; raise Misfit for the first value that cannot be understood."""
    first = draft.by[Role.LIMIT]
    draft.set(first.leaf, signal=draft.subject.signal)
    words = [_tried(limit, draft, first)]
    words += [_tried(step, draft, draft.by[role]) for role, step in _STEPS if role in draft.by]
    words += [] if draft.hold else ["at each look"]
    words.append(_action(draft, first))
    for role, text in _WORDS:
        if role in draft.by:
            draft.tell(draft.by[role].leaf, text)
    draft.tell(first.leaf, ", ".join(filter(None, words)))


def _tried(step: Step, draft: Draft, piece: Piece) -> str:
    try:
        return step(draft, piece)
    except Unclear as problem:
        raise Misfit(piece.leaf, problem) from problem


def _action(draft: Draft, first: Piece) -> str:
    asked, around = draft.by.get(Role.ACTION), draft.around
    leaf = asked.leaf if asked is not None else None
    try:
        chosen = choose(draft.subject, around.env, leaf, around.automatic, around.usual)
    except Unclear as problem:
        raise Misfit(leaf or first.leaf, problem) from problem
    draft.set(leaf or first.leaf, action=chosen.action)
    if leaf is None:
        return str(chosen)
    draft.tell(leaf, f"action: {chosen}")
    return chosen.action
