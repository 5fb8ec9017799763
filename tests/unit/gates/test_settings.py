"""Every contradiction inside one gate: the key that it is reported at, and the sentence; and what is just allowed."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate, StatisticalTest, WithoutBaseline, faults
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Ratio, Seconds, parse_quantity

ONE_OF = "give exactly one of fail_when, fail_above, fail_below, fail_from, fail_to, fail_ratio"
RELATIVE: dict[str, Any] = {"baseline": BaselineSource.BEFORE_DEPLOY, "fail_ratio": 1.5, "at_least": 1}
TEST = StatisticalTest.SEQUENTIAL
OF_BASELINE = "belongs to a limit relative to a baseline (baseline, fail_ratio)"


def gate(action: Action = Action.ALERT, **settings: Any) -> Gate:
    limits = {
        key: parse_quantity(value)
        for key, value in settings.items()
        if isinstance(value, (int, float)) and key.startswith(("fail_", "warn_", "clear_", "at_"))
        if key not in ("fail_ratio", "clear_after")
    }
    spans = {"over": Seconds(settings["over"])} if "over" in settings else {}
    return Gate(signal="x", action=action, **{**settings, **limits, **spans})


@pytest.mark.parametrize(
    ("wrong", "key", "sentence"),
    [
        (gate(), "signal", f"has no limit; {ONE_OF}"),
        (gate(fail_above=5, fail_below=1), "fail_below", f"has several limits (fail_above, fail_below); {ONE_OF}"),
        (
            gate(fail_above=5, fail_from=5, fail_to=1),
            "fail_to",
            f"has several limits (fail_above, fail_from, fail_to); {ONE_OF}",
        ),
        (gate(fail_above=5, warn_above=3, warn_to=3), "warn_above", "has several warning limits; give one"),
        (
            gate(fail_above=5, warn_above=6),
            "warn_above",
            "6 is not reached before the limit 5, which fails; write a nearer one",
        ),
        (
            gate(fail_above=5, warn_above=5),
            "warn_above",
            "5 is not reached before the limit 5, which fails; write a nearer one",
        ),
        (
            gate(fail_from=5, warn_from=5),
            "warn_from",
            "5 is not reached before the limit 5, which fails; write a nearer one",
        ),
        (
            gate(fail_from=5, warn_above=5),
            "warn_above",
            "5 is not reached before the limit 5, which fails; write a nearer one",
        ),
        (
            gate(fail_below=5, warn_below=4),
            "warn_below",
            "4 is not reached before the limit 5, which fails; write a nearer one",
        ),
        (gate(fail_above=5, warn_below=3), "warn_below", "is on the wrong side of fail_above"),
        (gate(fail_to=5, warn_from=7), "warn_from", "is on the wrong side of fail_to"),
        (gate(**RELATIVE, warn_below=3), "warn_below", "is on the wrong side of fail_ratio"),
        (
            gate(fail_when=Health.UNHEALTHY, warn_above=3),
            "warn_above",
            "is a limit for numbers; of words, one of warning warns by itself",
        ),
        (
            gate(fail_when=Health.UNHEALTHY, clear_below=3),
            "clear_below",
            "is a limit for numbers; an alert of words is taken back by clear_after",
        ),
        (gate(fail_when=Health.UNHEALTHY, confidence=Ratio(0.95)), "confidence", "is for shares of events; a word is none"),
        (gate(fail_when=Health.HEALTHY), "fail_when", "fails when healthy; write unhealthy or warning"),
        (gate(fail_above=5, at_least=1), "at_least", OF_BASELINE),
        (gate(fail_above=5, without_baseline=WithoutBaseline.NOT_JUDGED), "without_baseline", OF_BASELINE),
        (gate(**RELATIVE | {"at_least": None}), "fail_ratio", "a limit relative to a baseline needs at_least as well"),
        (gate(**RELATIVE | {"baseline": None}), "fail_ratio", "a limit relative to a baseline needs baseline as well"),
        (
            gate(**RELATIVE | {"fail_ratio": 1.0}),
            "fail_ratio",
            "1 would fail an unchanged service; write a ratio above 1, such as 1.5",
        ),
        (gate(**RELATIVE, spread=0.0), "spread", "must be more than 0, such as 3"),
        (
            gate(Action.BLOCK, fail_above=5, clear_below=3, clear_after=2),
            "clear_below",
            "takes an alert back; a gate with action: block is never taken back",
        ),
        (gate(fail_above=5, clear_above=3), "clear_above", "is on the wrong side of fail_above"),
        (gate(fail_to=5, clear_below=3), "clear_below", "is on the wrong side of fail_to"),
        (gate(fail_above=5, clear_below=5.5), "clear_below", "5.5 lies beyond the limit 5 itself"),
        (gate(fail_from=5, clear_below=6), "clear_below", "6 lies beyond the limit 5 itself"),
        (gate(fail_below=5, clear_above=4.5), "clear_above", "4.5 lies beyond the limit 5 itself"),
        (gate(fail_above=5, clear_after=0), "clear_after", "must be 1 or more"),
        (gate(fail_above=5, consecutive=2, over=9.0), "over", "has several holds (consecutive, over); give one"),
        (gate(fail_above=5, consecutive=2, of_last=(1, 2)), "of_last", "has several holds (consecutive, of_last); give one"),
        (gate(**RELATIVE, test=TEST, consecutive=2), "test", "is a hold of its own; it takes over, and no aggregate"),
        (gate(**RELATIVE, test=TEST, of_last=(1, 2)), "test", "is a hold of its own; it takes over, and no aggregate"),
        (
            gate(**RELATIVE, test=TEST, over=9.0, aggregate=Aggregate.MEAN),
            "test",
            "is a hold of its own; it takes over, and no aggregate",
        ),
        (
            gate(**RELATIVE, test=TEST, spread=3.0),
            "spread",
            "plays no part in a test, which ranks the values themselves; remove it",
        ),
        (
            gate(**RELATIVE, test=TEST, warn_above=9),
            "warn_above",
            "plays no part in a test, which has but two answers; remove it",
        ),
        (gate(fail_above=5, confidence=Ratio(0.49)), "confidence", "must be at least 50% and less than 100%, such as 95%"),
        (gate(fail_above=5, confidence=Ratio(1.0)), "confidence", "must be at least 50% and less than 100%, such as 95%"),
        (gate(fail_above=5, aggregate=Aggregate.MEAN), "aggregate", "needs a window; give over as well"),
        (
            gate(fail_when=Health.UNHEALTHY, over=9.0),
            "over",
            "health words have no aggregate; use consecutive, or the signal health.success_ratio",
        ),
        (gate(fail_above=5, consecutive=0), "consecutive", "must be 1 or more"),
        (gate(fail_above=5, of_last=(3, 2)), "of_last", "[3, 2] can never be reached; write [M, N] with 1 ≤ M ≤ N"),
        (gate(fail_above=5, of_last=(0, 2)), "of_last", "[0, 2] can never be reached; write [M, N] with 1 ≤ M ≤ N"),
        (gate(fail_above=5, over=0.0), "over", "must be longer than nothing"),
        (gate(fail_above=5, min_samples=0), "min_samples", "must be 1 or more"),
    ],
)
def test_each_contradiction_is_told_once(wrong: Gate, key: str, sentence: str) -> None:
    assert faults(wrong) == [(key, sentence)]


def test_two_limits_to_clear_at_are_one_too_many() -> None:
    assert ("clear_below", "has several limits to clear at; give one") in faults(
        gate(fail_above=5, clear_below=3, clear_above=7)
    )


@pytest.mark.parametrize(
    "right",
    [
        gate(fail_above=5, warn_above=3),
        gate(fail_above=5, warn_from=5),
        gate(fail_below=5, warn_to=5),
        gate(fail_to=5, warn_below=6),
        gate(**RELATIVE, warn_above=3),
        gate(fail_when=Health.UNHEALTHY, clear_after=2),
        gate(fail_above=5, consecutive=1),
        gate(fail_above=5, of_last=(1, 1)),
        gate(fail_above=5, over=0.5),
        gate(fail_above=5, over=9.0, aggregate=Aggregate.P95),
        gate(fail_above=5, min_samples=1),
        gate(fail_above=5, confidence=Ratio(0.5)),
        gate(fail_above=5, clear_below=5),
        gate(fail_from=5, clear_below=4.5),
        gate(fail_to=5, clear_above=5.5, clear_after=1),
        gate(**RELATIVE | {"fail_ratio": 1.01}),
        gate(**RELATIVE, spread=0.1),
        gate(**RELATIVE, without_baseline=WithoutBaseline.CANNOT_TELL),
        gate(**RELATIVE, test=TEST),
        gate(**RELATIVE, test=TEST, over=9.0),
        gate(fail_when=Health.WARNING, of_last=(2, 3)),
    ],
)
def test_what_is_just_allowed_has_no_fault(right: Gate) -> None:
    assert faults(right) == []


def test_a_gate_asks_for_one_sample_and_four_fifths_of_the_watch_unless_said_otherwise() -> None:
    assert (gate(fail_above=5).min_samples, gate(fail_above=5).coverage) == (1, 0.8)
