"""The sentences of each kind of limit, hold, silence and action."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Ratio, Seconds, parse_quantity
from dhash_guard.report.explain import one_line, sentences

PLAN = WatchPlan(duration=Seconds(600), interval=Seconds(10))
MS = parse_quantity("2000ms")
RELATIVE = {"fail_ratio": 1.5, "baseline": BaselineSource.BEFORE_DEPLOY, "at_least": MS}


def told(*, automatic: bool = True, absent: str = "unknown", source: str = "", **settings: Any) -> str:
    given: dict[str, Any] = {"signal": "p95", "action": Action.ROLLBACK, **settings}
    gate = Gate(**given)
    return "\n".join(sentences(gate, PLAN, automatic=automatic, absent=absent, source=source))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"fail_above": MS}, "Fails when the value is more than 2000 ms; 2000 ms itself passes."),
        ({"fail_below": parse_quantity("70%")}, "Fails when the value is less than 70%; 70% itself passes."),
        ({"fail_from": MS}, "Fails when the value is 2000 ms or more; 2000 ms itself fails."),
        ({"fail_to": MS}, "Fails when the value is 2000 ms or less; 2000 ms itself fails."),
        ({"fail_when": Health.UNHEALTHY}, "Fails when the word is unhealthy."),
        ({"fail_when": Health.WARNING}, "Fails when the word is warning or worse."),
        ({"fail_when": Health.UNHEALTHY}, "A service that does not answer is unhealthy."),
        (
            {"fail_ratio": 1.5, "baseline": BaselineSource.BEFORE_DEPLOY, "at_least": MS},
            "the highest of 1.5 × before and 2000 ms",
        ),
        ({"fail_above": MS, "warn_above": parse_quantity("1s")}, "Warns when the value is above 1000 ms"),
        ({"fail_above": MS, "over": Seconds(60)}, "Fails when the mean of its window is more than 2000 ms"),
        ({"fail_above": MS, "over": Seconds(60)}, "The window must be covered: watched for 1m"),
        ({"fail_above": MS, "over": Seconds(900)}, "the gate is not judged"),
        ({"fail_above": MS, "of_last": (3, 5)}, "A breach is 3 such looks among the last 5."),
        ({"fail_above": MS, "consecutive": 3}, "look 3 triggers"),
        ({"fail_above": MS}, "One such look is a breach."),
        ({"fail_above": MS, "min_samples": 5}, "Says nothing before it has 5 values (events, where"),
        ({"fail_above": MS, "over": Seconds(60), "min_samples": 5}, "before it has 5 values in the window."),
        ({"fail_above": MS, "over": Seconds(60), "aggregate": Aggregate.RATIO, "min_samples": 5}, "5 events in the window"),
        ({"fail_above": MS, "coverage": Ratio(0.5)}, "at least 50% of the watch"),
        ({"fail_above": MS, "consecutive": 3}, "neither counts nor ends a run, and 3 in a row mean"),
        ({"fail_above": MS}, "A look without a value says nothing; until the next value the gate cannot tell."),
        ({"fail_above": MS, "absent": "unhealthy"}, "A look without a value counts as a breach."),
        ({"fail_above": MS}, "is rolled back where that is safe"),
        ({"fail_above": MS, "automatic": False}, "rolling back by itself is off here"),
        ({"fail_above": MS, "action": Action.BLOCK}, "nothing is rolled back"),
        ({"fail_above": MS, "action": Action.ALERT}, "Action alert: a breach is told as a warning and can never change"),
        ({"fail_above": MS, "consecutive": 3}, "seen after at most 30s"),
        ({"fail_above": MS, "source": "the preset default"}, "The limit comes from the preset default."),
    ],
)
def test_a_sentence_for_everything(settings: dict[str, Any], sentence: str) -> None:
    assert sentence in told(**settings)


def test_the_line_of_gates_show_stays() -> None:
    gate = Gate(signal="p95", action=Action.ROLLBACK, fail_above=MS, over=Seconds(60))
    assert one_line("slow", gate, PLAN) == (
        "slow: p95 above 2000 ms, mean over 1m → rollback; a total fault is seen after at most 1m10s"
    )
