"""What every source of signals offers: the names it yields with their dimensions, one look at them, perhaps their past."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from dhash_guard.records.sample import Counts, Value
from dhash_guard.records.units import Dimension
from dhash_guard.system import Machine

Dimensions = Mapping[str, Dimension | None]
"""Signal name to dimension; None for a signal that speaks in words."""

Faults = list[tuple[tuple[str, ...], str]]
"""Contradictions inside one signal: (path below it, what is wrong; what to do)."""


class Source(Protocol):
    """Looks once and answers for every one of its names; trouble becomes an absence, never an exception."""

    def sample(self) -> Mapping[str, Value]: ...


@runtime_checkable
class Recorded(Protocol):
    """A source that can also tell its past.

    `series` gives for each of `count` moments, `start + i * step` in UTC seconds, every name's value or absence.
    """

    def series(self, start: float, step: float, count: int) -> list[Mapping[str, Value]]: ...


@frozen(kw_only=True)
class Place:
    """Where a source is opened: the service's address, the project root, the machine.

    `so_far` has the running counts of a watch that this one continues, by signal name.
    """

    base_url: str
    root: Path
    machine: Machine
    so_far: Mapping[str, Counts] = field(factory=dict)
