"""Decides whether the values after a deployment are, beyond an effect floor, higher than those before: a rank test."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from attrs import define, field

from dhash_guard.gates.aggregates import percentile
from dhash_guard.gates.reading import Level, Limits, plain
from dhash_guard.gates.sequential import MOST_LOOKS, allowance, chance, pace
from dhash_guard.gates.standing import Folded, Standing, one_by_one, unknown
from dhash_guard.records.sample import Health, Value
from dhash_guard.records.units import Seconds, format_duration, format_value


@define
class RankTest:
    """Mann and Whitney's test of the newest values against those from before, at looks that were planned in advance.

    `before` holds the values from before, raised to what the effect floor allows them, so that only a rise above the
    floor counts. Ties count for the values before. `looks` is how many looks the whole watch has.
    """

    before: tuple[float, ...]
    over: Seconds | None
    alpha: float
    looks: int
    min_samples: int
    limits: Limits
    _ordered: list[float] = field(init=False)
    _newest: deque[tuple[float, float]] = field(factory=lambda: deque(maxlen=MOST_LOOKS))
    _look: int = 0
    _chance: float = 1.0
    _allowed: float = 0.0
    _crossed: bool = False

    def __attrs_post_init__(self) -> None:
        self._ordered = sorted(self.before)

    def observe(self, at: float, interval: float, value: Value) -> Level | None:
        reduced = plain(value)
        self._look += 1
        if isinstance(reduced, float):
            self._newest.append((at, reduced))
        while self.over is not None and self._newest and self._newest[0][0] <= at - self.over + 1e-3:
            self._newest.popleft()
        self._test()
        return self._told()

    def calm(self, times: Sequence[float], values: Sequence[float | Health]) -> bool:
        return False

    def skim(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> None:
        raise NotImplementedError  # never asked: calm() says no

    def fold(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> Folded:
        return one_by_one(self, times, interval, values)

    def _test(self) -> None:
        planned, every = pace(self.looks)
        number = self._look // every
        if self._look % every or number > planned or not self._newest:
            return  # what was not planned spends nothing, and so decides nothing
        wins = sum(bisect_left(self._ordered, value) for _, value in self._newest)
        self._chance = chance(wins, len(self._ordered), len(self._newest))
        self._allowed = allowance(self.alpha, number, planned)
        self._crossed = self._chance <= self._allowed

    def _told(self) -> Level | None:
        if len(self._newest) < max(self.min_samples, 1):
            return None
        return Level.FAIL if self._crossed else Level.FINE

    def standing(self) -> Standing:
        seen, level = len(self._newest), self._told()
        if level is None:
            over = f" within {format_duration(self.over)}" if self.over is not None else ""
            return unknown("too-few-samples", f"n={seen}{over}, needs {max(self.min_samples, 1)}", seen)
        middle = percentile([value for _, value in self._newest], 0.5)
        assert self.limits.fail is not None  # a relative limit is always a number
        dimension = self.limits.fail[1].dimension
        told, sign = ("higher", "≤") if level is Level.FAIL else ("not surely higher", ">")
        text = (
            f"{seen} values (median {format_value(middle, dimension)}) against {len(self.before)} from before, "
            f"{told}: p={self._chance:.2g} {sign} {self._allowed:.2g}{self.limits.origin}"
        )
        return Standing(
            level=level,
            text=text,
            observed=middle,
            samples=seen,
        )
