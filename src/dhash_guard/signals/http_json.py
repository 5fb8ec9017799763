"""Reads numbers from a JSON endpoint: each with its path, its unit, and what its absence means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen

from dhash_guard.records.canonical import loads
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Value
from dhash_guard.records.units import Dimension, Seconds, Unit
from dhash_guard.signals import reading
from dhash_guard.signals.counter import counters
from dhash_guard.signals.endpoint import address, address_faults, endpoint
from dhash_guard.signals.freshness import untimely
from dhash_guard.signals.path import Missing, find
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.signals.source import Dimensions, Faults, Place

_ZERO_OF_WHEN = (
    "zero counts only in a fresh answer; give time_at, where the answer says when it was made, and fresh, such as 2m"
)
_NUMERIC = re.compile(r"\s*[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\s*")


@frozen(kw_only=True)
class ValueMapping:
    """Where a value stands (`at`), its unit, whether a numeric string counts as a number, and what absence means.

    With `part_at` and `whole_at` instead of `at` the value is a ratio kept as counts; `counter: true` says that both
    only grow since the service's process began, and what they added since the watch began is judged.
    """

    at: str | None = None
    part_at: str | None = None
    whole_at: str | None = None
    counter: bool = False
    unit: Unit | None = None
    text: bool = False
    absent: AbsentMeans = AbsentMeans.UNKNOWN

    @property
    def dimension(self) -> Dimension | None:
        return reading.dimension(self.unit, self.part_at)

    def faults(self) -> list[tuple[str, str]]:
        """Every contradiction as (key, what is wrong)."""
        found = reading.contradictions("at", self.at, self.part_at, self.whole_at, self.unit)
        return found + reading.counter_faults("at", self.at, self.counter)


@frozen(kw_only=True)
class HttpJson:
    """A JSON endpoint below the environment's `base_url`, or at a `url` of its own; `token_env` names a variable.

    `time_at` is where the answer says when it was made, `fresh` how old it may be.
    """

    kind: Literal["http-json"]
    values: dict[str, ValueMapping]
    path: str | None = None
    url: str | None = None
    timeout: Seconds = Seconds(5.0)
    token_env: str | None = None
    time_at: str | None = None
    fresh: Seconds | None = None

    def dimensions(self, name: str) -> Dimensions:
        return {value: mapping.dimension for value, mapping in self.values.items()}

    def counted(self) -> frozenset[str]:
        return frozenset(name for name, mapping in self.values.items() if mapping.part_at is not None)

    def faults(self) -> Faults:
        """Every contradiction as (path below this signal, what is wrong)."""
        found = address_faults(self.path, self.url)
        if self.fresh is not None and self.time_at is None:
            found.append((("fresh",), "needs the answer's own time; give time_at, the path where it stands"))
        if self.time_at is not None and self.fresh is None:
            found.append((("time_at",), "is only read together with fresh; give fresh, such as 2m, or remove it"))
        for name, mapping in self.values.items():
            found += [(("values", name, *filter(None, [key])), text) for key, text in mapping.faults()]
            if mapping.absent is AbsentMeans.ZERO and self.fresh is None and self.time_at is None:
                found.append((("values", name, "absent"), _ZERO_OF_WHEN))
        return found

    def open(self, name: str, place: Place) -> HttpJsonSource:
        return HttpJsonSource(self, place)


class HttpJsonSource:
    """One request a look, all values from the same answer."""

    def __init__(self, settings: HttpJson, place: Place) -> None:
        self._settings = settings
        self._clock = place.machine.clock
        self._endpoint = endpoint(place, address(place, settings.path, settings.url), settings.timeout, settings.token_env)
        self._counters = counters((n for n, mapping in settings.values.items() if mapping.counter), place.so_far)

    def sample(self) -> Mapping[str, Value]:
        document = self._document()
        return {name: self._value(name, mapping, document) for name, mapping in self._settings.values.items()}

    def _value(self, name: str, mapping: ValueMapping, document: Any) -> Value:
        value = _read(document, mapping)
        if name in self._counters and isinstance(value, (Counts, Absence)):
            value = self._counters[name].total(value)
        return reading.declared(value, mapping.absent)

    def _document(self) -> Any:
        answer = self._endpoint.content()
        if isinstance(answer, Absence):
            return answer
        try:
            document = loads(answer.body)
        except ValueError:
            return Absence(AbsenceKind.NOT_JSON, f"{len(answer.body)} bytes that are no JSON")
        time_at, fresh = self._settings.time_at, self._settings.fresh
        if time_at is None or fresh is None:
            return document
        return untimely(document, time_at, self._clock.now(), fresh) or document


def _read(document: Any, mapping: ValueMapping) -> float | Counts | Absence:
    """One value of an answer."""
    if isinstance(document, Absence):
        return document
    if mapping.at is not None and mapping.unit is not None:
        return _number(document, mapping.at, mapping.unit, mapping)
    part, whole = (_number(document, str(at), Unit.COUNT, mapping) for at in (mapping.part_at, mapping.whole_at))
    return reading.counts(part, whole)


def _number(document: Any, at: str, unit: Unit, mapping: ValueMapping) -> float | Absence:
    found = find(document, at)
    if isinstance(found, Missing):
        if mapping.absent is AbsentMeans.ZERO and found.only_key:
            return 0.0
        return Absence(AbsenceKind.MISSING_PATH, f"nothing at {at}")
    if found is None:
        return Absence(AbsenceKind.EMPTY, f"{at} is null")
    if isinstance(found, str) and _NUMERIC.fullmatch(found):
        if not mapping.text:
            return Absence(AbsenceKind.NOT_A_NUMBER, f"{at} is the string {found!r}; text: true would accept it")
        found = float(found)
    number = reading.finite(found)
    if number is None:
        return Absence(AbsenceKind.NOT_A_NUMBER, f"{at} is no finite number")
    return reading.in_unit(number, unit, at)
