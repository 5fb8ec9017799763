"""Decides the limit of a gate in the making: how many failures in a row, or a number in the unit of its signal."""

from __future__ import annotations

from dhash_guard.config.importing import numbers
from dhash_guard.config.importing.draft import Draft, Misfit
from dhash_guard.config.importing.json_nodes import plain
from dhash_guard.config.importing.numbers import Unclear
from dhash_guard.config.importing.parts import Piece, Role

_LOOKS = ("count", "checks", "failures")


def limit(draft: Draft, piece: Piece) -> str:
    """Write the limit and return it in words; raise Unclear or Misfit."""
    return _failures(draft, piece) if draft.subject.unit == "looks" else _number(draft, piece)


def _failures(draft: Draft, piece: Piece) -> str:
    """Failures in a row: the documents write the number that is still borne, so one more is needed."""
    failures, beside = numbers.count(piece.leaf), draft.by.get(Role.UNIT)
    if beside is not None and plain(beside.leaf) not in _LOOKS:
        raise Misfit(beside.leaf, f"{beside.leaf.shown} is no unit of failures in a row; use count")
    if piece.part.unit not in ("", "looks", "nth"):
        raise Unclear("is no number of looks in a row; write consecutive_failures")
    nth = piece.part.unit == "nth"
    needed = max(1, failures) if nth else failures + 1
    draft.set(piece.leaf, fail_when="unhealthy", consecutive=needed)
    if nth:
        return f"consecutive: {needed} (this family's documents call the one of that number critical)"
    return f"consecutive: {needed} (more than {failures} in a row; scripts that read such files fired one look earlier)"


def _number(draft: Draft, piece: Piece) -> str:
    unit, stated = _unit(draft, piece)
    found, reading = numbers.limit(piece.leaf, unit, stated)
    key = "fail_below" if draft.subject.least else "fail_above"
    draft.set(piece.leaf, **{key: found})
    hold, why = "", f"{reading}; strict: {found} passes"
    if piece.flat is not None:
        draft.set(piece.leaf, **{name: list(value) for name, value in piece.flat.hold})
        hold = "".join(f", {name}: {list(value)}" for name, value in piece.flat.hold)
        why += f"; {piece.flat.why}" if piece.flat.why else ""
    return f"{key}: {found}{hold} ({why})"


def _unit(draft: Draft, piece: Piece) -> tuple[str, bool]:
    """The unit of the limit, and whether the file states it: in the key, beside it, or not at all."""
    unit, usual = piece.part.unit, draft.subject.unit
    beside = draft.by.get(Role.UNIT)
    if beside is not None:
        named = numbers.UNITS.get(str(plain(beside.leaf)).strip().lower())
        if named is None or (unit and named != unit):
            raise Misfit(beside.leaf, f"{beside.leaf.shown} is no unit of this limit; use percent, ms, seconds or count")
        unit = named
    if unit and not numbers.same_kind(unit, usual):
        raise Unclear(f"is a limit in {unit}, but {draft.subject.signal} is measured in {usual}; write it in {usual}")
    return unit or (draft.around.rates if usual == "percent" else usual), bool(unit)
