"""Reads numbers from a page in the Prometheus exposition format, as an application serves it to be scraped."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Literal

from attrs import field, frozen

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Value
from dhash_guard.records.units import Dimension, Seconds, Unit
from dhash_guard.signals import reading
from dhash_guard.signals.counter import counters
from dhash_guard.signals.endpoint import address, address_faults, endpoint
from dhash_guard.signals.exposition import Series, chosen, parse
from dhash_guard.signals.freshness import stale
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.signals.source import Dimensions, Faults, Place

_ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5"


class Combine(Enum):
    """How several matching series become one number."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"


@frozen(kw_only=True)
class MetricMapping:
    """Which metric a value is, by name and by labels that its series must have among theirs, its unit, what absence means.

    Several matching series are no value unless `combine` says how to make one of them. With `part_metric` and
    `whole_metric` instead of `metric` the value is a ratio kept as counts; `counter: true` says that both only grow.
    """

    metric: str | None = None
    labels: dict[str, str] = field(factory=dict)
    part_metric: str | None = None
    part_labels: dict[str, str] = field(factory=dict)
    whole_metric: str | None = None
    whole_labels: dict[str, str] = field(factory=dict)
    counter: bool = False
    combine: Combine | None = None
    unit: Unit | None = None
    absent: AbsentMeans = AbsentMeans.UNKNOWN

    @property
    def dimension(self) -> Dimension | None:
        return reading.dimension(self.unit, self.part_metric)

    def faults(self) -> list[tuple[str, str]]:
        """Every contradiction as (key, what is wrong)."""
        found = reading.contradictions("metric", self.metric, self.part_metric, self.whole_metric, self.unit)
        found += reading.counter_faults("metric", self.metric, self.counter)
        beside = (("labels", self.metric), ("part_labels", self.part_metric), ("whole_labels", self.whole_metric))
        found += [(key, "has no metric to choose from") for key, of in beside if getattr(self, key) and of is None]
        if self.part_metric is not None and self.combine in (Combine.MAX, Combine.MIN):
            found.append(("combine", "only sums of a part and of a whole make a ratio; write combine: sum"))
        return found


@frozen(kw_only=True)
class PrometheusText:
    """A page of metrics below the environment's `base_url`, or at a `url` of its own; `token_env` names a variable.

    `fresh` is how old a sample may be that carries a time of its own; one without is of the moment it was asked for.
    """

    kind: Literal["prometheus-text"]
    values: dict[str, MetricMapping]
    path: str | None = None
    url: str | None = None
    timeout: Seconds = Seconds(5.0)
    token_env: str | None = None
    fresh: Seconds | None = None

    def dimensions(self, name: str) -> Dimensions:
        return {value: mapping.dimension for value, mapping in self.values.items()}

    def counted(self) -> frozenset[str]:
        return frozenset(name for name, mapping in self.values.items() if mapping.part_metric is not None)

    def faults(self) -> Faults:
        """Every contradiction as (path below this signal, what is wrong)."""
        found = address_faults(self.path, self.url)
        for name, mapping in self.values.items():
            found += [(("values", name, *filter(None, [key])), text) for key, text in mapping.faults()]
        return found

    def open(self, name: str, place: Place) -> PrometheusTextSource:
        return PrometheusTextSource(self, place)


class PrometheusTextSource:
    """One request a look, all values from the same page."""

    def __init__(self, settings: PrometheusText, place: Place) -> None:
        self._settings = settings
        self._clock = place.machine.clock
        where = address(place, settings.path, settings.url)
        self._endpoint = endpoint(place, where, settings.timeout, settings.token_env, accept=_ACCEPT)
        self._counters = counters((n for n, mapping in settings.values.items() if mapping.counter), place.so_far)

    def sample(self) -> Mapping[str, Value]:
        answer = self._endpoint.content()
        page = answer if isinstance(answer, Absence) else parse(answer.body, answer.headers.get("content-type", ""))
        return {name: self._value(name, mapping, page) for name, mapping in self._settings.values.items()}

    def _value(self, name: str, mapping: MetricMapping, page: list[Series] | Absence) -> Value:
        value = page if isinstance(page, Absence) else self._read(page, mapping)
        if name in self._counters and isinstance(value, (Counts, Absence)):
            value = self._counters[name].total(value)
        return reading.declared(value, mapping.absent)

    def _read(self, page: list[Series], mapping: MetricMapping) -> float | Counts | Absence:
        if mapping.metric is not None and mapping.unit is not None:
            return self._number(page, mapping, mapping.metric, mapping.labels, mapping.unit)
        part = self._number(page, mapping, str(mapping.part_metric), mapping.part_labels, Unit.COUNT)
        whole = self._number(page, mapping, str(mapping.whole_metric), mapping.whole_labels, Unit.COUNT)
        return reading.counts(part, whole)

    def _number(
        self, page: list[Series], mapping: MetricMapping, metric: str, labels: Mapping[str, str], unit: Unit
    ) -> float | Absence:
        found = chosen(page, metric, labels)
        if not found:
            if mapping.absent is AbsentMeans.ZERO:
                return 0.0
            return Absence(AbsenceKind.MISSING_PATH, f"no series of {metric}" + (" with these labels" if labels else ""))
        if len(found) > 1 and mapping.combine is None:
            text = f"{len(found)} series match; choose one with labels, or say combine"
            return Absence(AbsenceKind.NOT_A_NUMBER, text)
        if (late := self._late(found, metric)) is not None:
            return late
        return _combined([series.value for series in found], mapping.combine, unit, metric)

    def _late(self, found: list[Series], metric: str) -> Absence | None:
        """The absence where the page itself says that one of these samples is not of now."""
        fresh, now = self._settings.fresh, self._clock.now()
        if fresh is None:
            return None
        late = (stale(series.at, now, fresh, metric) for series in found if series.at is not None)
        return next((absence for absence in late if absence is not None), None)


def _combined(numbers: list[float], combine: Combine | None, unit: Unit, metric: str) -> float | Absence:
    """One number of all; each must be one of its unit, or a maximum could hide a NaN, and so must the result."""
    for number in numbers:
        if isinstance(wrong := reading.in_unit(number, unit, metric), Absence):
            return wrong
    match combine:
        case Combine.MAX:
            number = max(numbers)
        case Combine.MIN:
            number = min(numbers)
        case _:
            number = sum(numbers)
    return reading.in_unit(number, unit, metric)
