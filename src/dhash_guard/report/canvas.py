"""Decides what all plots share: the frame with its time axis, the marked moments, and the bands where nothing was seen."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dhash_guard.report.axes import Axis
from dhash_guard.report.marks import Moment
from dhash_guard.report.series import Gap, merge
from dhash_guard.report.svg import element, percent, title, words
from dhash_guard.report.words import clock, tally

LABEL = 15
"""Height of one line of labels."""
LANE = 29
"""Height of one lane of strikes: dots, and words below them."""
_BAND = 6


@frozen(kw_only=True)
class Canvas:
    """A drawing that is as wide as its place and `height` high; `top` leaves room for the labels of moments."""

    ident: str
    time: Axis
    top: float
    height: float
    lanes: int = 0

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def x(self, at: float) -> str:
        return percent(self.time.share(at))

    def column(self, at: float, columns: int) -> int:
        return min(int(self.time.share(at) * columns), columns - 1)


def canvas(ident: str, time: Axis, labels: int, height: float, lanes: int = 0) -> Canvas:
    """A canvas with so many lines of labels above, so that labels never cover each other, and lanes of strikes below."""
    return Canvas(ident=ident, time=time, top=8.0 + LABEL * labels, height=height, lanes=lanes)


def frame(place: Canvas, description: str, *layers: str) -> str:
    """The finished drawing: its description, the hatching, the layers, the time axis."""
    hatch = element(
        "pattern",
        element("path", d="M0 6L6 0M-1 1L1 -1M5 7L7 5", class_="hatch"),
        id=f"{place.ident}-hatch",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )
    return element(
        "svg",
        title(description),
        element("defs", hatch),
        *layers,
        _time_axis(place),
        **{
            "class": "plot",
            "role": "img",
            "width": "100%",
            "height": place.bottom + 26 + LANE * place.lanes,
            "xmlns": "http://www.w3.org/2000/svg",
        },
    )


def _time_axis(place: Canvas) -> str:
    y = place.bottom
    line = element("line", x1="0%", x2="100%", y1=y, y2=y, class_="axis")
    labels = []
    for tick in place.time.ticks:
        share = place.time.share(tick)
        anchor = "start" if share < 0.03 else "end" if share > 0.985 else "middle"
        below = y + 20 + LANE * place.lanes
        labels.append(element("text", clock(tick), x=place.x(tick), y=below, **{"class": "tick", "text-anchor": anchor}))
        labels.append(element("line", x1=place.x(tick), x2=place.x(tick), y1=y, y2=y + 4, class_="axis"))
    return line + "".join(labels)


def gap_bands(place: Canvas, gaps: Sequence[Gap], columns: int) -> str:
    """A pale veil where nothing was seen, and below the axis, where no line covers it, a hatched band with the reason."""
    return "".join(_gap(place, gap) for gap in merge(gaps, place.time.high / columns))


def _gap(place: Canvas, gap: Gap) -> str:
    # At least a sliver, so that a single missed look of a long watch can be seen.
    share = max(place.time.share(gap.end) - place.time.share(gap.begin), 0.002)
    said = f"{clock(gap.begin)} to {clock(gap.end)}: {tally(dict(gap.reasons))}"
    where = {"x": place.x(gap.begin), "width": percent(share)}
    veil = element("rect", y=place.top, height=place.height, class_="veil", **where)
    band = element("rect", y=place.bottom + 1, height=_BAND, fill=f"url(#{place.ident}-hatch)", **where)
    edge = element("rect", y=place.bottom + 1, height=_BAND, class_="gap-edge", **where)
    return element("g", title(said), veil, band, edge, class_="gap")


def moment_lines(place: Canvas, moments: Sequence[Moment]) -> str:
    """A vertical line per moment with its label above, in lines of their own."""
    return "".join(_moment(place, moment, 12.0 + LABEL * row) for row, moment in enumerate(moments))


def _moment(place: Canvas, moment: Moment, y: float) -> str:
    end = place.time.share(moment.at) > 0.5
    x = place.x(moment.at)
    label = f"{moment.label} {clock(moment.at)}"
    text = element(
        "text", words(label), x=x, y=y, dx=-5 if end else 5, **{"class": "said", "text-anchor": "end" if end else "start"}
    )
    return element(
        "g",
        title(label),
        element("line", x1=x, x2=x, y1=y - 9, y2=place.bottom),
        text,
        class_=f"moment {moment.kind}",
    )
