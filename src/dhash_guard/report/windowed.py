"""Decides which window of a signal a plot shows: the one that decided, with its aggregate over time as the judge has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import frozen

from dhash_guard.gates.reading import Limits, plain
from dhash_guard.gates.settings import Aggregate
from dhash_guard.gates.windows import Window
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import GateOutcome, Status
from dhash_guard.records.sample import Tick, Value
from dhash_guard.records.units import Seconds
from dhash_guard.report.limits import finite
from dhash_guard.report.rows import settings_of
from dhash_guard.report.series import Point, usual
from dhash_guard.report.words import span

Segment = tuple[Point, ...]


@frozen(kw_only=True)
class Windowed:
    """A window of a gate: its words, the stretch that decided, and its aggregate as stepped segments.

    Where the window was not covered there is no segment; `last` is the aggregate at `end`.
    """

    gate: str
    words: str
    begin: float
    end: float
    fired: bool
    segments: tuple[Segment, ...]
    last: float | None

    @property
    def values(self) -> list[float]:
        return [point.value for segment in self.segments for point in segment]


def window_of(evidence: Evidence, signal: str, ticks: Sequence[Tick], start: float, columns: int) -> Windowed | None:
    """The window that a plot shows: that of the gate which fired first, or else of the first gate that has one."""
    outcomes = evidence.verdict.outcomes if evidence.verdict else ()
    held = [o for o in outcomes if o.signal == signal and (finite(settings_of(evidence, o.gate).get("over")) or 0) > 0]
    seen = sorted(((tick.at, tick.samples[signal]) for tick in ticks if signal in tick.samples), key=lambda look: look[0])
    if not held or not seen:
        return None
    outcome = min(held, key=_first)
    settings, fired = settings_of(evidence, outcome.gate), outcome.status is Status.DEGRADED and outcome.at is not None
    end = outcome.at if fired and outcome.at is not None else seen[-1][0]
    over = finite(settings.get("over")) or 0.0
    how = aggregate_name(settings)
    began = evidence.verdict.started_at if evidence.verdict else start
    found = _folded(seen, settings, how, began, max(1, len(seen) // columns), end) if how is not None else []
    return Windowed(
        gate=outcome.gate,
        words=f"{how.value if how is not None else 'test'} over {span(over)}",
        begin=max(end - over, start) - start,
        end=end - start,
        fired=fired,
        segments=_stepped([(at - start, value) for at, value in found]),
        last=next((value for at, value in found if at == end), None),
    )


def _first(outcome: GateOutcome) -> tuple[bool, float]:
    fired = outcome.status is Status.DEGRADED and outcome.at is not None
    return not fired, outcome.at if fired and outcome.at is not None else 0.0


def aggregate_name(settings: Mapping[str, Any]) -> Aggregate | None:
    """The aggregate of a gate with a window; None where a test takes its place, or the evidence names none that exists."""
    named = settings.get("aggregate") or Aggregate.MEAN.value
    if settings.get("test") or (finite(settings.get("over")) or 0) <= 0:
        return None
    return next((how for how in Aggregate if how.value == named), None)


def _folded(
    seen: Sequence[tuple[float, Value]], settings: Mapping[str, Any], how: Aggregate, began: float, stride: int, end: float
) -> list[tuple[float, float | None]]:
    """The aggregate at every `stride`th look, at `end` and at the last; None where the judge would say nothing."""
    least = max(int(finite(settings.get("min_samples")) or 1), 1)
    window = Window(Seconds(finite(settings.get("over")) or 0.0), how, least, began, Limits(None, None, None))
    steps = [later - before for (before, _), (later, _) in pairwise(seen)]
    found: list[tuple[float, float | None]] = []
    for i, (at, value) in enumerate(seen):
        reduced = plain(value)
        if not isinstance(reduced, float) or finite(reduced) is not None:
            window.observe(at, usual(steps, max(i - 1, 0)) if steps else 0.0, value)
        if i % stride == 0 or at == end or i == len(seen) - 1:
            found.append((at, _reckoned(window)))
    return found


def _reckoned(window: Window) -> float | None:
    try:
        value = window.standing().observed
    except (OverflowError, ValueError):  # numbers of strangers
        return None
    return finite(value)


def _stepped(found: Sequence[tuple[float, float | None]]) -> tuple[Segment, ...]:
    """Each value holds until the next look; unknown ones part the line."""
    segments: list[list[Point]] = [[]]
    for at, value in found:
        if value is None:
            segments.append([])
            continue
        if segments[-1]:
            segments[-1].append(Point(at, segments[-1][-1].value))
        segments[-1].append(Point(at, value))
    return tuple(tuple(segment) for segment in segments if segment)
