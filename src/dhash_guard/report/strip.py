"""Decides how a health signal is drawn: a strip whose colour and height both tell its four states apart."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dhash_guard.records.sample import Health
from dhash_guard.report.canvas import Canvas
from dhash_guard.report.series import HOLE, Look, around, holes
from dhash_guard.report.svg import element, percent, title
from dhash_guard.report.words import clock, tally

_ORDER = ("none", "healthy", "warning", "absent", "unhealthy")
"""From harmless to grave: a column that saw several shows the gravest."""
_FILL = {"none": 0.0, "healthy": 0.35, "warning": 0.65, "absent": 0.5, "unhealthy": 1.0}


@frozen
class Run:
    """A stretch of one state: from, to, the state, and the words seen with their counts."""

    begin: float
    end: float
    state: str
    seen: tuple[tuple[str, int], ...]


def strip(place: Canvas, seen: Sequence[Look], columns: int) -> str:
    """The strip; alike neighbours are one piece, and no piece is narrower than a pixel column."""
    return "".join(_piece(place, run) for run in _runs(place, seen, columns))


def _runs(place: Canvas, seen: Sequence[Look], columns: int) -> list[Run]:
    times = [at for at, _ in seen]
    broken = holes(times)
    runs: list[Run] = []
    for i, (_, value) in enumerate(seen):
        begin, end = around(times, broken, i)
        if broken[i]:
            runs.append(Run(runs[-1].end, begin, "none", ((HOLE, 1),)))
        state, word = _state(value)
        _add(runs, Run(begin, end, state, ((word, 1),)), place.time.high / columns)
    return runs


def _add(runs: list[Run], new: Run, column: float) -> None:
    """Append a run, or join it to the last one where the state agrees or the last is too narrow to be seen."""
    last = runs[-1] if runs else None
    narrow = last is not None and last.state != "none" and last.end - last.begin < column
    if last is None or not (narrow or last.state == new.state):
        runs.append(new)
        return
    state = max(last.state, new.state, key=_ORDER.index)
    counts = dict(last.seen)
    for word, count in new.seen:
        counts[word] = counts.get(word, 0) + count
    runs[-1] = Run(last.begin, new.end, state, tuple(counts.items()))


def _state(value: float | Health | str) -> tuple[str, str]:
    match value:
        case Health():
            return value.value, value.value
        case str():
            return "absent", value
        case _:
            return "absent", "a number, not a health word"


def _piece(place: Canvas, run: Run) -> str:
    height = place.height * _FILL[run.state]
    width = percent(max(place.time.share(run.end) - place.time.share(run.begin), 0.002))
    said = title(f"{clock(run.begin)} to {clock(run.end)}: {tally(dict(run.seen))}")
    where = {"x": place.x(run.begin), "y": place.bottom - height, "width": width, "height": height}
    if run.state == "none":
        hatched = where | {"y": place.bottom - 7, "height": 7, "fill": f"url(#{place.ident}-hatch)"}
        return element("g", said, element("rect", **hatched))
    under = element("rect", fill=f"url(#{place.ident}-hatch)", **where) if run.state == "absent" else ""
    return element("g", said, under, element("rect", class_=f"state {run.state}", **where))
