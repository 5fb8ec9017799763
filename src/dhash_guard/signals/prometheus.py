"""Asks a Prometheus server what queries yield, now and at moments past."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from attrs import frozen

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Value
from dhash_guard.records.units import Dimension, Seconds, Unit
from dhash_guard.signals import reading
from dhash_guard.signals.endpoint import endpoint
from dhash_guard.signals.prometheus_api import Told, instant, past
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.signals.source import Dimensions, Faults, Place


@frozen(kw_only=True)
class QueryMapping:
    """The query that gives a value, its unit, and what an empty result means.

    With `part_query` and `whole_query` instead of `query` the value is a ratio kept as counts, of the events of each
    look: ask for an `increase(…)` over the interval. A query must yield one series; aggregate in it.
    """

    query: str | None = None
    part_query: str | None = None
    whole_query: str | None = None
    unit: Unit | None = None
    absent: AbsentMeans = AbsentMeans.UNKNOWN

    @property
    def dimension(self) -> Dimension | None:
        return reading.dimension(self.unit, self.part_query)

    @property
    def queries(self) -> tuple[str, ...]:
        """What has to be asked for this value."""
        return tuple(query for query in (self.query, self.part_query, self.whole_query) if query is not None)

    def faults(self) -> list[tuple[str, str]]:
        """Every contradiction as (key, what is wrong)."""
        found = reading.contradictions("query", self.query, self.part_query, self.whole_query, self.unit)
        written = {"query": self.query, "part_query": self.part_query, "whole_query": self.whole_query}
        blank = [key for key, query in written.items() if query is not None and not query.strip()]
        return found + [(key, "is empty; write a query") for key in blank]


@frozen(kw_only=True)
class Prometheus:
    """The HTTP API of a Prometheus server; `url` is its root, `token_env` names the variable with its bearer token.

    A series without a point for five minutes yields nothing: that is the server's own lookback.
    """

    kind: Literal["prometheus"]
    url: str
    values: dict[str, QueryMapping]
    timeout: Seconds = Seconds(5.0)
    token_env: str | None = None

    def dimensions(self, name: str) -> Dimensions:
        return {value: mapping.dimension for value, mapping in self.values.items()}

    def counted(self) -> frozenset[str]:
        return frozenset(name for name, mapping in self.values.items() if mapping.part_query is not None)

    def faults(self) -> Faults:
        """Every contradiction as (path below this signal, what is wrong)."""
        found: Faults = []
        if "?" in self.url or "#" in self.url or self.url.rstrip("/").endswith("/api/v1"):
            found.append((("url",), "is not the server's root; write only what stands before /api/v1"))
        for name, mapping in self.values.items():
            found += [(("values", name, *filter(None, [key])), text) for key, text in mapping.faults()]
        return found

    def open(self, name: str, place: Place) -> PrometheusSource:
        return PrometheusSource(self, place)


class PrometheusSource:
    """One request a look for each different query, all for the same moment."""

    def __init__(self, settings: Prometheus, place: Place) -> None:
        self._values = settings.values
        self._clock = place.machine.clock
        self._server = endpoint(place, settings.url.rstrip("/"), settings.timeout, settings.token_env)

    def sample(self) -> Mapping[str, Value]:
        now = round(self._clock.now(), 3)
        told = self._ask(lambda query: [instant(self._server, query, now)])
        return self._settle(told, 0, "the query yields no series")

    def series(self, start: float, step: float, count: int) -> list[Mapping[str, Value]]:
        """What `sample` would have said at each of `count` moments, `start + i * step` in UTC seconds, whole milliseconds.

        A series without a point in the five minutes before a moment has no value there: that is the server's own lookback.
        """
        told = self._ask(lambda query: past(self._server, query, start, step, count))
        return [self._settle(told, index, "no point at this time") for index in range(count)]

    def _ask(self, ask: Callable[[str], list[Told]]) -> dict[str, list[Told]]:
        """The answers to every different query; a server that is away is not waited for again with the next one."""
        told: dict[str, list[Told]] = {}
        away: list[Told] | None = None
        for query in dict.fromkeys(query for mapping in self._values.values() for query in mapping.queries):
            told[query] = away if away is not None else ask(query)
            if all(_away(one) for one in told[query]):
                away = told[query]
        return told

    def _settle(self, told: Mapping[str, list[Told]], index: int, nothing: str) -> dict[str, Value]:
        return {
            name: reading.declared(_read({q: told[q][index] for q in mapping.queries}, mapping, nothing), mapping.absent)
            for name, mapping in self._values.items()
        }


def _away(told: Told) -> bool:
    return isinstance(told, Absence) and told.kind in (AbsenceKind.UNREACHABLE, AbsenceKind.TIMEOUT)


def _read(told: Mapping[str, Told], mapping: QueryMapping, nothing: str) -> float | Counts | Absence:
    def number(query: str, unit: Unit, what: str) -> float | Absence:
        found = told[query]
        if found is None:
            return 0.0 if mapping.absent is AbsentMeans.ZERO else Absence(AbsenceKind.EMPTY, nothing)
        return found if isinstance(found, Absence) else reading.in_unit(found, unit, what)

    if mapping.query is not None and mapping.unit is not None:
        return number(mapping.query, mapping.unit, "the result")
    part = number(str(mapping.part_query), Unit.COUNT, "the part")
    return reading.counts(part, number(str(mapping.whole_query), Unit.COUNT, "the whole"))
