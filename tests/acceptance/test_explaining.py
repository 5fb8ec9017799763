"""What `gates explain` and `gates show` say of each setting of a gate, through the installed program."""

from __future__ import annotations

from typing import Any

import pytest

from support.project import Project

RELATIVE = {
    "signal": "health.latency",
    "baseline": "before-deploy",
    "fail_ratio": 1.25,
    "at_least": "20ms",
    "action": "rollback",
}
TEST = {**RELATIVE, "test": "sequential"}
SHARE = {"signal": "health.success_ratio", "fail_below": "70%", "confidence": "95%", "action": "rollback"}
ALERT = {"signal": "p95", "fail_above": "2000ms", "action": "alert"}
CALM = {**ALERT, "over": "5m", "aggregate": "min", "clear_below": "1500ms"}


def of(project: Project, **gate: Any) -> tuple[list[str], str]:
    """The sentences and the line of one gate in a watch of 61 looks."""
    project.environment["monitor"] = {"duration": "10m", "interval": "10s", "baseline": 10}
    project.environment["gates"] = {"one": gate}
    project.write()
    explained, shown = project.guard("gates", "explain", "--json"), project.guard("gates", "show")
    assert (explained.code, shown.code) == (0, 0), explained.err + shown.err
    sentences: list[str] = explained.json[0]["sentences"]
    return sentences, shown.out.strip()


SAID: list[tuple[dict[str, Any], list[str]]] = [
    (
        {**RELATIVE, "spread": 2.5, "of_last": [6, 8], "without_baseline": "not-judged"},
        [
            "Fails when the value is more than the highest of 1.25 × before, 20 ms more and 2.5 deviations above it;",
            "A deviation is the spread of those looks (robust, on the log scale): what swings anyway does not fail for",
            "Without a baseline or with fewer than 8 values from before it is not judged: a warning says so,",
        ],
    ),
    (
        RELATIVE,
        [
            "What was before is the median of the looks before the deployment, for counts the share of all their",
            "Without a baseline it cannot tell.",
        ],
    ),
    (
        SHARE,
        [
            "A breach must be 95% sure: the exact bound of the ratio must cross the limit; where only the bare ratio",
            "A total fault is seen the later, the longer all was well",
        ],
    ),
    (
        {**TEST, "over": "2m", "confidence": "99.9%"},
        [
            "Fails when the values of the last 2m are surely higher than those from before, even with each of these at 1.25",
            "In the place of a hold stands a sequential test against before, 99.9% sure: the chance of no false alarm",
            "spent over at most 60 planned looks, where values do not depend on their neighbours.",
            "A look without a value says nothing; only what was read is compared.",
        ],
    ),
    (TEST, ["Fails when the newest values are surely higher", "times itself and no less than 20 ms more."]),
    (
        {**CALM, "clear_after": 3},
        ["The alert is over when the min of its window was below 1500 ms for 3 looks in a row, and"],
    ),
    (CALM, ["The alert is over when the min of its window was below 1500 ms for 1 look, and can then be raised again."]),
    ({**ALERT, "clear_after": 2}, ["The alert is over when the value was within the limit for 2 looks in a row, and can"]),
]


@pytest.mark.parametrize(("gate", "said"), SAID)
def test_each_setting_has_its_sentence(project: Project, gate: dict[str, Any], said: list[str]) -> None:
    told = "\n".join(of(project, **gate)[0])
    for words in said:
        assert words in told


@pytest.mark.parametrize(
    ("gate", "limit", "rest"),
    [
        (
            {**RELATIVE, "spread": 2.5, "of_last": [6, 8], "without_baseline": "not-judged"},
            "health.latency above the highest of 1.25 × before, 20 ms more and 2.5 deviations above it, 6 of the last 8 →",
            "→ rollback; not judged without a baseline; a total fault is seen after at most 1m",
        ),
        (RELATIVE, "highest of 1.25 × before and 20 ms more, at once →", "→ rollback; cannot tell without a baseline; a"),
        (SHARE, "health.success_ratio below 70%, breach 95% sure, at once →", "→ rollback; a total fault is seen the later"),
        (TEST, "20 ms more, sequential test against before, 99% sure →", "→ rollback; cannot tell without a baseline; a"),
        (
            {**CALM, "clear_after": 3},
            "p95 above 2000 ms, min over 5m, clears below 1500 ms for 3 looks →",
            "→ alert; a total",
        ),
    ],
)
def test_the_line_says_them_in_a_few_words(project: Project, gate: dict[str, Any], limit: str, rest: str) -> None:
    shown = of(project, **gate)[1]
    assert limit in shown
    assert rest in shown


def test_a_test_is_no_window(project: Project) -> None:
    sentences, _ = of(project, **TEST, over="2m")
    assert not [sentence for sentence in sentences if "window" in sentence or "such look" in sentence]


def test_what_takes_no_alert_back_is_not_said_to(project: Project) -> None:
    sentences, shown = of(project, **ALERT)
    assert not [sentence for sentence in sentences if "is over when" in sentence]
    assert "clears" not in shown
