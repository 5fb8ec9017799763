"""Decides how long a breach must last for a gate in the making: a window, checks in a row, and after how many samples."""

from __future__ import annotations

from dhash_guard.config.importing import numbers
from dhash_guard.config.importing.draft import Draft
from dhash_guard.config.importing.numbers import Unclear, span_text
from dhash_guard.config.importing.parts import Piece
from dhash_guard.config.node import Node
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.records.units import parse_duration


def window(draft: Draft, piece: Piece) -> str:
    """A window is judged by its mean, as the scripts of the documents that used theirs did."""
    if draft.subject.unit == "looks":
        draft.left.append((piece.leaf, "a run of failures in a row needs no window; the count decides"))
        return ""
    return _over(draft, piece.leaf, numbers.span(piece.leaf, piece.part.unit), "mean", "")


def sustained(draft: Draft, piece: Piece) -> str:
    """All of the window above the limit: its least value is."""
    return _over(draft, piece.leaf, numbers.span(piece.leaf, piece.part.unit), "min", " (sustained: all of it above)")


def checks(draft: Draft, piece: Piece) -> str:
    """So many looks in a row."""
    _first(draft)
    needed = max(1, numbers.count(piece.leaf))
    draft.set(piece.leaf, consecutive=needed)
    draft.tell(piece.leaf, f"consecutive: {needed} (each of that many checks)")
    return f"{needed} looks in a row"


def samples(draft: Draft, piece: Piece) -> str:
    """How many values are needed; left out where the watch never has so many at once."""
    needed, plan = max(1, numbers.count(piece.leaf)), draft.around.plan
    over = draft.gate.get("over")
    span = parse_duration(over) if over is not None else plan.duration
    looks = int(span // plan.slowest) if over is not None else _looks(plan)
    if needed > looks:
        held = f"{span_text(span)} of this watch hold {looks} looks, one every {span_text(plan.slowest)}"
        why = "as min_samples it would keep the gate silent for ever, and operations are counted only where a signal"
        draft.left.append((piece.leaf, f"{held}; {why} gives counts (whole_at)"))
        return ""
    draft.set(piece.leaf, min_samples=needed)
    draft.tell(piece.leaf, f"min_samples: {needed}")
    return f"after {needed} samples"


def _looks(plan: WatchPlan) -> int:
    """How many looks the watch has, by division: counting them one by one could take minutes."""
    fast = plan.duration if plan.then is None else min(plan.duration, plan.then.after)
    return int(fast // plan.interval + (plan.duration - fast) // plan.interval_at(plan.duration)) + 1


def _over(draft: Draft, leaf: Node, seconds: float, aggregate: str, why: str) -> str:
    _first(draft)
    draft.set(leaf, over=span_text(seconds), aggregate=aggregate)
    draft.tell(leaf, f"over: {span_text(seconds)}, aggregate: {aggregate}{why}")
    return f"{aggregate} over {span_text(seconds)}"


def _first(draft: Draft) -> None:
    if draft.hold:
        raise Unclear(f"is a second hold beside {draft.hold}; keep one of them")
