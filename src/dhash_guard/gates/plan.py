"""When a watch looks and how long: fast at first, then slower, and how far it may be extended."""

from __future__ import annotations

import math
from enum import Enum

from attrs import frozen

from dhash_guard.records.units import Seconds


class Mode(Enum):
    """Where the samples of a watch come from."""

    WATCH = "watch"


@frozen(kw_only=True)
class Slower:
    """From `after` seconds on, look every `interval` seconds."""

    after: Seconds
    interval: Seconds


@frozen(kw_only=True)
class WatchPlan:
    """The `monitor:` section: durations in seconds; `baseline` is how many looks are taken before a deployment."""

    mode: Mode = Mode.WATCH
    duration: Seconds = Seconds(3600.0)
    interval: Seconds = Seconds(30.0)
    then: Slower | None = None
    extend_by: Seconds = Seconds(0.0)
    baseline: int = 3

    def interval_at(self, elapsed: float) -> float:
        """The planned distance between looks at this moment of the watch."""
        if self.then is not None and elapsed >= self.then.after:
            return self.then.interval
        return self.interval

    @property
    def slowest(self) -> float:
        """The longest distance between two looks within the duration."""
        return self.interval_at(self.duration)

    def next_due(self, elapsed: float) -> float:
        """When to look after a look at `elapsed`: on the grid, never in the past, and always once at the very end."""
        anchor = self.then.after if self.then is not None and elapsed >= self.then.after else 0.0
        step = self.interval_at(elapsed)
        due = anchor + (math.floor((elapsed - anchor) / step + 1e-6) + 1) * step
        if self.then is not None and elapsed < self.then.after < due:
            due = float(self.then.after)
        if elapsed < self.duration - 1e-3 and due > self.duration:
            due = float(self.duration)
        return due

    def looks(self, duration: float | None = None) -> int:
        """How many looks fit into `duration` seconds, the first at 0."""
        count, elapsed, end = 1, 0.0, self.duration if duration is None else duration
        while elapsed < end - 1e-3:
            elapsed = self.next_due(elapsed)
            count += elapsed <= end + 1e-3
        return count


def faults(plan: WatchPlan) -> list[tuple[str, str]]:
    """Every contradiction of the plan as (key, what is wrong)."""
    found = []
    for key in ("duration", "interval"):
        if getattr(plan, key) <= 0:
            found.append((key, "must be longer than nothing"))
    if 0 < plan.duration < plan.interval:
        found.append(("interval", "is longer than the whole watch"))
    if plan.then is not None and plan.then.interval <= 0:
        found.append(("then", "interval must be longer than nothing"))
    if plan.baseline < 0:
        found.append(("baseline", "must be 0 or more"))
    return found
