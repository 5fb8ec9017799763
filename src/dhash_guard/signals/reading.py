"""Decides what a number that a source found means: in its unit, as counts, or as the absence that the project declared."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

from attrs import evolve

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Value
from dhash_guard.records.units import Dimension, Unit, normalise

_UNITS = "percent, fraction, ms, s, bytes or count"


class AbsentMeans(Enum):
    """What a project declares the absence of a value to mean."""

    UNKNOWN = "unknown"
    UNHEALTHY = "unhealthy"
    ZERO = "zero"


def dimension(unit: Unit | None, part: str | None) -> Dimension | None:
    """The dimension of a value that has either a unit, or a part and a whole."""
    return Dimension.RATIO if part is not None else unit.dimension if unit is not None else None


def contradictions(
    key: str, single: str | None, part: str | None, whole: str | None, unit: Unit | None
) -> list[tuple[str, str]]:
    """What is wrong, as (key, text), with a value that says where it stands under `key`, `part_<key>`, `whole_<key>`."""
    pair = f"part_{key} and whole_{key}"
    if single is not None:
        found = [] if unit is not None else [(key, f"needs a unit: {_UNITS}")]
        if part is not None or whole is not None:
            found.append((key, f"give either {key}, or {pair}"))
        return found
    if part is None or whole is None:
        return [("", f"says nowhere to look; give {key} with a unit, or {pair}")]
    return [("unit", "counts need no unit; the ratio is part/whole")] if unit is not None else []


def counter_faults(key: str, single: str | None, counter: bool) -> list[tuple[str, str]]:
    """A number that only grows says nothing by itself: no limit could be held against it."""
    if not counter or single is None:
        return []
    return [("counter", f"counts parts of a whole; give part_{key} and whole_{key}, or remove counter beside {key}")]


def finite(found: Any) -> float | None:
    """The number, where it is one that can be reckoned with; a document may hold integers of any length."""
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def in_unit(number: float, unit: Unit, what: str) -> float | Absence:
    """The number in the house unit; NaN is no number, and infinity lies outside of every unit."""
    if math.isnan(number):
        return Absence(AbsenceKind.NOT_A_NUMBER, f"{what} is NaN")
    normal = normalise(number, unit) if math.isfinite(number) else None
    if normal is None:
        return Absence(AbsenceKind.OUT_OF_RANGE, f"{what} is {number:g}, outside of what a {unit.value} can be")
    return normal


def counts(part: float | Absence, whole: float | Absence) -> Counts | Absence:
    """The ratio as counts of this look; the first absence of the two, or one where the part exceeds its whole."""
    if isinstance(part, Absence):
        return part
    if isinstance(whole, Absence):
        return whole
    if part > whole:
        return Absence(AbsenceKind.OUT_OF_RANGE, f"{part:g} of {whole:g}")
    return Counts(part, whole)


def declared(value: Value, absent: AbsentMeans) -> Value:
    """The value; its absence carries what the project declared it to mean."""
    if isinstance(value, Absence) and absent is AbsentMeans.UNHEALTHY:
        return evolve(value, unhealthy=True)
    return value
