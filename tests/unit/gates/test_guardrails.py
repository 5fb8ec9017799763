"""Gates that could never do what they promise are found at load, with the arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.guardrails import problems, worst_case
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Dimension, Seconds, parse_quantity

SIGNALS = {"x": Dimension.TIME, "rate": Dimension.RATIO, "health": None}
PLAN = WatchPlan(duration=Seconds(600), interval=Seconds(30))


def gate(signal: str = "x", **settings: Any) -> Gate:
    settings = {
        key: parse_quantity(value) if key.startswith(("fail_a", "fail_b", "warn", "at")) else value
        for key, value in settings.items()
    }
    return Gate(signal=signal, action=Action.ROLLBACK, **settings)


WRONG = [
    (gate(), "has no limit"),
    (gate(fail_above="1s", fail_below="2s"), "several limits"),
    (gate(fail_above="1s", warn_above="1s", warn_from="1s"), "several warning limits"),
    (gate("health", fail_when=Health.HEALTHY), "fails when healthy"),
    (gate("rate", fail_above="5s"), "is a time, but rate is a ratio"),
    (gate(fail_above=5), "is a count, but x is a time"),
    (gate("health", fail_above=5), "is a word"),
    (gate(fail_when=Health.UNHEALTHY), "is a number"),
    (gate(fail_above="1s", consecutive=3, over=Seconds(60)), "several holds"),
    (gate(fail_above="1s", aggregate=Aggregate.MEAN), "needs a window"),
    (gate("health", fail_when=Health.UNHEALTHY, over=Seconds(60)), "no aggregate"),
    (gate(fail_above="1s", consecutive=0), "1 or more"),
    (gate(fail_above="1s", of_last=(4, 3)), "never be reached"),
    (gate(fail_above="1s", min_samples=0), "1 or more"),
    (gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.5), "needs at_least"),
    (gate(fail_ratio=1.5, at_least="1ms"), "needs baseline"),
    (gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.0, at_least="1ms"), "unchanged service"),
    (gate(fail_above="1s", at_least="1ms"), "belongs to"),
    (gate(fail_above="1s", consecutive=50), "needs 50 looks, but 10m has 21"),
    (gate(fail_above="1s", over=Seconds(3600)), "1h is longer than the watch (10m)"),
    (gate(fail_above="1s", over=Seconds(10)), "shorter than the distance of looks"),
    (gate(fail_above="1s", over=Seconds(0)), "longer than nothing"),
]


@pytest.mark.parametrize(("wrong", "text"), WRONG, ids=[text for _, text in WRONG])
def test_each_is_refused_with_its_reason(wrong: Gate, text: str) -> None:
    found = problems({"g": wrong}, PLAN, SIGNALS)
    assert any(text in sentence for _, sentence in found), found
    assert all(path[:2] == ("gates", "g") for path, _ in found)


def test_a_shortened_watch_may_be_shorter_than_a_window() -> None:
    long = gate(fail_above="1s", over=Seconds(3600))
    assert problems({"g": long}, PLAN, SIGNALS, shortened=True) == []


def test_a_right_gate_has_no_problems() -> None:
    assert problems({"g": gate(fail_above="1s", over=Seconds(120), aggregate=Aggregate.P95)}, PLAN, SIGNALS) == []


def test_worst_case_detection() -> None:
    assert worst_case(gate(fail_above="1s", consecutive=3), PLAN) == 90
    assert worst_case(gate(fail_above="1s", over=Seconds(120)), PLAN) == 150
