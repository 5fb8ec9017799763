"""Keeps the extractions of the last seconds and decides what their times and failures amount to."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_JOBS = 1000

Clock = Callable[[], float]


@dataclass(frozen=True)
class Job:
    """One extraction which ended at `at` after `seconds` of work."""

    at: float
    seconds: float
    failed: bool


@dataclass(frozen=True)
class Summary:
    """A window in numbers. Without work there is no time and no rate: None, never 0."""

    extractions: int
    failures: int
    failure_percent: float | None
    average_ms: float | None
    p95_ms: float | None


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that was really measured, from which `percent` of them are not above."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class Window:
    """A sliding window over the jobs; the caller sees to locking."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._jobs: deque[Job] = deque(maxlen=MOST_JOBS)

    def add(self, seconds: float, failed: bool) -> None:
        self._jobs.append(Job(self._clock(), seconds, failed))

    def summary(self) -> Summary:
        oldest = self._clock() - self.seconds
        while self._jobs and self._jobs[0].at < oldest:
            self._jobs.popleft()
        if not self._jobs:
            return Summary(0, 0, None, None, None)
        # Failed extractions count in the times too: their work was done, and was waited for.
        times = sorted(job.seconds * 1000 for job in self._jobs)
        failures = sum(job.failed for job in self._jobs)
        return Summary(
            extractions=len(times),
            failures=failures,
            failure_percent=100 * failures / len(times),
            average_ms=sum(times) / len(times),
            p95_ms=percentile(times, 95),
        )
