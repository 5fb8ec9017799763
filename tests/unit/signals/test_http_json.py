"""What a JSON answer yields: a number in the house unit, or a typed absence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dhash_guard.records.sample import Absence, AbsenceKind, Counts
from dhash_guard.records.units import Unit
from dhash_guard.signals.http_json import AbsentMeans, HttpJson, HttpJsonSource, ValueMapping
from dhash_guard.signals.path import Missing, find
from dhash_guard.system.http import Answer, NoAnswer, Trouble


class Canned:
    """Answers every request alike, and remembers the headers."""

    def __init__(self, answer: Answer | NoAnswer) -> None:
        self.answer = answer
        self.headers: Any = None

    def request(
        self, method: str, url: str, *, timeout: float, headers: Any = None, json_body: Any = None
    ) -> Answer | NoAnswer:
        self.headers = headers
        return self.answer


def said(body: Any, mapping: ValueMapping, status: int = 200) -> Any:
    answer = body if isinstance(body, NoAnswer) else _answer(body, status)
    settings = HttpJson(kind="http-json", path="/m", values={"v": mapping})
    return HttpJsonSource(settings, "http://x", Canned(answer), {}).sample()["v"]


def _answer(body: Any, status: int) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={}, body=content, seconds=0.1)


PERCENT = ValueMapping(at="rate", unit=Unit.PERCENT)


@pytest.mark.parametrize(
    ("body", "mapping", "value"),
    [
        ({"rate": 7.63}, PERCENT, 0.0763),
        ({"performance": {"p95": 133.0}}, ValueMapping(at="performance.p95", unit=Unit.MS), 0.133),
        ({"a.b": 3}, ValueMapping(at="a.b", unit=Unit.COUNT), 3.0),
        ({"list": [{"n": 4}]}, ValueMapping(at="list.0.n", unit=Unit.COUNT), 4.0),
        ({"rate": "1.27"}, ValueMapping(at="rate", unit=Unit.PERCENT, text=True), 0.0127),
        ({}, ValueMapping(at="rate", unit=Unit.COUNT, absent=AbsentMeans.ZERO), 0.0),
        ({"e": 3, "n": 200}, ValueMapping(part_at="e", whole_at="n"), Counts(3.0, 200.0)),
    ],
)
def test_values(body: Any, mapping: ValueMapping, value: Any) -> None:
    assert said(body, mapping) == value


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (NoAnswer(Trouble.UNREACHABLE, "refused"), 200, AbsenceKind.UNREACHABLE),
        (NoAnswer(Trouble.TIMEOUT, "5 s"), 200, AbsenceKind.TIMEOUT),
        ({"rate": 1}, 503, AbsenceKind.HTTP_STATUS),
        (b"", 200, AbsenceKind.EMPTY),
        (b"<html>", 200, AbsenceKind.NOT_JSON),
        ({"other": 1}, 200, AbsenceKind.MISSING_PATH),
        ({"rate": None}, 200, AbsenceKind.EMPTY),
        ({"rate": "1.27"}, 200, AbsenceKind.NOT_A_NUMBER),
        ({"rate": True}, 200, AbsenceKind.NOT_A_NUMBER),
        ({"rate": [1]}, 200, AbsenceKind.NOT_A_NUMBER),
        (b'{"rate": NaN}', 200, AbsenceKind.NOT_A_NUMBER),
        (b'{"rate": Infinity}', 200, AbsenceKind.NOT_A_NUMBER),
        ({"rate": 101}, 200, AbsenceKind.OUT_OF_RANGE),
        ({"rate": -0.1}, 200, AbsenceKind.OUT_OF_RANGE),
    ],
)
def test_absences_are_told_apart(body: Any, status: int, kind: AbsenceKind) -> None:
    value = said(body, PERCENT, status)
    assert isinstance(value, Absence)
    assert value.kind is kind


def test_zero_counts_only_for_a_missing_key_in_a_valid_answer() -> None:
    mapping = ValueMapping(at="errors", unit=Unit.COUNT, absent=AbsentMeans.ZERO)
    assert said({"other": 1}, mapping) == 0.0
    for body in (b"", b"{", {"errors": None}, NoAnswer(Trouble.TIMEOUT, "")):
        assert isinstance(said(body, mapping), Absence)


def test_an_absence_may_be_declared_unhealthy() -> None:
    value = said({}, ValueMapping(at="rate", unit=Unit.PERCENT, absent=AbsentMeans.UNHEALTHY))
    assert value.unhealthy


def test_more_parts_than_the_whole_is_no_ratio() -> None:
    value = said({"e": 3, "n": 2}, ValueMapping(part_at="e", whole_at="n"))
    assert value.kind is AbsenceKind.OUT_OF_RANGE


def test_the_token_comes_from_the_environment() -> None:
    web = Canned(Answer(status=200, headers={}, body=b"{}", seconds=0.1))
    settings = HttpJson(kind="http-json", path="/m", values={}, token_env="METRICS_TOKEN")
    HttpJsonSource(settings, "http://x", web, {"METRICS_TOKEN": "abc"}).sample()
    assert web.headers == {"Authorization": "Bearer abc"}


def test_a_path_that_leads_nowhere_says_how_far_it_came() -> None:
    assert find({"a": {"b": 1}}, "a.c") == Missing("a")
    assert find({"a": [1]}, "a.5") == Missing("a")
