"""Makes the two hours of a service without a fault: latency with tails and memory, errors among few or many requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from dhash_guard.records.sample import Counts

BEFORE, AFTER = 60, 60
"""Looks before and after the deployment, one minute apart."""

DAY = 1440.0


def between(source: Random, low: float, high: float) -> float:
    """A number between two positive ones, log-uniform: as many small services as large ones."""
    return math.exp(source.uniform(math.log(low), math.log(high)))


@dataclass(frozen=True)
class LatencyService:
    """Level in seconds; noise as log standard deviation; memory is the AR(1) coefficient; tails are Pareto spikes."""

    level: float
    noise: float
    memory: float
    tail_share: float
    tail_shape: float
    rhythm: float
    phase: float

    @classmethod
    def drawn(cls, source: Random, *, quiet: bool) -> LatencyService:
        """20–800 ms, 5–60 % noise; a quiet one averages few requests per look, so that both noise and tails are large."""
        return cls(
            level=between(source, 0.020, 0.800),
            noise=between(source, 0.30 if quiet else 0.05, 0.60),
            memory=source.uniform(0.0, 0.5 if quiet else 0.9),
            tail_share=between(source, 0.01, 0.05) if quiet else between(source, 0.001, 0.02),
            tail_shape=source.uniform(1.5, 3.0),
            rhythm=source.uniform(0.0, 0.4),
            phase=source.uniform(0.0, math.tau),
        )

    def looks(self, source: Random, factors: Sequence[float]) -> list[float]:
        """Seconds per look; `factors` multiply the level at each look."""
        state = source.gauss(0.0, 1.0)
        fresh = math.sqrt(1 - self.memory**2)
        found = []
        for look, factor in enumerate(factors):
            state = self.memory * state + fresh * source.gauss(0.0, 1.0)
            spike = source.paretovariate(self.tail_shape) if source.random() < self.tail_share else 1.0
            day = self.rhythm * math.sin(math.tau * look / DAY + self.phase)
            # A service that answers within its own deadline: nothing above 30 s is ever measured.
            found.append(min(self.level * factor * spike * math.exp(self.noise * state + day), 30.0))
        return found


@dataclass(frozen=True)
class ErrorService:
    """Requests per look, usual share of failures 0–1, and their intra-look correlation (0: binomial)."""

    traffic: float
    share: float
    dispersion: float
    rhythm: float
    phase: float

    @classmethod
    def drawn(cls, source: Random, *, quiet: bool) -> ErrorService:
        """1–3000 requests a look (quiet: 1–30); a quarter never fails, the others up to 1 %."""
        return cls(
            traffic=between(source, 1, 30) if quiet else between(source, 10, 3000),
            share=0.0 if source.random() < 0.25 else between(source, 0.0001, 0.01),
            dispersion=between(source, 0.0005, 0.02),
            rhythm=source.uniform(0.0, 0.6),
            phase=source.uniform(0.0, math.tau),
        )

    def looks(self, source: Random, added: Sequence[float]) -> list[Counts]:
        """Failed and whole requests per look; `added` raises the share of failures at each look."""
        found = []
        for look, extra in enumerate(added):
            day = self.rhythm * math.sin(math.tau * look / DAY + self.phase)
            whole = poisson(source, self.traffic * math.exp(day + source.gauss(0.0, 0.15)))
            share = dispersed(source, min(self.share + extra, 1.0), self.dispersion)
            found.append(Counts(float(binomial(source, whole, share)), float(whole)))
        return found


def dispersed(source: Random, mean: float, correlation: float) -> float:
    """A share around `mean`, beta-distributed: the failures of one look have a common cause."""
    if not 0 < mean < 1:
        return mean
    weight = 1 / correlation - 1
    return source.betavariate(mean * weight, (1 - mean) * weight)


def poisson(source: Random, mean: float) -> int:
    """Events of one look; above 50 the normal distribution is near enough."""
    if mean > 50:
        return max(0, round(source.gauss(mean, math.sqrt(mean))))
    found, left = 0, source.expovariate(1.0)
    while left < mean:
        found, left = found + 1, left + source.expovariate(1.0)
    return found


def binomial(source: Random, trials: int, share: float) -> int:
    """Successes among `trials`; exact by waiting times, and normal where the variance is above 100."""
    if trials * share < 1e-12:
        return 0
    if share >= 1:
        return trials
    if (spread := trials * share * (1 - share)) > 100:
        return min(trials, max(0, round(source.gauss(trials * share, math.sqrt(spread)))))
    found, place, gap = 0, 0, math.log1p(-share)
    while (place := place + int(math.log(1.0 - source.random()) / gap) + 1) <= trials:
        found += 1
    return found
