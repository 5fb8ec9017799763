"""Decides what a page in the Prometheus exposition format says; a page that is cut short or something else says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from dhash_guard.records.sample import Absence, AbsenceKind

_OPENMETRICS = "application/openmetrics-text"


@frozen
class Series:
    """One sample: its metric, all its labels, its value (perhaps NaN or infinite), its own time in UTC seconds or None.

    `also` is the name under which a counter stands in the page where that lacks the `_total` of the parsed name.
    """

    metric: str
    also: str
    labels: Mapping[str, str]
    value: float
    at: float | None


def parse(body: bytes, content_type: str) -> list[Series] | Absence:
    """Every sample of the page; not-json where it is no exposition text or not a whole one, empty where it has none."""
    try:
        text = body.decode("utf-8")
        # The format wants a line end after the last line; without one the answer may have lost more than that.
        found = list(_series(text, content_type)) if text.endswith("\n") else None
    except (ValueError, KeyError, IndexError, OverflowError, AttributeError, TypeError):
        return Absence(AbsenceKind.NOT_JSON, f"{len(body)} bytes that are no exposition text")
    if found is None:
        return Absence(AbsenceKind.NOT_JSON, f"{len(body)} bytes without a line end; the answer may be cut short")
    return found or Absence(AbsenceKind.EMPTY, "no sample in the answer")


def _series(text: str, content_type: str) -> Iterator[Series]:
    """Read with the library's parser for this content type; raise ValueError and what else it lets through."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
    from prometheus_client.parser import text_string_to_metric_families as plain

    for family in (openmetrics if content_type.startswith(_OPENMETRICS) else plain)(text):
        also = family.name if family.type == "counter" else ""
        for sample in family.samples:
            at = None if sample.timestamp is None else float(sample.timestamp)
            yield Series(sample.name, also, sample.labels, float(sample.value), at)


def chosen(page: list[Series], metric: str, labels: Mapping[str, str]) -> list[Series]:
    """The series of this metric that have all these labels among theirs."""
    return [
        series
        for series in page
        if (series.metric == metric or (series.also == metric and series.metric == f"{metric}_total"))
        and labels.items() <= series.labels.items()
    ]
