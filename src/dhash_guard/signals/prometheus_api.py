"""Decides what the answers of a Prometheus server say: one number, no series at all, or why neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from dhash_guard.records.canonical import loads
from dhash_guard.records.sample import Absence, AbsenceKind
from dhash_guard.signals.endpoint import Endpoint
from dhash_guard.system.http import Answer

Told = float | Absence | None
"""What a query yields at one moment: a number (perhaps NaN or infinite), an absence, or None where no series matches."""

POINTS = 10_000
"""Points asked for at once; a server refuses more than 11,000."""

_NEAR = 0.002
"""Seconds that a point may lie beside its moment: the server reckons in milliseconds."""

_DETAIL = 200
_STRANGE = Absence(AbsenceKind.NOT_JSON, "not the answer of a Prometheus server")
_HISTOGRAM = Absence(AbsenceKind.NOT_A_NUMBER, "the query yields a histogram; take a quantile or a count of it")


def instant(server: Endpoint, query: str, at: float) -> Told:
    """What the query yields at `at` (UTC seconds)."""
    data = _data(server, "query", {"query": query, "time": f"{at:.3f}"})
    if isinstance(data, Absence):
        return data
    try:
        kind, result = data["resultType"], data["result"]
        if kind == "scalar":
            return _number(result[1])
        if kind == "vector":
            return _single([_number(series["value"][1]) if "value" in series else _HISTOGRAM for series in result])
    except (KeyError, IndexError, TypeError):
        return _STRANGE
    return Absence(AbsenceKind.NOT_A_NUMBER, f"the query yields a {_short(kind)}, not one number")


def past(server: Endpoint, query: str, start: float, step: float, count: int) -> list[Told]:
    """What the query yielded at each of `count` moments, `start + i * step` in UTC seconds."""
    told: list[Told] = []
    step = max(step, 0.001)  # the finest that a server reckons with
    for first in range(0, count, POINTS):
        told += _part(server, query, start + first * step, step, min(POINTS, count - first))
    return told


def _part(server: Endpoint, query: str, start: float, step: float, count: int) -> list[Told]:
    span = {"start": f"{start:.3f}", "end": f"{start + (count - 1) * step:.3f}", "step": f"{step:.3f}"}
    data = _data(server, "query_range", {"query": query, **span})
    if isinstance(data, Absence):
        return [data] * count
    seen: list[list[Told]] = [[] for _ in range(count)]
    try:
        for at, value in _points(data):
            index = round((at - start) / step)
            if 0 <= index < count and abs(start + index * step - at) <= _NEAR:
                seen[index].append(value)
    except (KeyError, ValueError, TypeError, OverflowError, AttributeError):
        return [_STRANGE] * count
    return [_single(values) for values in seen]


def _points(data: Any) -> Iterator[tuple[float, Told]]:
    """Every point of every series; raise ValueError, KeyError or TypeError for what is no matrix."""
    if data["resultType"] != "matrix":
        raise ValueError("no matrix")
    for series in data["result"]:
        yield from ((at, _number(value)) for at, value in series.get("values", ()))
        yield from ((at, _HISTOGRAM) for at, _ in series.get("histograms", ()))


def _data(server: Endpoint, what: str, parameters: dict[str, str]) -> Any:
    """The `data` of a successful answer, or an absence."""
    answer = server.ask(f"/api/v1/{what}?{urlencode(parameters)}")
    if isinstance(answer, Absence):
        return answer
    try:
        document = loads(answer.body)
    except ValueError:
        document = None
    said = document if isinstance(document, dict) else {}
    if answer.status != 200 or said.get("status") == "error":
        return _refused(answer, said)
    if document is None:
        return Absence(AbsenceKind.NOT_JSON, f"{len(answer.body)} bytes that are no JSON")
    if said.get("warnings"):
        # A server that could not read everything answers with what it has; part of the data is not the data.
        return Absence(AbsenceKind.EMPTY, _short(f"answered with a warning: {said['warnings']}"))
    return said.get("data") if said.get("status") == "success" else _STRANGE


def _refused(answer: Answer, said: dict[str, Any]) -> Absence:
    reason = [str(said[key]) for key in ("errorType", "error") if said.get(key)]
    return Absence(AbsenceKind.HTTP_STATUS, _short(", ".join([f"HTTP {answer.status}", *reason])))


def _single(values: list[Told]) -> Told:
    if len(values) > 1:
        return Absence(AbsenceKind.NOT_A_NUMBER, f"{len(values)} series match; aggregate in the query, such as sum(…)")
    return values[0] if values else None


def _number(written: Any) -> Told:
    """The number of a sample; the API writes it as text, because JSON knows neither NaN nor infinity."""
    if not isinstance(written, str) or not re.fullmatch(r"NaN|[+-]?Inf|[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", written):
        return _STRANGE
    return float(written)


def _short(text: Any) -> str:
    """Foreign text on one line, at most 200 characters."""
    return " ".join(str(text).split())[:_DETAIL]
