"""Decides how a series of numbers is drawn: the line, its limits, and the area where it crossed them."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.records.units import Dimension
from dhash_guard.report.axes import Axis
from dhash_guard.report.canvas import Canvas
from dhash_guard.report.lines import Line
from dhash_guard.report.reduce import Segment, reduce
from dhash_guard.report.series import Series
from dhash_guard.report.svg import element, short, words
from dhash_guard.report.words import number

WIDTH = 1000
_FEW = 80
_LINE = 17
_AXIS_LABELS = 76
"""Room for the values of the axis; limits are named beside them, where a release is usually still well."""
"""Up to so many points each look gets a dot of its own."""


def grid(place: Canvas, axis: Axis) -> str:
    """Faint horizontal lines; they lie below everything."""
    return "".join(_across(_y(place, axis, tick), "grid") for tick in axis.ticks[1:])


def scale(place: Canvas, axis: Axis, dimension: Dimension) -> str:
    """The values of the grid, above its lines and over the series, so that the drawing can use the whole width."""
    return "".join(
        element("text", words(number(tick, dimension)), x="0%", y=_y(place, axis, tick) - 4, class_="tick")
        for tick in axis.ticks[1:]
    )


def limit_lines(place: Canvas, axis: Axis, lines: Sequence[Line]) -> str:
    """The limits, each with its label above its line, or below where the next line is close."""
    ordered = sorted(lines, key=lambda item: item.value)
    heights = [_y(place, axis, line.value) for line in ordered]
    labels, free = [], place.bottom + 99
    for line, y, above in zip(ordered, heights, [*heights, -99.0][1:], strict=True):
        crowded = y - above < _LINE and y + 12 < free
        free = y + 12 if crowded else min(y - 5, free - 13)
        labels.append(_label(line, free))
    drawn = [_across(y, f"limit {line.kind}") for line, y in zip(ordered, heights, strict=True)]
    return "".join(drawn + labels)


def _label(line: Line, y: float) -> str:
    # How it was before lies where the series begins; there its label would cover it.
    right = line.kind == "before"
    kind = {"class": f"said limit-label {line.kind}", "text-anchor": "end" if right else "start"}
    return element("text", words(line.label), x="100%" if right else "0%", y=y, dx=-2 if right else _AXIS_LABELS, **kind)


def _across(y: float, kind: str) -> str:
    return element("line", x1="0%", x2="100%", y1=y, y2=y, class_=kind)


def curve(place: Canvas, axis: Axis, drawn: Series, lines: Sequence[Line], columns: int) -> str:
    """The series in a stretched inner drawing; what lies beyond a failing limit is filled and redrawn in its colour."""
    segments = reduce(drawn.segments, lambda at: place.column(at, columns))
    drawable = [scaled(place, axis, segment) for segment in segments]
    strokes = "".join(stroke(points) for points in drawable)
    few = len(drawn.points) <= _FEW
    dots = "".join(f"M{x} {y}h0" for points in drawable if few or len(points) == 1 for x, y in points)
    limits = [line for line in lines if line.kind == "fail" and not line.windowed][:4]
    names = [f"{place.ident}-over{i}" for i in range(len(limits))]
    return inner(
        place,
        *(beyond(place, axis, line, name, drawable) for line, name in zip(limits, names, strict=True)),
        element("path", d=strokes, class_="line"),
        element("path", d=dots, class_="dots") if dots else "",
        *(element("path", d=strokes, class_="line over", **over(name)) for name in names if strokes),
    )


def inner(place: Canvas, *body: str) -> str:
    """A drawing that stretches with its place."""
    return element(
        "svg",
        *body,
        **{
            "x": "0",
            "y": place.top,
            "width": "100%",
            "height": place.height,
            "viewBox": f"0 0 {WIDTH} {short(place.height)}",
            "preserveAspectRatio": "none",
            "class": "inner",
        },
    )


def over(name: str) -> dict[str, str]:
    """The attribute that cuts a path to the side of the limit where values fail."""
    return {"clip-path": f"url(#{name})"}


def beyond(place: Canvas, axis: Axis, line: Line, name: str, drawn: Sequence[Sequence[tuple[str, str]]]) -> str:
    """The side of the limit where values fail, as a clip, and the area between limit and series cut by it."""
    edge = _y(place, axis, line.value) - place.top
    y, height = (-9.0, edge + 9) if line.upper else (edge, place.height - edge + 9)
    side = element("clipPath", element("rect", x=0, y=y, width=WIDTH, height=max(height, 0)), id=name)
    area = "".join(f"{stroke(p)}L{p[-1][0]} {short(edge)}L{p[0][0]} {short(edge)}Z" for p in drawn if len(p) > 1)
    return side + (element("path", d=area, class_="breach", **over(name)) if area else "")


def scaled(place: Canvas, axis: Axis, segment: Segment) -> list[tuple[str, str]]:
    """The points of a segment as coordinates of the inner drawing."""
    return [
        (short(place.time.share(point.at) * WIDTH), short((1 - axis.share(point.value)) * place.height)) for point in segment
    ]


def stroke(points: Sequence[tuple[str, str]]) -> str:
    """A path through points."""
    return "M" + "L".join(f"{x} {y}" for x, y in points) if len(points) > 1 else ""


def _y(place: Canvas, axis: Axis, value: float) -> float:
    return place.top + (1 - axis.share(value)) * place.height
