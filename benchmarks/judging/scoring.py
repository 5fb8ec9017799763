"""Counts what a rule did right and wrong: false rollbacks per clean hour, detection, delay, and what it could not tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.judging.engines import Answer
from benchmarks.judging.traces import Trace

from dhash_guard.gates.aggregates import percentile
from dhash_guard.gates.wilson import wilson

Outcome = tuple[Trace, Answer]


@dataclass(frozen=True)
class Score:
    """How one rule did on many watches: counts, `hours` without a fault, and the delays found, in looks, ascending."""

    clean: int
    faulty: int
    hours: float
    fired_clean: int
    early: int
    detected: int
    unsure_clean: int
    unsure_faulty: int
    delays: tuple[int, ...]

    @property
    def false(self) -> int:
        """Rollbacks for nothing: on clean watches, and before the fault on faulty ones."""
        return self.fired_clean + self.early

    @property
    def false_rate(self) -> float:
        """False rollbacks per clean hour; infinite where there was none, because nothing is known then."""
        return self.false / self.hours if self.hours else float("inf")

    @property
    def false_interval(self) -> tuple[float, float]:
        """The 95 % interval of `false_rate`."""
        return wilson(self.false, max(round(self.hours), self.false))

    @property
    def detection(self) -> float:
        """The share of faults that were rolled back at their onset or later."""
        return self.detected / self.faulty if self.faulty else 0.0

    @property
    def median_delay(self) -> float:
        """Looks from onset to rollback; infinite where nothing was found."""
        return percentile(self.delays, 0.5) if self.delays else float("inf")

    @property
    def slow_delay(self) -> float:
        """The 90th percentile of the delay."""
        return percentile(self.delays, 0.9) if self.delays else float("inf")

    @property
    def cannot_tell(self) -> float:
        """The share of all watches that ended without an answer."""
        total = self.clean + self.faulty
        return (self.unsure_clean + self.unsure_faulty) / total if total else 0.0

    def data(self) -> dict[str, Any]:
        """For the JSON file."""
        low, high = self.false_interval
        return {
            "clean": self.clean,
            "faulty": self.faulty,
            "clean_hours": self.hours,
            "false": self.false,
            "early": self.early,
            "false_per_hour": self.false_rate if self.hours else None,
            "false_interval": [low, high],
            "detection": self.detection,
            "median_delay": self.median_delay if self.delays else None,
            "p90_delay": self.slow_delay if self.delays else None,
            "cannot_tell": self.cannot_tell,
        }


def score(outcomes: Iterable[Outcome]) -> Score:
    """Count; the looks before a fault begins are clean time as well, so they belong to the hours."""
    clean = faulty = fired = early = detected = unsure_clean = unsure_faulty = 0
    looks = 0
    delays = []
    for trace, answer in outcomes:
        if trace.onset is None:
            clean += 1
            looks += len(trace.after)
            fired += answer.rollback is not None
            unsure_clean += answer.cannot_tell
            continue
        faulty += 1
        looks += trace.onset
        unsure_faulty += answer.cannot_tell
        if answer.rollback is None:
            continue
        if answer.rollback < trace.onset:
            early += 1
        else:
            detected += 1
            delays.append(answer.rollback - trace.onset)
    return Score(
        clean=clean,
        faulty=faulty,
        hours=looks / 60,
        fired_clean=fired,
        early=early,
        detected=detected,
        unsure_clean=unsure_clean,
        unsure_faulty=unsure_faulty,
        delays=tuple(sorted(delays)),
    )


def beats(peer: Score, ours: Score) -> bool:
    """Whether `peer` is nowhere behind and somewhere ahead, in detection and median delay."""
    no_worse = peer.detection >= ours.detection and peer.median_delay <= ours.median_delay
    return no_worse and (peer.detection > ours.detection or peer.median_delay < ours.median_delay)


def of_kind(outcomes: Sequence[Outcome], kind: str, *, clean: bool) -> list[Outcome]:
    """Only the watches of one kind and label."""
    return [outcome for outcome in outcomes if outcome[0].kind == kind and (outcome[0].onset is None) == clean]
