"""Condenses the looks taken before a deployment into the baseline that it is later compared with."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.gates.aggregates import Look, percentile, pooled
from dhash_guard.gates.reading import plain
from dhash_guard.records.deployment import MOST_VALUES, Baseline, Summary
from dhash_guard.records.sample import Counts, Health, Tick

_ORDER = (Health.HEALTHY, Health.WARNING, Health.UNHEALTHY)


def baseline_of(ticks: Sequence[Tick], taken_at: float) -> Baseline:
    """Medians per signal over `ticks`; a signal without any value has no baseline, not a zero."""
    series: dict[str, list[float]] = {}
    looks: dict[str, list[Look]] = {}
    words: list[Health] = []
    for tick in ticks:
        for name, value in tick.samples.items():
            reduced = plain(value)
            if isinstance(value, Counts) and isinstance(reduced, float):
                looks.setdefault(name, []).append((tick.at, reduced, value))
            if isinstance(reduced, float):
                series.setdefault(name, []).append(reduced)
            elif isinstance(reduced, Health) and name == "health":
                words.append(reduced)
    return Baseline(
        taken_at=taken_at,
        samples=len(ticks),
        health=max(words, key=_ORDER.index) if words else None,
        medians={
            name: Summary(_middle(values, looks.get(name)), len(values), tuple(values[-MOST_VALUES:]))
            for name, values in sorted(series.items())
        },
    )


def _middle(values: Sequence[float], looks: Sequence[Look] | None) -> float:
    """The median; for counts the share of all events, because the median of many looks at few events is 0."""
    counts = pooled(looks) if looks else None
    ratio = counts.ratio if counts is not None else None
    return percentile(values, 0.5) if ratio is None else ratio
