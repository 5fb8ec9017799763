"""The conditions that the peers' queries state: a limit, the looks they pool, and what was usual before."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.judging.traces import Reading, Trace

from dhash_guard.records.sample import Counts, Value


@dataclass(frozen=True)
class Limit:
    """A condition as a query states it: above `at`, times the usual latency, or as a share of failures.

    `window` looks are pooled by the query. `above_usual` adds the share of failures from before, and `times_usual` asks
    for so many times that share as well, as queries with an offset can.
    """

    at: float
    window: int = 1
    above_usual: bool = False
    times_usual: float = 0.0

    def of(self, trace: Trace) -> float | None:
        """The number to compare with; None where nothing was measured before."""
        if trace.family == "errors":
            if not self.above_usual and not self.times_usual:
                return self.at
            if trace.usual is None:
                return None
            return max(self.at + trace.usual * self.above_usual, self.times_usual * trace.usual)
        return None if trace.usual is None else self.at * trace.usual

    def breaches(self, trace: Trace) -> tuple[bool | None, ...]:
        """Per look whether the value is above the limit; NaN is above nothing, None is no answer."""
        if self not in trace.memory:
            limit, values = self.of(trace), pooled(trace, self.window)
            trace.memory[self] = tuple(None if value is None or limit is None else value > limit for value in values)
        return trace.memory[self]


def pooled(trace: Trace, window: int) -> tuple[Reading, ...]:
    """For each look the last `window` looks as one query would answer: summed counts, or the mean of numbers."""
    if window == 1:
        return trace.readings
    if window not in trace.memory:
        looks = range(1, len(trace.after) + 1)
        trace.memory[window] = tuple(_pool(trace.after[max(0, end - window) : end]) for end in looks)
    return trace.memory[window]


def _pool(values: tuple[Value, ...]) -> Reading:
    counts = [value for value in values if isinstance(value, Counts)]
    if counts:
        whole = math.fsum(count.whole for count in counts)
        return math.fsum(count.part for count in counts) / whole if whole else math.nan
    numbers = [value for value in values if isinstance(value, float)]
    return math.fsum(numbers) / len(numbers) if numbers else None
