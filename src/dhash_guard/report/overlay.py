"""Decides how it is drawn that a breach had to last: the window that decided, its aggregate, and the strikes."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.records.units import Dimension
from dhash_guard.report.axes import Axis
from dhash_guard.report.canvas import LABEL, LANE, Canvas
from dhash_guard.report.curve import WIDTH, beyond, inner, over, scaled, stroke
from dhash_guard.report.lines import Line
from dhash_guard.report.series import Point
from dhash_guard.report.strikes import Strikes
from dhash_guard.report.svg import element, short, title, words
from dhash_guard.report.windowed import Windowed
from dhash_guard.report.words import clock, number


def window_band(place: Canvas, shown: Windowed, dimension: Dimension) -> str:
    """A wash over the window that decided, under a bracket that says what it came to."""
    begin, end, y = place.x(shown.begin), place.x(shown.end), place.top - 4
    value = number(shown.last, dimension) if shown.last is not None else ""
    label = f"{shown.words}: {value or ('not covered' if shown.segments else 'as tested')}"
    share = place.time.share(shown.end)
    late = share > 0.5
    wide = {"x1": begin, "x2": end, "y1": y, "y2": y}
    width = f"{(share - place.time.share(shown.begin)) * 100:.2f}%"
    return element(
        "g",
        title(f"{shown.gate}: {label}, {clock(shown.begin)} to {clock(shown.end)}"),
        element("rect", x=begin, y=y, width=width, height=place.bottom - y, class_="wash"),
        element("line", **wide),
        *(element("line", x1=x, x2=x, y1=y, y2=y + 5) for x in (begin, end)),
        element(
            "text",
            words(label),
            x=end if late else begin,
            y=place.top - 4 - LABEL / 3,
            dx=-5 if late else 5,
            **{"class": "said", "text-anchor": "end" if late else "start"},
        ),
        class_="window",
    )


def aggregate_line(place: Canvas, axis: Axis, shown: Windowed, lines: Sequence[Line]) -> str:
    """What the window came to at every look, stepped; beyond the limits of windows it is filled and red."""
    points = [scaled(place, axis, segment) for segment in shown.segments]
    strokes = "".join(stroke(segment) for segment in points)
    if not strokes:
        return ""
    crossed = [line for line in lines if line.kind == "fail" and line.windowed]
    names = [f"{place.ident}-window{i}" for i in range(len(crossed))]
    return inner(
        place,
        *(beyond(place, axis, line, name, points) for line, name in zip(crossed, names, strict=True)),
        element("path", d=strokes, class_="aggregate halo"),
        element("path", d=strokes, class_="aggregate"),
        *(element("path", d=strokes, class_="aggregate over", **over(name)) for name in names),
        _deciding(place, axis, shown),
    )


def _deciding(place: Canvas, axis: Axis, shown: Windowed) -> str:
    """A dot where the window made its gate fire."""
    if not shown.fired or shown.last is None:
        return ""
    ((x, y),) = scaled(place, axis, (Point(shown.end, shown.last),))
    return element("path", d=f"M{x} {y}h0", class_="strike")


def strike_lanes(place: Canvas, all_strikes: Sequence[Strikes], columns: int) -> str:
    """Below the axis a lane per gate: a dot per strike, filled where it made the gate fire, and the count in words."""
    return "".join(_lane(place, strikes, i, columns) for i, strikes in enumerate(all_strikes))


def _lane(place: Canvas, strikes: Strikes, row: int, columns: int) -> str:
    y = place.bottom + 16 + row * LANE
    full, others = _dots(place, strikes.full, columns), _dots(place, strikes.others, columns)
    last = (strikes.full or strikes.others)[-1]
    late = place.time.share(last) > 0.5
    label = element(
        "text",
        words(strikes.words),
        x=place.x(last),
        y=y + 17,
        dx=5 if late else -5,
        **{"class": "said", "text-anchor": "end" if late else "start"},
    )
    drawn = element(
        "svg",
        *(element("path", d=others, class_=kind) for kind in ("strike", "strike hollow") if others),
        *([element("path", d=full, class_="strike full")] if full else []),
        **{
            "x": "0",
            "y": y - 6,
            "width": "100%",
            "height": 12,
            "viewBox": f"0 0 {WIDTH} 12",
            "preserveAspectRatio": "none",
            "class": "inner",
        },
    )
    count = len(strikes.full) + len(strikes.others)
    said = title(f"{strikes.gate}: {strikes.words}; {count} looks beyond the limit")
    return element("g", said, drawn, label, class_=f"strikes {'fired' if strikes.fired else 'held'}")


def _dots(place: Canvas, times: Sequence[float], columns: int) -> str:
    """One dot per pixel column at most."""
    shown = {place.column(at, columns): at for at in times}
    return "".join(f"M{short(place.time.share(at) * WIDTH)} 6h0" for at in shown.values())
