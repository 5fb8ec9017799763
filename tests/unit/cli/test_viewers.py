"""What a running watch shows of a gate: missing data as missing, and nothing beside a limit that it is not held against."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.cli.viewers import Screen
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate, StatisticalTest
from dhash_guard.records.deployment import Baseline, Summary
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Tick, Value
from dhash_guard.records.units import Seconds, parse_quantity
from dhash_guard.report.live import LiveRow, LiveView
from support.watching import START, plan, values, watch


def gate(**settings: Any) -> Gate:
    limits = {key: parse_quantity(value) for key, value in settings.items() if key in ("fail_above", "at_least")}
    return Gate(signal="q", action=Action.ALERT, **{**settings, **limits})


def window(how: str, over: float = 4.0) -> Gate:
    return gate(fail_above=60, over=Seconds(over), aggregate=Aggregate(how))


def shown(one: Gate, series: str, *, signal: str = "q", before: Baseline | None = None) -> LiveRow:
    """The row after the last of these looks, a second apart."""
    seen: list[LiveView] = []
    screen = Screen("title", lambda view, changed: seen.append(view), lambda: None)
    told = watch(one, plan(60), before=before)
    for index, value in enumerate(values(series)):
        samples: dict[str, Value] = {signal: value}
        screen.show(told, told.observe(Tick(index, START + index, samples)))
    return seen[-1].rows[0]


@pytest.mark.parametrize("one", [gate(fail_above=60), window("mean"), window("rise")], ids=["bare", "window", "rise"])
def test_a_signal_that_is_not_in_the_log_is_absent_and_no_zero(one: Gate) -> None:
    row = shown(one, "6*1", signal="other")
    assert "0" not in row.value
    assert "empty" in row.value
    assert row.history == (None,) * 6
    assert row.coverage in (None, 0.0)


@pytest.mark.parametrize(
    ("rule", "how", "series", "text"),
    [
        ("a level is shown until the window is covered", "mean", "2*140", "140"),
        ("and then its aggregate", "mean", "5*140", "mean 140"),
        ("a level is no growth", "rise", "2*140", "rise not known yet"),
        ("a rise is", "rise", "140 140 150 160 170", "rise 30"),
        ("nor is it a trend", "trend", "2*140", "trend not known yet"),
        ("an absence stays one", "trend", "140 -", "timeout"),
    ],
)
def test_what_stands_beside_the_limit_of_a_window(rule: str, how: str, series: str, text: str) -> None:
    assert shown(window(how), series).value == text, rule


def test_a_test_has_no_limit_to_be_under() -> None:
    one = gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5, at_least=10, test=StatisticalTest.SEQUENTIAL)
    before = Baseline(taken_at=START, samples=3, health=None, medians={"q": Summary(5.0, 3, (4.0, 5.0, 6.0))})
    assert shown(one, "5 5", before=before).limit == "not surely above 1.5 × before"
