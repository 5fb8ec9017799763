"""Decides what gate the values of one gate make together, or why they make none: never half a gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, field, frozen

from dhash_guard.config.importing.draft import Around, Draft, Misfit, Told
from dhash_guard.config.importing.json_nodes import plain
from dhash_guard.config.importing.making import make
from dhash_guard.config.importing.parts import PARTS, Piece, Role
from dhash_guard.config.importing.patterns import snake
from dhash_guard.config.importing.subjects import Subject
from dhash_guard.config.names import suggest
from dhash_guard.config.node import Node


@frozen(kw_only=True)
class Made:
    """A gate as our file writes it (None where there is none), the value each key comes from, and what is told of all."""

    gate: dict[str, Any] | None = None
    marks: dict[str, Node] = field(factory=dict)
    understood: list[Told] = field(factory=list)
    left: list[Told] = field(factory=list)
    refused: list[Told] = field(factory=list)


BESIDES = "belongs to a gate that cannot be read as a whole"


def besides(gate: str) -> str:
    """What is told of a value that is right, but whose gate is refused for another one."""
    return f"{BESIDES} (gates.{gate})"


def assemble(subject: Subject, pieces: Sequence[Piece], around: Around) -> Made:
    """The gate of these pieces; where one that decides cannot be understood the whole gate is refused."""
    made = Made(
        left=[(piece.leaf, piece.part.reason) for piece in pieces if piece.part.role is Role.LEFT],
        refused=[(piece.leaf, _relative(piece.leaf, subject)) for piece in pieces if piece.part.role is Role.RATIO],
    )
    decisive = [piece for piece in pieces if piece.part.role not in (Role.LEFT, Role.RATIO)]
    try:
        return _without(subject, decisive, made) or _with(subject, decisive, around, made)
    except Misfit as problem:
        wrong = [(one.leaf, str(problem) if one.leaf is problem.leaf else besides(subject.gate)) for one in decisive]
        return evolve(made, refused=[*made.refused, *wrong])


def _without(subject: Subject, pieces: Sequence[Piece], made: Made) -> Made | None:
    """What is told where the file switches the gate off or says nothing that decides; None where there is a gate."""
    for piece in pieces:
        if piece.part.role is Role.ENABLED and not isinstance(piece.leaf.value, bool):
            raise Misfit(piece.leaf, f"{piece.leaf.shown} is no boolean; write true or false")
        if piece.part.role is Role.ENABLED and piece.leaf.value is False:
            off = (piece.leaf, f"gates.{subject.gate} is left out: the file switches it off")
            rest = [(other.leaf, "belongs to a gate that is switched off") for other in pieces if other is not piece]
            return evolve(made, understood=[off], left=[*made.left, *rest])
    return None if pieces else made


def _with(subject: Subject, pieces: Sequence[Piece], around: Around, made: Made) -> Made:
    by: dict[Role, Piece] = {}
    for piece in pieces:
        other = by.setdefault(piece.part.role, piece)
        if other is not piece and piece.part.role is not Role.UNKNOWN:
            raise Misfit(piece.leaf, f"says the same as {other.key} on line {other.leaf.mark.line}; keep one of them")
    if Role.UNKNOWN in by:
        key = by[Role.UNKNOWN].key
        raise Misfit(by[Role.UNKNOWN].leaf, f"{key} is no key of a gate that is known here; {suggest(key, PARTS)}")
    if Role.LIMIT not in by:
        raise Misfit(pieces[0].leaf, "belongs to a gate without a limit; write its threshold")
    if Role.QUEUE in by and _is_other(by[Role.QUEUE].leaf):
        raise Misfit(
            by[Role.QUEUE].leaf, "is another queue than the low-confidence one; define a signal for it under signals"
        )
    draft = Draft(subject, by, around)
    make(draft)
    return evolve(made, gate=draft.gate, marks=draft.marks, understood=draft.understood, left=[*made.left, *draft.left])


def _is_other(queue: Node) -> bool:
    """Whether a gate on a queue names another one than ours."""
    return "low_confidence" not in snake(str(plain(queue))).replace(" ", "_")


def _relative(leaf: Node, subject: Subject) -> str:
    return (
        f"is relative to the time before, which needs the smallest rise that matters, and the file gives none; write "
        f"{subject.gate}-vs-before: {{signal: {subject.signal}, baseline: before-deploy, fail_ratio: {leaf.shown}, "
        f"at_least: <a rise>, action: …}}"
    )
