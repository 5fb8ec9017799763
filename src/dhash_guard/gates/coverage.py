"""Decides for how much of a watch a signal had values: one value counts for at most two intervals."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from dhash_guard.gates.reading import plain
from dhash_guard.records.sample import Absence, Value


@define
class Coverage:
    """The covered seconds of one signal since `started_at` (UTC epoch seconds)."""

    started_at: float
    _last: float = field(init=False)
    _reach: float = 0.0
    _covered: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._last = self.started_at

    def observe(self, at: float, interval: float, value: Value) -> Absence | None:
        """Take in one look; the absence, where there was no value."""
        if type(value) is not float:
            reduced = plain(value)
            if isinstance(reduced, Absence) and not reduced.unhealthy:
                return reduced
        self._covered += min(at - self._last, max(self._reach, 2 * interval))
        self._last, self._reach = at, 2 * interval
        return None

    def skim(self, times: Sequence[float], interval: float) -> None:
        """Take in looks with values, none more than two intervals after the one before it in `times`."""
        self._covered += min(times[0] - self._last, max(self._reach, 2 * interval)) + (times[-1] - times[0])
        self._last, self._reach = times[-1], 2 * interval

    def share(self, at: float) -> float:
        """The covered share of the time until `at`, 0 to 1."""
        elapsed = at - self.started_at
        if elapsed <= 0:
            return 1.0 if self._reach else 0.0
        return (self._covered + min(at - self._last, self._reach)) / elapsed
