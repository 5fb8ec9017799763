"""Reads numbers from a JSON endpoint: each with its path, its unit, and what its absence means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal

from attrs import evolve, frozen

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Value
from dhash_guard.records.units import Dimension, Seconds, Unit, normalise
from dhash_guard.signals.path import Missing, find
from dhash_guard.signals.source import Dimensions, absence_of
from dhash_guard.system.http import Http, NoAnswer

_NUMERIC = re.compile(r"\s*[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\s*")


class AbsentMeans(Enum):
    """What a project declares the absence of a value to mean."""

    UNKNOWN = "unknown"
    UNHEALTHY = "unhealthy"
    ZERO = "zero"


@frozen(kw_only=True)
class ValueMapping:
    """Where a value stands (`at`), its unit, whether a numeric string counts as a number, and what absence means.

    With `part_at` and `whole_at` instead of `at` the value is a ratio kept as counts.
    """

    at: str | None = None
    part_at: str | None = None
    whole_at: str | None = None
    unit: Unit | None = None
    text: bool = False
    absent: AbsentMeans = AbsentMeans.UNKNOWN

    @property
    def dimension(self) -> Dimension | None:
        return Dimension.RATIO if self.part_at is not None else self.unit.dimension if self.unit is not None else None

    def faults(self) -> list[tuple[str, str]]:
        """Every contradiction as (key, what is wrong)."""
        if self.at is not None:
            found = [] if self.unit is not None else [("at", "needs a unit: percent, fraction, ms, s, bytes or count")]
            if self.part_at is not None or self.whole_at is not None:
                found.append(("at", "give either at, or part_at and whole_at"))
            return found
        if self.part_at is None or self.whole_at is None:
            return [("", "says nowhere to look; give at with a unit, or part_at and whole_at")]
        return [("unit", "counts need no unit; the ratio is part/whole")] if self.unit is not None else []


@frozen(kw_only=True)
class HttpJson:
    """A JSON endpoint below the environment's `base_url`, or at a `url` of its own; `token_env` names a variable."""

    kind: Literal["http-json"]
    values: dict[str, ValueMapping]
    path: str | None = None
    url: str | None = None
    timeout: Seconds = Seconds(5.0)
    token_env: str | None = None

    def dimensions(self, name: str) -> Dimensions:
        return {value: mapping.dimension for value, mapping in self.values.items()}

    def faults(self) -> list[tuple[tuple[str, ...], str]]:
        """Every contradiction as (path below this signal, what is wrong)."""
        found: list[tuple[tuple[str, ...], str]] = []
        if (self.path is None) == (self.url is None):
            found.append((("path",), "give exactly one of path (below base_url) and url"))
        for name, mapping in self.values.items():
            found += [(("values", name, *filter(None, [key])), text) for key, text in mapping.faults()]
        return found


class HttpJsonSource:
    """One request a look, all values from the same answer."""

    def __init__(self, settings: HttpJson, base_url: str, http: Http, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._url = settings.url if settings.url is not None else base_url.rstrip("/") + str(settings.path)
        self._http = http
        token = environ.get(settings.token_env, "") if settings.token_env else ""
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def sample(self) -> Mapping[str, Value]:
        document = self._document()
        return {name: _read(document, mapping) for name, mapping in self._settings.values.items()}

    def _document(self) -> Any:
        answer = self._http.request("GET", self._url, timeout=self._settings.timeout, headers=self._headers)
        if isinstance(answer, NoAnswer):
            return absence_of(answer)
        if answer.status != 200:
            return Absence(AbsenceKind.HTTP_STATUS, f"HTTP {answer.status}")
        if not answer.body.strip():
            return Absence(AbsenceKind.EMPTY, "empty answer")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            return Absence(AbsenceKind.NOT_JSON, f"{len(answer.body)} bytes that are no JSON")


def _read(document: Any, mapping: ValueMapping) -> Value:
    """One value of an answer; its absence carries what the project declared it to mean."""
    if isinstance(document, Absence):
        value: Value = document
    elif mapping.at is not None and mapping.unit is not None:
        value = _number(document, mapping.at, mapping.unit, mapping)
    else:
        part, whole = (_number(document, str(at), Unit.COUNT, mapping) for at in (mapping.part_at, mapping.whole_at))
        value = _counts(part, whole)
    if isinstance(value, Absence) and mapping.absent is AbsentMeans.UNHEALTHY:
        return evolve(value, unhealthy=True)
    return value


def _finite(found: Any) -> float | None:
    """The number, where it is one that can be reckoned with; JSON allows integers of any length."""
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _counts(part: float | Absence, whole: float | Absence) -> Value:
    for number in (part, whole):
        if isinstance(number, Absence):
            return number
    assert isinstance(part, float) and isinstance(whole, float)
    if part > whole:
        return Absence(AbsenceKind.OUT_OF_RANGE, f"{part:g} of {whole:g}")
    return Counts(part, whole)


def _number(document: Any, at: str, unit: Unit, mapping: ValueMapping) -> float | Absence:
    found = find(document, at)
    if isinstance(found, Missing):
        if mapping.absent is AbsentMeans.ZERO:
            return 0.0
        return Absence(AbsenceKind.MISSING_PATH, f"nothing at {at}")
    if found is None:
        return Absence(AbsenceKind.EMPTY, f"{at} is null")
    if isinstance(found, str) and _NUMERIC.fullmatch(found):
        if not mapping.text:
            return Absence(AbsenceKind.NOT_A_NUMBER, f"{at} is the string {found!r}; text: true would accept it")
        found = float(found)
    number = _finite(found)
    if number is None:
        return Absence(AbsenceKind.NOT_A_NUMBER, f"{at} is no finite number")
    found, number = number, normalise(number, unit)
    if number is None:
        return Absence(AbsenceKind.OUT_OF_RANGE, f"{at} is {found:g}, outside of what a {unit.value} can be")
    return number
