"""Decides which signals are plotted and composes each plot: one inline SVG per gated signal, with what it shows in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from attrs import frozen

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Health, Tick
from dhash_guard.records.units import Dimension
from dhash_guard.report.axes import Axis, time_axis, value_axis
from dhash_guard.report.canvas import canvas, frame, gap_bands, moment_lines
from dhash_guard.report.curve import curve, grid, limit_lines, scale
from dhash_guard.report.lines import Line, lines_of
from dhash_guard.report.marks import Moment, moments, origin, triggers
from dhash_guard.report.overlay import aggregate_line, strike_lanes, window_band
from dhash_guard.report.rows import dimension_for, gate_rows
from dhash_guard.report.series import HOLE, Look, Series, looks, series
from dhash_guard.report.strikes import Strikes, strikes_of
from dhash_guard.report.strip import strip
from dhash_guard.report.windowed import Windowed, window_of
from dhash_guard.report.words import Mark, number, plural, tally

_CURVE, _STRIP = 150.0, 40.0
_MOST_PLOTS = 48
_MANY = 12
_MARGIN = 1.03
"""Air at the right, so that what happened last does not lie on the edge."""
_COLUMNS, _COLUMNS_OF_MANY = 500, 160

Stats = tuple[tuple[str, str], ...]


@frozen(kw_only=True)
class Plot:
    """One drawing: the signal, its SVG, the numbers below it, and the status of its worst gate."""

    signal: str
    svg: str
    stats: Stats
    mark: Mark
    window: bool = False
    strikes: bool = False
    """Whether the drawing shows a window, and strikes; the key names only what is there."""


@frozen(kw_only=True)
class _Subject:
    """What one plot is about: the looks at a signal, on a time axis, with the moments to mark."""

    signal: str
    ident: str
    seen: list[Look]
    time: Axis
    columns: int
    marked: tuple[Moment, ...]
    window: Windowed | None
    strikes: tuple[Strikes, ...]


def plots(evidence: Evidence, ticks: Sequence[Tick]) -> tuple[Plot, ...]:
    """A plot per signal that a gate reads and that was recorded, failing ones first, up to a fixed number."""
    marks = _marks(evidence, ticks)
    start = origin(evidence, min((tick.at for tick in ticks), default=None))
    time = time_axis(_length(evidence, ticks, start) * _MARGIN)
    found = []
    columns = _COLUMNS if len(marks) <= _MANY else _COLUMNS_OF_MANY
    for i, signal in enumerate(marks):
        subject = _Subject(
            signal=signal,
            ident=f"p{i}",
            seen=looks(ticks, signal, start),
            time=time,
            columns=columns,
            marked=(*triggers(evidence, signal, start), *moments(evidence, start)),
            window=window_of(evidence, signal, ticks, start, columns),
            strikes=strikes_of(evidence, signal, ticks, start),
        )
        healthy = any(isinstance(value, Health) for _, value in subject.seen)
        svg, stats = _health(subject) if healthy else _numbers(evidence, subject)
        shown = {"window": subject.window is not None and not healthy, "strikes": bool(subject.strikes)}
        found.append(Plot(signal=signal, svg=svg, stats=stats, mark=marks[signal], **shown))
    return tuple(found)


def _marks(evidence: Evidence, ticks: Sequence[Tick]) -> dict[str, Mark]:
    """The signals to draw with the mark of their worst gate; the rows come worst first."""
    recorded = {name for tick in ticks for name in tick.samples}
    marks: dict[str, Mark] = {}
    for row in gate_rows(evidence, ticks):
        if row.signal in recorded and len(marks) < _MOST_PLOTS:
            marks.setdefault(row.signal, row.mark)
    return marks


def _length(evidence: Evidence, ticks: Sequence[Tick], start: float) -> float:
    """The last look, the end of the watch, or a rollback right after it."""
    length = max((tick.at for tick in ticks), default=start) - start
    if evidence.verdict and 0 <= evidence.verdict.ended_at - start < 2 * length:
        length = max(length, evidence.verdict.ended_at - start)
    return max([length, *(moment.at for moment in moments(evidence, start) if moment.at < 1.25 * length)])


def _health(subject: _Subject) -> tuple[str, Stats]:
    counts = Counter(value.value if isinstance(value, Health) else "absent" for _, value in subject.seen)
    place = canvas(subject.ident, subject.time, len(subject.marked), _STRIP, len(subject.strikes))
    said = f"{subject.signal}: {tally(dict(counts))} in {plural(len(subject.seen), 'look')}."
    svg = frame(
        place,
        said,
        strip(place, subject.seen, subject.columns),
        moment_lines(place, subject.marked),
        strike_lanes(place, subject.strikes, subject.columns),
    )
    return svg, tuple((word, str(counts[word])) for word in ("healthy", "warning", "unhealthy", "absent") if counts[word])


def _numbers(evidence: Evidence, subject: _Subject) -> tuple[str, Stats]:
    dimension, drawn = dimension_for(evidence, subject.signal), series(subject.seen)
    lines, values = lines_of(evidence, subject.signal), [point.value for point in drawn.points]
    window = subject.window
    axis = value_axis([*values, *(window.values if window else ()), *(line.value for line in lines)], dimension)
    labels = len(subject.marked) + (window is not None)
    place = canvas(subject.ident, subject.time, labels, _CURVE, len(subject.strikes))
    svg = frame(
        place,
        _said(subject, values, lines, drawn, dimension),
        window_band(place, window, dimension) if window else "",
        gap_bands(place, drawn.gaps, subject.columns),
        grid(place, axis),
        curve(place, axis, drawn, lines, subject.columns),
        aggregate_line(place, axis, window, lines) if window else "",
        moment_lines(place, subject.marked),
        scale(place, axis, dimension),
        limit_lines(place, axis, lines),
        strike_lanes(place, subject.strikes, subject.columns),
    )
    return svg, _stats(values, drawn, dimension)


def _said(subject: _Subject, values: Sequence[float], lines: Sequence[Line], drawn: Series, dimension: Dimension) -> str:
    """The plot in words, for those who cannot see it."""
    seen = "no values"
    if values:
        lowest, highest = number(min(values), dimension), number(max(values), dimension)
        seen = f"{plural(len(values), 'value')} from {lowest} to {highest}"
    limits = "; ".join(line.label for line in lines)
    gaps = plural(len(drawn.gaps), "gap") if drawn.gaps else ""
    window = subject.window
    held = f"{window.words} {number(window.last, dimension)}" if window and window.last is not None else ""
    struck = "; ".join(strikes.words for strikes in subject.strikes)
    return "; ".join(part for part in (f"{subject.signal}: {seen}", limits, held, struck, gaps) if part) + "."


def _stats(values: Sequence[float], drawn: Series, dimension: Dimension) -> Stats:
    absent = sum(count for gap in drawn.gaps for reason, count in gap.reasons if reason != HOLE)
    gaps = (("absent", str(absent)),) if absent else ()
    if not values:
        return gaps
    ordered = sorted(values)
    p95 = ordered[-(-95 * len(ordered) // 100) - 1]
    named = (
        ("last", values[-1]),
        ("lowest", ordered[0]),
        ("median", median(ordered)),
        ("p95", p95),
        ("highest", ordered[-1]),
    )
    return (*((name, number(value, dimension)) for name, value in named), ("values", str(len(values))), *gaps)
