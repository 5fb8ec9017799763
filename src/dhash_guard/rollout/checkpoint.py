"""Judges at a checkpoint what was recorded since the watch began, so that nobody has to sit through it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, evolve, field

from dhash_guard.errors import CannotTell, UsageProblem
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.records.deployment import Deployment
from dhash_guard.records.layout import iso
from dhash_guard.records.outcome import Ending, Status, Verdict
from dhash_guard.records.sample import Absence, Counts, Tick
from dhash_guard.records.units import format_duration
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.run import Guarded
from dhash_guard.signals import past, recorded
from dhash_guard.signals.counter import Counter

ON_COURSE = "on-course"
"""The result of a checkpoint while an answer is still to come: nothing has fired, and nothing is decided."""


def start_of(run: Guarded, since: float | None, deployment: Deployment | None) -> float:
    """When the watch began: as told, but not before the deployment it may decide; raise UsageProblem where nobody knows."""
    begun = round(deployment.begun_at, 3) if deployment is not None else None
    if since is None:
        if begun is None:
            raise UsageProblem(
                f"nobody knows when this watch of {run.environment} began: no deployment of it is undecided",
                cure="Give --since 2026-11-21T04:00Z, in UTC.",
            )
        return begun
    if since > run.machine.clock.now():
        raise UsageProblem(f"--since {iso(since)} has not come yet", cure="It is UTC, and ends with Z.")
    if begun is not None and since < begun:
        # What was bad before the deployment must not be blamed on it; a time without seconds is often just before.
        run.say(f"the deployment began at {iso(begun)}, after --since; judging from there")
        return begun
    return since


@define
class Checkpoint:
    """One checkpoint of a watch: times are UTC seconds, `now` is when it is judged; it notes what its ticks had to say."""

    run: Guarded
    plan: WatchPlan
    started_at: float
    now: float
    _spoke: set[str] = field(factory=set)
    _last_at: float | None = None

    def ticks(self) -> Iterator[Tick]:
        """What was recorded from the start until now: by a collector that was there at the start, else by the sources."""
        log = self.run.configuration.layout.collected(self.run.environment)
        for tick in self._collected(log) or self._recorded():
            self._last_at = tick.at
            self._spoke.update(name for name, value in tick.samples.items() if not isinstance(value, Absence))
            yield tick

    def _collected(self, log: Path) -> list[Tick]:
        """The collector's looks since the start, counted anew; nothing where it was not there when the watch began."""
        if not log.exists():
            return []
        seen = [tick for tick in recorded.ticks(log) if self.started_at <= tick.at <= self.now]
        if not seen or seen[0].at > self.started_at + 2 * self.plan.interval:
            self.run.say(f"{log.name} of the collector does not cover {iso(self.started_at)}; it is left out")
            return []
        return list(since_start(seen))

    def _recorded(self) -> list[Tick]:
        """The recorded series on the grid of the plan, and once at the planned end where that lies beside it."""
        step, elapsed, duration = self.plan.interval, self.now - self.started_at, self.plan.duration
        steps = min(math.floor(elapsed / step + 1e-6), math.ceil((duration + self.plan.extend_by) / step - 1e-6))
        ticks = self._past(self.started_at, step, max(steps + 1, 0))
        if elapsed >= duration and all(abs(tick.at - self.started_at - duration) > 1e-3 for tick in ticks):
            ticks += self._past(round(self.started_at + duration, 3), step, 1)
        return [evolve(tick, index=index) for index, tick in enumerate(sorted(ticks, key=lambda tick: tick.at))]

    def _past(self, start: float, step: float, count: int) -> list[Tick]:
        configuration = self.run.configuration
        return past(
            configuration.environment.signals,
            base_url(configuration),
            configuration.layout.root,
            self.run.machine,
            start=start,
            step=step,
            count=count,
        )

    def on_course(self, verdict: Verdict) -> bool:
        """Whether this is but a look on the way: the end is not reached, nothing has fired, and somebody could be heard.

        A watch that cannot tell at its planned end is extended, and its last look may come an interval after the end.
        """
        if verdict.ending is not Ending.CUT_SHORT or verdict.status is not Status.CANNOT_TELL:
            return False
        return self.now < self._latest and self._heard(verdict)

    @property
    def _latest(self) -> float:
        """From when on nothing more is waited for."""
        return self.started_at + self.plan.duration + self.plan.extend_by + self.plan.interval

    @property
    def _coming(self) -> float | None:
        """The next planned checkpoint, None after the last."""
        return next((at for at in map(self.started_at.__add__, self.plan.judged_at) if at > self.now), None)

    @property
    def exit_code(self) -> int:
        """Of a look on the way: after the last planned checkpoint nobody comes back by themselves, and it must not pass."""
        return 0 if self._coming is not None else CannotTell.exit_code

    def _heard(self, verdict: Verdict) -> bool:
        return any(outcome.signal in self._spoke for outcome in verdict.outcomes if outcome.action.decides)

    def text(self) -> str:
        """Where the watch stands, and when to come back."""
        elapsed = _span(self.now - self.started_at)
        so_far = f"nothing has fired in {elapsed} of {_span(self.plan.duration)}, and nothing is decided"
        if (coming := self._coming) is not None:
            return f"{so_far}; the next checkpoint is at {iso(coming)}, in {_span(coming - self.now)}"
        closing = self.started_at + self.plan.duration + self.plan.interval
        again = closing if self.now < closing else self._latest
        return f"{so_far}; judge again at {iso(again)}, in {_span(again - self.now)}"

    def doubts(self, verdict: Verdict) -> Iterator[str]:
        """What would keep the last checkpoint from a verdict: deciding gates that cannot tell, and looks that stopped."""
        for outcome in verdict.outcomes:
            if outcome.action.decides and outcome.status is not Status.HEALTHY:
                yield f"{outcome.gate} {outcome.status.value.replace('-', ' ')} so far: {outcome.text}"
        if self._last_at is None or self.now - self._last_at > 2 * self.plan.interval:
            last = "there is no look at all" if self._last_at is None else f"the last look is of {iso(self._last_at)}"
            yield f"{last}; does the collector still run?"


def since_start(ticks: list[Tick]) -> Iterator[Tick]:
    """The ticks as a watch that began with the first of them would have seen them.

    A collector counts since its own beginning; a week of good events must not thin out what a deployment breaks.
    """
    counters: dict[str, Counter] = {}
    for index, tick in enumerate(ticks):
        counted: Mapping[str, Counts | Absence] = {
            name: counters.setdefault(name, Counter()).total(value)
            for name, value in tick.samples.items()
            if isinstance(value, Counts) and value.running
        }
        yield Tick(index, tick.at, {**tick.samples, **counted})


def _span(seconds: float) -> str:
    return format_duration(max(round(seconds), 0) or round(max(seconds, 0.0), 3))
