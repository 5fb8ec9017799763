"""Where numbers come from: each kind of signal is one file here and one member of the union below."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dhash_guard.records.sample import Counts, Tick, Value
from dhash_guard.signals.health import HealthSettings, HealthSource
from dhash_guard.signals.health import dimensions as health_dimensions
from dhash_guard.signals.host import HostSignal, HostSource
from dhash_guard.signals.http_json import HttpJson, HttpJsonSource
from dhash_guard.signals.source import Dimensions, Source
from dhash_guard.system import Machine

Signal = HttpJson | HostSignal
"""Every kind of signal; the type checker, the JSON Schema and the errors all read this union."""


def dimensions(signals: Mapping[str, Signal]) -> Dimensions:
    """Every signal name of an environment with its dimension."""
    known = dict(health_dimensions())
    for name, settings in signals.items():
        known.update(settings.dimensions(name))
    return known


def open_signal(name: str, settings: Signal, base_url: str, root: Path, machine: Machine) -> Source:
    """The source behind one entry of `signals:`."""
    match settings:
        case HttpJson():
            return HttpJsonSource(settings, base_url, machine.http, machine.environ)
        case HostSignal():
            return HostSource(name, settings, root, machine.host)


class Sampler:
    """Looks at every source of an environment and gathers one tick."""

    def __init__(
        self,
        health: HealthSettings,
        signals: Mapping[str, Signal],
        base_url: str,
        root: Path,
        machine: Machine,
        resumed: Tick | None = None,
    ) -> None:
        """`resumed` is the last tick of a watch that this one continues, so that counts since its beginning go on."""
        so_far = resumed.samples.get("health.success_ratio") if resumed is not None else None
        self.health = HealthSource(health, base_url, machine.http, so_far if isinstance(so_far, Counts) else None)
        self._sources: list[Source] = [self.health]
        self._sources += [open_signal(name, settings, base_url, root, machine) for name, settings in signals.items()]

    def look(self, index: int, at: float) -> Tick:
        """One tick with every signal of every source."""
        samples: dict[str, Value] = {}
        for source in self._sources:
            samples.update(source.sample())
        return Tick(index, at, samples)


__all__ = ["Sampler", "Signal", "dimensions", "open_signal"]
