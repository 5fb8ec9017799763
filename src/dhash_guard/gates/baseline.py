"""Condenses the looks taken before a deployment into the baseline that it is later compared with."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.gates.aggregates import Look, percentile, pooled
from dhash_guard.gates.reading import plain
from dhash_guard.records.deployment import MOST_VALUES, Baseline, Summary
from dhash_guard.records.sample import Absence, Health, Tick

_ORDER = (Health.HEALTHY, Health.WARNING, Health.UNHEALTHY)


def baseline_of(ticks: Sequence[Tick], taken_at: float, recorded: Sequence[Tick] = ()) -> Baseline:
    """Medians per signal over `ticks`; a signal without any value has no baseline, not a zero.

    A signal that was `recorded` more often before them is summed up from that: looks within seconds of each other know
    nothing of how restless a service is. What the service was like is told by `ticks` alone: what is over is no old fault.
    """
    words = sorted((word for tick in ticks if isinstance(word := tick.samples.get("health"), Health)), key=_ORDER.index)
    series = _series(ticks)
    series |= {name: looks for name, looks in _series(recorded).items() if len(looks) > len(series.get(name, ()))}
    return Baseline(
        taken_at=taken_at,
        samples=len(ticks),
        health=words[len(words) // 2] if words else None,  # of two in the middle the worse
        medians={name: _summary(looks) for name, looks in sorted(series.items())},
        looks=tuple(_silenced(tick) for tick in ticks[-MOST_VALUES:]),
    )


def _silenced(tick: Tick) -> Tick:
    """The look without what absences had to say: the record of a deployment is no place for foreign words."""
    said = tick.samples.items()
    quiet = {name: evolve(value, detail="") if isinstance(value, Absence) else value for name, value in said}
    return Tick(tick.index, tick.at, quiet)


def _series(ticks: Sequence[Tick]) -> dict[str, list[Look]]:
    """The looks at each signal that had a number."""
    series: dict[str, list[Look]] = {}
    for tick in ticks:
        for name, value in tick.samples.items():
            if isinstance(reduced := plain(value), float):
                series.setdefault(name, []).append((tick.at, reduced, value))
    return series


def _summary(looks: Sequence[Look]) -> Summary:
    """The median; for counts the share of all events, because the median of many looks at few events is 0."""
    values, counts = [number for _, number, _ in looks], pooled(looks)
    ratio = counts.ratio if counts is not None else None
    middle = percentile(values, 0.5) if ratio is None else ratio
    return Summary(middle, len(values), tuple(values[-MOST_VALUES:]))
