"""Where numbers come from: each kind of signal is one file here and one member of the union below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dhash_guard.records.sample import Absence, AbsenceKind, Tick, Value
from dhash_guard.signals.counter import running_counts
from dhash_guard.signals.health import HealthSettings, HealthSource
from dhash_guard.signals.health import counted as health_counted
from dhash_guard.signals.health import dimensions as health_dimensions
from dhash_guard.signals.host import HostSignal
from dhash_guard.signals.http_json import HttpJson
from dhash_guard.signals.prometheus import Prometheus
from dhash_guard.signals.prometheus_text import PrometheusText
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.signals.source import Dimensions, Place, Recorded, Source
from dhash_guard.system import Machine

Signal = HttpJson | PrometheusText | Prometheus | HostSignal
"""Every kind of signal; the type checker, the JSON Schema and the errors all read this union."""


def dimensions(signals: Mapping[str, Signal]) -> Dimensions:
    """Every signal name of an environment with its dimension."""
    known = dict(health_dimensions())
    for name, settings in signals.items():
        known.update(settings.dimensions(name))
    return known


def counted(signals: Mapping[str, Signal]) -> frozenset[str]:
    """The names of the signals that are ratios kept as counts."""
    return health_counted().union(*(settings.counted() for settings in signals.values()))


def running(signals: Mapping[str, Signal]) -> frozenset[str]:
    """The names of those counted signals that are added up since the watch began: what was well stays in them."""
    return health_counted() | frozenset(
        name
        for settings in signals.values()
        if isinstance(settings, (HttpJson, PrometheusText))
        for name, mapping in settings.values.items()
        if mapping.counter
    )


def with_past(signals: Mapping[str, Signal]) -> frozenset[str]:
    """The names of the signals that `past` can ask for; all others must be looked at while they happen."""
    return frozenset(name for settings in signals.values() if isinstance(settings, Prometheus) for name in settings.values)


def absent_unhealthy(signals: Mapping[str, Signal]) -> frozenset[str]:
    """The names of the signals whose absence is declared to mean unhealthy."""
    return frozenset(
        name
        for settings in signals.values()
        if not isinstance(settings, HostSignal)
        for name, mapping in settings.values.items()
        if mapping.absent is AbsentMeans.UNHEALTHY
    )


def past(
    signals: Mapping[str, Signal],
    base_url: str,
    root: Path,
    machine: Machine,
    *,
    start: float,
    step: float,
    count: int,
) -> list[Tick]:
    """One tick for each of `count` moments, `start + i * step` in UTC seconds (whole milliseconds), from recorded series.

    Every signal of the environment is in every tick; what nobody recorded, such as the health probe, is absent.
    """
    place = Place(base_url=base_url, root=root, machine=machine)
    nothing = dict.fromkeys(dimensions(signals), Absence(AbsenceKind.EMPTY, "has no recorded series"))
    rows: list[dict[str, Value]] = [dict(nothing) for _ in range(count)]
    for name, settings in signals.items():
        source = settings.open(name, place)
        if isinstance(source, Recorded):
            for row, values in zip(rows, source.series(start, step, count), strict=True):
                row.update(values)
    return [Tick(index, round(start + index * step, 3), row) for index, row in enumerate(rows)]


class Sampler:
    """Looks at every source of an environment and gathers one tick."""

    def __init__(
        self,
        health: HealthSettings,
        signals: Mapping[str, Signal],
        base_url: str,
        root: Path,
        machine: Machine,
        resumed: Tick | Sequence[Tick] | None = None,
    ) -> None:
        """`resumed` has the ticks of a watch that this one continues, or its last: counts since its beginning go on.

        With all of them, counts also go on where the last look had no answer.
        """
        ticks = [resumed] if isinstance(resumed, Tick) else list(resumed or ())
        place = Place(base_url=base_url, root=root, machine=machine, so_far=running_counts(ticks))
        self.health = HealthSource(health, base_url, machine.http, place.so_far.get("health.success_ratio"))
        self._sources: list[Source] = [self.health]
        self._sources += [settings.open(name, place) for name, settings in signals.items()]

    def look(self, index: int, at: float) -> Tick:
        """One tick with every signal of every source."""
        samples: dict[str, Value] = {}
        for source in self._sources:
            samples.update(source.sample())
        return Tick(index, at, samples)


__all__ = ["Sampler", "Signal", "absent_unhealthy", "counted", "dimensions", "past", "running", "with_past"]
