"""Decides, for some looks at once, whether a window's aggregate surely stays within a limit at every one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from attrs import define, frozen

from dhash_guard.gates.aggregates import SHARES
from dhash_guard.gates.reading import Level, crosses
from dhash_guard.gates.settings import Aggregate
from dhash_guard.records.units import Quantity

DOUBT = 1e-9
"""Nearer to a limit than this, relative to the largest value, a running sum is not trusted."""


@define
class Line:
    """One limit of a window, what an aggregate beyond it means, and how many of its values lie beyond."""

    level: Level
    side: str
    limit: float
    count: int = 0

    @classmethod
    def of(cls, level: Level, limit: tuple[str, Quantity] | None) -> tuple[Line, ...]:
        return (cls(level, limit[0], limit[1].value),) if limit is not None else ()

    @property
    def upper(self) -> bool:
        return self.side in ("above", "from")

    def crossed_by(self, value: float) -> bool:
        return crosses(value, self.side, self.limit)

    def among(self, values: Sequence[float]) -> int:
        """How many of these lie beyond."""
        worst = max(values, default=-math.inf) if self.upper else min(values, default=math.inf)
        return sum(map(self.crossed_by, values)) if self.crossed_by(worst) else 0


@frozen(kw_only=True)
class Ahead:
    """A window and the looks that come: `gone` leaves it on the way, `coming` of them cross the line by themselves.

    `held` are the numbers that it holds now, where these matter, and `total` is their sum; `least` is the fewest looks that
    it can hold at any time, `most` the most.
    """

    line: Line
    coming: int
    least: int
    most: int
    total: float
    largest: float
    numbers: Sequence[float]
    gone: Sequence[float]
    held: Sequence[float]

    @property
    def upper(self) -> bool:
        return self.line.upper

    @property
    def crossing(self) -> int:
        """How many of its values can lie beyond the line at most."""
        return self.line.count + self.coming


def stays_within(how: Aggregate, ahead: Ahead) -> bool:
    """Whether the aggregate cannot cross at any of the looks; False where that takes a closer look."""
    told = _RULES.get(how)
    return told is not None and told(ahead)


def _last(ahead: Ahead) -> bool:
    return not ahead.coming


def _extreme(ahead: Ahead, *, worst: bool) -> bool:
    """The worst value crosses with any of them, the best only with all."""
    return not ahead.crossing if worst else ahead.crossing < ahead.least


def _share(ahead: Ahead, share: float) -> bool:
    """The two values that a percentile lies between are both on the good side (Hyndman and Fan 1996, type 7)."""
    room = (1 - share if ahead.upper else share) * (ahead.least - 1)
    return ahead.crossing < room - 1


def _mean(ahead: Ahead) -> bool:
    if not ahead.crossing:
        return True
    doubt = DOUBT * (ahead.largest + abs(ahead.line.limit))
    sign = 1.0 if ahead.upper else -1.0
    came = sum(number for number in ahead.numbers if sign * number > 0)
    left = sum(number for number in ahead.gone if sign * number < 0)
    worst = sign * (ahead.total + came - left)  # what helps has not come, what harms has not gone
    return worst / (ahead.least if worst > 0 else ahead.most) + doubt < sign * ahead.line.limit


def _rise(ahead: Ahead) -> bool:
    if ahead.upper:
        return not ahead.line.crossed_by(max(ahead.numbers) - min((*ahead.held, *ahead.numbers)))
    return not ahead.line.crossed_by(min(ahead.numbers) - max((*ahead.held, *ahead.numbers)))


_RULES: Mapping[Aggregate, Callable[[Ahead], bool]] = {
    Aggregate.LAST: _last,
    Aggregate.MAX: lambda ahead: _extreme(ahead, worst=ahead.upper),
    Aggregate.MIN: lambda ahead: _extreme(ahead, worst=not ahead.upper),
    Aggregate.MEAN: _mean,
    Aggregate.RISE: _rise,
    Aggregate.TREND: lambda ahead: ahead.upper and _rise(ahead),  # never more than the rise
    **{how: lambda ahead, share=share: _share(ahead, share) for how, share in SHARES.items()},  # type: ignore[misc]
}
