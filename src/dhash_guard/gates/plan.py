"""When a watch looks and how long: fast at first, then slower, and how far it may be extended."""

from __future__ import annotations

import math
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from attrs import frozen

from dhash_guard.records.units import Seconds, format_duration


class Mode(Enum):
    """Where the samples of a watch come from: looks of its own, or what was recorded until a checkpoint."""

    WATCH = "watch"
    CHECKPOINT = "checkpoint"


USUAL_CHECKPOINTS = (Seconds(300.0), Seconds(900.0), Seconds(1800.0))
"""Where nothing else is written: these as far as they lie within the watch, and its end."""

MOST_EXTENDED = 900.0
"""Seconds that a watch which cannot tell goes on at most, where nothing else is written."""


@frozen(kw_only=True)
class Slower:
    """From `after` seconds on, look every `interval` seconds."""

    after: Seconds
    interval: Seconds


@frozen(kw_only=True)
class WatchPlan:
    """The `monitor:` section: durations in seconds; `baseline` is how many looks are taken before a deployment.

    A watch that cannot tell at its end goes on for up to `extend_by`; a file that says nothing of it gets `usual_extension`.

    With `mode: checkpoint` nobody sits and looks: at each of the `checkpoints` (since the start) what was recorded until
    then is judged, at one distance throughout; `then` plays no part.
    """

    mode: Mode = Mode.WATCH
    checkpoints: tuple[Seconds, ...] = ()
    duration: Seconds = Seconds(3600.0)
    interval: Seconds = Seconds(30.0)
    then: Slower | None = None
    extend_by: Seconds = Seconds(0.0)
    baseline: int = 10

    @property
    def slower(self) -> Slower | None:
        """The slower half of the watch; the only place that knows that checkpoints have none, live and replayed."""
        return self.then if self.mode is Mode.WATCH else None

    @property
    def usual_extension(self) -> Seconds:
        """How far a watch that cannot tell goes on if nothing is written; after a checkpoint nobody comes back for that."""
        return Seconds(min(self.duration / 4, MOST_EXTENDED) if self.mode is Mode.WATCH else 0.0)

    @property
    def judged_at(self) -> tuple[Seconds, ...]:
        """The checkpoints as written, or the usual ones that fit; none where the watch looks by itself."""
        if self.mode is Mode.WATCH:
            return ()
        return self.checkpoints or (*(at for at in USUAL_CHECKPOINTS if at < self.duration), self.duration)

    def interval_at(self, elapsed: float) -> float:
        """The planned distance between looks at this moment of the watch."""
        slower = self.slower
        return slower.interval if slower is not None and elapsed >= slower.after else self.interval

    @property
    def slowest(self) -> float:
        """The longest distance between two looks within the duration."""
        slower = self.slower
        first = [self.interval] if slower is None or slower.after > 0 else []
        second = [slower.interval] if slower is not None and slower.after < self.duration else []
        return max(first + second)

    def next_due(self, elapsed: float) -> float:
        """When to look after a look at `elapsed`: on the grid, never in the past, and always once at the very end."""
        slower = self.slower
        anchor = slower.after if slower is not None and elapsed >= slower.after else 0.0
        step = self.interval_at(elapsed)
        due = anchor + (math.floor((elapsed - anchor) / step + 1e-6) + 1) * step
        if slower is not None and elapsed < slower.after < due:
            due = float(slower.after)
        if elapsed < self.duration - 1e-3 and due > self.duration:
            due = float(self.duration)
        return due

    def looks(self, duration: float | None = None) -> int:
        """How many looks fit into `duration` seconds, the first at 0."""
        return _looks(self, self.duration if duration is None else duration)


@lru_cache(maxsize=64)
def _looks(plan: WatchPlan, end: float) -> int:
    """Counted once for all gates of a plan: a day at a look per second is long."""
    count, elapsed = 1, 0.0
    while elapsed < end - 1e-3:
        elapsed = plan.next_due(elapsed)
        count += elapsed <= end + 1e-3
    return count


def faults(plan: WatchPlan, *, shortened: bool = False) -> list[tuple[str, str]]:
    """Every contradiction of the plan as (key, what is wrong); `shortened` as for `guardrails.problems`."""
    found = []
    for key in ("duration", "interval"):
        if getattr(plan, key) <= 0:
            found.append((key, "must be longer than nothing"))
    if 0 < plan.duration < plan.interval:
        found.append(("interval", "is longer than the whole watch"))
    if plan.then is not None:
        found += [("then", text) for text in _slower_faults(plan, plan.then, shortened)]
    if plan.baseline < 0:
        found.append(("baseline", "must be 0 or more"))
    return found + [("checkpoints", text) for text in _checkpoint_faults(plan)]


def _slower_faults(plan: WatchPlan, then: Slower, shortened: bool) -> list[str]:
    if then.interval <= 0:
        return ["interval must be longer than nothing"]
    if plan.mode is Mode.CHECKPOINT:
        return ["plays no part with mode: checkpoint; remove it, or write then: off"]
    if then.after >= plan.duration + plan.extend_by and plan.duration > 0 and not shortened:
        begins, end = format_duration(then.after), format_duration(plan.duration + plan.extend_by)
        return [f"begins after {begins}, but the watch lasts {end}; begin earlier, or remove it"]
    return []


def _checkpoint_faults(plan: WatchPlan) -> list[str]:
    if not plan.checkpoints:
        return []
    if plan.mode is not Mode.CHECKPOINT:
        return ["are never reached; write mode: checkpoint, or remove them"]
    if any(later <= earlier for earlier, later in pairwise((0.0, *plan.checkpoints))):
        return ["must ascend, from more than nothing"]
    if plan.checkpoints[-1] < plan.duration:
        last, end = format_duration(plan.checkpoints[-1]), format_duration(plan.duration)
        return [f"end at {last}, but the watch lasts {end}; nobody would give its verdict"]
    return []
