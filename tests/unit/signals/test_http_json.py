"""What a JSON answer yields: a number in the house unit, or a typed absence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.records.sample import Absence, AbsenceKind, Counts
from dhash_guard.records.units import Seconds, Unit
from dhash_guard.signals.freshness import moment
from dhash_guard.signals.http_json import HttpJson, ValueMapping
from dhash_guard.signals.path import Missing, find
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.system.http import NoAnswer, Trouble
from unit.signals.canned import NOW, Canned, answer, place


def said(body: Any, mapping: ValueMapping, status: int = 200) -> Any:
    settings = HttpJson(kind="http-json", path="/m", values={"v": mapping})
    return settings.open("service", place(Canned(answer(body, status)))).sample()["v"]


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
        ({"a": {}}, ValueMapping(at="a.rate", unit=Unit.COUNT, absent=AbsentMeans.ZERO), 0.0),
        ({"a": [{}]}, ValueMapping(at="a.0.rate", unit=Unit.COUNT, absent=AbsentMeans.ZERO), 0.0),
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


NESTED = ValueMapping(at="dhash.queue", unit=Unit.COUNT, absent=AbsentMeans.ZERO)


@pytest.mark.parametrize(
    ("at", "body"),
    [
        ("queue", b"[]"),
        ("queue", b"null"),
        ("queue", b"0"),
        ("queue", b'"maintenance"'),
        ("queue", b"true"),
        ("queue", [{}]),
        ("dhash.queue", {"error": "database is down"}),
        ("dhash.queue", {"dhash": None}),
        ("dhash.queue", {"dhash": []}),
        ("dhash.queue", {"dhash": 0}),
        ("dhash.0", {"dhash": []}),
        ("dhash.1.queue", {"dhash": [{}]}),
    ],
)
def test_zero_is_a_missing_key_of_an_object_and_of_nothing_else(at: str, body: Any) -> None:
    value = said(body, ValueMapping(at=at, unit=Unit.COUNT, absent=AbsentMeans.ZERO))
    assert isinstance(value, Absence)
    assert value.kind is AbsenceKind.MISSING_PATH


def test_zero_is_asked_for_only_of_answers_that_say_when_they_were_made() -> None:
    settings = HttpJson(kind="http-json", path="/m", values={"v": NESTED})
    ((where, text),) = settings.faults()
    assert where == ("values", "v", "absent")
    assert text.startswith("zero counts only in a fresh answer; give time_at, where the answer says when it was made,")
    assert evolve(settings, time_at="t", fresh=Seconds(120.0)).faults() == []


def test_an_absence_may_be_declared_unhealthy() -> None:
    value = said({}, ValueMapping(at="rate", unit=Unit.PERCENT, absent=AbsentMeans.UNHEALTHY))
    assert value.unhealthy


def test_more_parts_than_the_whole_is_no_ratio() -> None:
    value = said({"e": 3, "n": 2}, ValueMapping(part_at="e", whole_at="n"))
    assert value.kind is AbsenceKind.OUT_OF_RANGE


def test_the_token_comes_from_the_environment() -> None:
    web = Canned(answer({}))
    settings = HttpJson(kind="http-json", path="/m", values={}, token_env="METRICS_TOKEN")
    settings.open("service", place(web, {"METRICS_TOKEN": "abc"})).sample()
    assert web.headers == {"Authorization": "Bearer abc"}


def test_a_path_that_leads_nowhere_says_how_far_it_came() -> None:
    assert find({"a": {"b": 1}}, "a.c") == Missing("a", only_key=True)
    assert find({"a": {"b": 1}}, "a.c.d") == Missing("a", only_key=False)
    assert find({"a": [1]}, "a.5") == Missing("a", only_key=False)


def iso(at: float, zone: timezone = UTC) -> str:
    return datetime.fromtimestamp(at, zone).isoformat()


def aged(time: Any, **given: Any) -> Any:
    values = {"v": ValueMapping(at="n", unit=Unit.COUNT, **given)}
    settings = HttpJson(kind="http-json", path="/m", values=values, time_at="made.at", fresh=Seconds(120.0))
    return settings.open("service", place(Canned(answer({"made": {"at": time}, "n": 5})))).sample()["v"]


@pytest.mark.parametrize(
    "time",
    [
        iso(NOW),
        iso(NOW - 120),
        iso(NOW + 120),
        iso(NOW, timezone(timedelta(hours=-5))),
        iso(NOW).replace("+00:00", "Z"),
        NOW,
        int(NOW) - 119,
        int(NOW * 1000),
    ],
)
def test_a_fresh_answer_counts(time: Any) -> None:
    assert aged(time) == 5.0


STALE = AbsenceKind.STALE


@pytest.mark.parametrize(
    ("time", "kind", "detail"),
    [
        (NOW - 600, STALE, "answer is 10m old, at most 2m"),
        (iso(NOW - 600), STALE, "answer is 10m old, at most 2m"),
        ((NOW - 600) * 1000, STALE, "answer is 10m old, at most 2m"),
        (NOW + 600, STALE, "answer is 10m in the future, at most 2m"),
        (NOW - 120.25, STALE, "answer is 120.250000s old, at most 2m"),
        (0, STALE, "answer is 19675d22h13m20s old, at most 2m"),
        (None, AbsenceKind.EMPTY, "made.at is null"),
        (iso(NOW)[:19], AbsenceKind.NOT_A_NUMBER, None),
        (iso(NOW)[:10], AbsenceKind.NOT_A_NUMBER, None),
        (str(NOW), AbsenceKind.NOT_A_NUMBER, None),
        ("yesterday", AbsenceKind.NOT_A_NUMBER, None),
        (True, AbsenceKind.NOT_A_NUMBER, None),
        ([], AbsenceKind.NOT_A_NUMBER, None),
        (float("nan"), AbsenceKind.NOT_A_NUMBER, None),
    ],
)
def test_an_old_or_undated_answer_says_nothing(time: Any, kind: AbsenceKind, detail: str | None) -> None:
    for absent in AbsentMeans:  # zero counts only in a fresh answer
        value = aged(time, absent=absent)
        assert isinstance(value, Absence)
        assert value.kind is kind
        assert detail is None or value.detail == detail
        assert value.unhealthy is (absent is AbsentMeans.UNHEALTHY)


def test_an_answer_without_its_time_says_nothing() -> None:
    values = {"v": ValueMapping(at="n", unit=Unit.COUNT)}
    settings = HttpJson(kind="http-json", path="/m", values=values, time_at="at", fresh=Seconds(9.0))
    value = settings.open("service", place(Canned(answer({"n": 5})))).sample()["v"]
    assert value == Absence(AbsenceKind.MISSING_PATH, "no time at at")


def test_no_written_time_raises() -> None:
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "", "2026-W01-1T00:00Z", "24:00Z"):
        assert moment(text) is None or isinstance(moment(text), float)


BOTH: dict[str, Any] = {"part_at": "e", "whole_at": "n"}


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"time_at": "t"}, [("time_at",)]),
        ({"fresh": Seconds(1.0)}, [("fresh",)]),
        ({"time_at": "t", "fresh": Seconds(1.0)}, []),
        ({"url": "http://y"}, [("path",)]),
        ({"path": None}, [("path",)]),
        ({"values": {"v": ValueMapping(**BOTH, counter=True)}}, []),
        ({"values": {"v": ValueMapping(at="a", unit=Unit.COUNT, counter=True)}}, [("values", "v", "counter")]),
        ({"values": {"v": ValueMapping(at="a")}}, [("values", "v", "at")]),
        ({"values": {"v": ValueMapping(at="a", unit=Unit.MS, part_at="e")}}, [("values", "v", "at")]),
        ({"values": {"v": ValueMapping(part_at="e")}}, [("values", "v")]),
        ({"values": {"v": ValueMapping(**BOTH, unit=Unit.MS)}}, [("values", "v", "unit")]),
    ],
)
def test_contradictions(given: dict[str, Any], faults: list[tuple[str, ...]]) -> None:
    settings = HttpJson(**({"kind": "http-json", "path": "/m", "values": {}} | given))
    assert [where for where, _ in settings.faults()] == faults
    assert all(text and not text.endswith(".") for _, text in settings.faults())


def test_which_signals_are_counts() -> None:
    values = {"c": ValueMapping(**BOTH, counter=True), "e": ValueMapping(**BOTH), "n": PERCENT}
    settings = HttpJson(kind="http-json", path="/m", values=values)
    assert settings.counted() == {"c", "e"}
