"""More of the gate language in the same form: warnings, every aggregate at and beyond its limit, holds and coverage."""

from __future__ import annotations

import pytest

from dhash_guard.gates.settings import BaselineSource, Gate
from dhash_guard.records.outcome import Action, Decision, Status
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Ratio
from support.watching import baseline, judged, plan, watch
from unit.gates.test_rules import gate, window

H, D, C, N = Status.HEALTHY, Status.DEGRADED, Status.CANNOT_TELL, Status.NOT_JUDGED
WITHIN, CROSSED = "within-limit", "limit-crossed"
UNHEALTHY = Health.UNHEALTHY


def loose(**settings: object) -> Gate:
    """A gate that asks for no coverage, so that only its hold speaks."""
    return gate(coverage=Ratio(0.0), **settings)


CASES: list[tuple[str, Gate, str, Status, str]] = [
    # limits in every unit
    ("above in ms: equal passes", gate(fail_above="2000ms"), "2s 2000ms", H, WITHIN),
    ("above in ms: a millisecond more fails", gate(fail_above="2000ms"), "2s 2001ms", D, CROSSED),
    ("from in percent: equal fails", gate(fail_from="5%"), "1% 5%", D, CROSSED),
    ("to in percent: equal fails", gate(fail_to="70%"), "90% 70%", D, CROSSED),
    ("to in percent: more passes", gate(fail_to="70%"), "90% 70.01%", H, WITHIN),
    ("below zero nothing is", gate(fail_below=0), "0 0", H, WITHIN),
    ("to zero: zero fails", gate(fail_to=0), "1 0", D, CROSSED),
    ("above zero: zero passes", gate(fail_above=0), "0 0", H, WITHIN),
    # M of the last N
    ("one of the last one", gate(fail_above=5, of_last=(1, 1)), "1 6", D, CROSSED),
    ("all of the last three", gate(fail_above=5, of_last=(3, 3)), "1 6 6 6", D, CROSSED),
    ("not all of the last three", gate(fail_above=5, of_last=(3, 3)), "6 6 1 6 6", H, WITHIN),
    ("the oldest of N still counts", gate(fail_above=5, of_last=(2, 4)), "6 1 1 6", D, CROSSED),
    ("the one before it does not", gate(fail_above=5, of_last=(2, 4)), "6 1 1 1 6", H, WITHIN),
    ("fewer looks than N suffice for a breach", gate(fail_above=5, of_last=(2, 9)), "6 6", D, CROSSED),
    ("fewer looks than N suffice to pass", gate(fail_above=5, of_last=(2, 9)), "1 1", H, WITHIN),
    ("of_last: equal passes", gate(fail_above=5, of_last=(2, 3)), "5 5 5", H, WITHIN),
    ("of_last: a fired gate stays so", gate(fail_above=5, of_last=(2, 3)), "6 6 9*1", D, CROSSED),
    ("an absence is no breach", gate(fail_above=5, of_last=(2, 3)), "9*1 6 - 1 1", H, WITHIN),
    ("an absence takes a place among N", loose(fail_above=5, of_last=(2, 3)), "9*1 6 - - 6 1", C, "absent-in-window"),
    ("declared unhealthy it is a breach", gate(fail_above=5, of_last=(2, 3)), "1 sick 1 sick", D, CROSSED),
    ("words: two of three", gate(fail_when=UNHEALTHY, of_last=(2, 3)), "ok bad ok bad", D, CROSSED),
    ("words: a warning is none of the two", gate(fail_when=UNHEALTHY, of_last=(2, 3)), "ok bad warn ok", H, WITHIN),
    ("of_last: min_samples", gate(fail_above=5, of_last=(2, 3), min_samples=4), "6 6 6", C, "too-few-samples"),
    ("of_last: from min_samples on", gate(fail_above=5, of_last=(2, 3), min_samples=4), "1 1 6 6", D, CROSSED),
    (
        "of_last: a silent look keeps the denominator",
        loose(fail_above="5%", of_last=(2, 9), min_samples=3),
        "1/2 1/2 1/2 -",
        C,
        "too-few-samples",
    ),
    (
        "of_last: so does one without events",
        loose(fail_above="5%", of_last=(3, 9), min_samples=3),
        "0/9 0/9 0/0 0/9 0/0",
        C,
        "absent-empty",
    ),
    (
        "of_last: and one declared unhealthy",
        gate(fail_above="5%", of_last=(2, 3), min_samples=50),
        "10/100 sick",
        D,
        CROSSED,
    ),
    # consecutive
    ("one more than asked", gate(fail_above=5, consecutive=3), "6 6 6 6", D, CROSSED),
    ("the last look is the third", gate(fail_above=5, consecutive=3), "7*1 6 6 6", D, CROSSED),
    ("two at the end are not three", gate(fail_above=5, consecutive=3), "7*1 6 6", H, WITHIN),
    ("a value at the limit resets", gate(fail_above=5, consecutive=3), "6 6 5 6 6", H, WITHIN),
    ("a warning resets", gate(fail_when=UNHEALTHY, consecutive=2), "ok bad warn bad warn", H, WITHIN),
    ("a warning counts where asked", gate(fail_when=Health.WARNING, consecutive=3), "ok bad warn bad", D, CROSSED),
    ("sick and bad values are one run", gate(fail_above=5, consecutive=3), "1 6 sick 6", D, CROSSED),
    ("one sick look is not two", gate(fail_above=5, consecutive=2), "1 1 sick 1", H, WITHIN),
    ("min_samples hold a breach back", gate(fail_above=5, consecutive=2, min_samples=6), "5*6", C, "too-few-samples"),
    ("and let it through", gate(fail_above=5, consecutive=2, min_samples=6), "6*6", D, CROSSED),
    (
        "consecutive: one declared unhealthy keeps the denominator",
        gate(fail_above="5%", consecutive=2, min_samples=50),
        "10/100 sick",
        D,
        CROSSED,
    ),
    (
        "and does not stand in for it",
        gate(fail_above="5%", consecutive=2, min_samples=3),
        "1/2 1/2 sick",
        C,
        "too-few-samples",
    ),
    ("an absence is no sample", gate(fail_above=5, consecutive=2, min_samples=3), "1 - 1 - 1", H, WITHIN),
    ("two samples and absences", loose(fail_above=5, consecutive=2, min_samples=3), "1 - 1", C, "too-few-samples"),
    # counts
    ("counts: equal passes", gate(fail_above="5%"), "5/100 5/100", H, WITHIN),
    ("counts: one more fails", gate(fail_above="5%"), "5/100 6/100", D, CROSSED),
    ("counts: all of them well", gate(fail_below="100%"), "9/9 9/9", H, WITHIN),
    ("counts: one of them not", gate(fail_below="100%"), "9/9 8/9", D, CROSSED),
    ("counts: nothing at the end", gate(fail_above="5%"), "1/100 1/100 0/0", C, "absent-empty"),
    ("counts: the denominator at min_samples", gate(fail_above="5%", min_samples=10), "1/9 1/10", D, CROSSED),
    ("counts: one below it", gate(fail_above="5%", min_samples=10), "1/9 1/9", C, "too-few-samples"),
    # every aggregate at its limit and just beyond
    ("mean: equal passes", window(3, fail_above=5), "1 4 5 6", H, WITHIN),
    ("mean: more fails", window(3, fail_above=5), "1 4 5 6.01", D, CROSSED),
    ("mean: from: equal fails", window(3, fail_from=5), "1 4 5 6", D, CROSSED),
    ("median: equal passes", window(3, "median", fail_above=5), "1 1 5 9", H, WITHIN),
    ("median: more fails", window(3, "median", fail_above=5), "1 1 5.01 9", D, CROSSED),
    ("p90: equal passes", window(2, "p90", fail_above=9.5), "0 5 10", H, WITHIN),
    ("p90: more fails", window(2, "p90", fail_above=9.49), "0 5 10", D, CROSSED),
    ("p95: equal passes", window(2, "p95", fail_above=9.75), "0 5 10", H, WITHIN),
    ("p95: more fails", window(2, "p95", fail_above=9.74), "0 5 10", D, CROSSED),
    ("p99: equal passes", window(2, "p99", fail_above=9.95), "0 5 10", H, WITHIN),
    ("p99: more fails", window(2, "p99", fail_above=9.94), "0 5 10", D, CROSSED),
    ("max: equal passes", window(3, "max", fail_above=5), "1 5 5 5", H, WITHIN),
    ("max: one more fails", window(3, "max", fail_above=5), "1 5 5.01 5", D, CROSSED),
    ("min: equal passes", window(3, "min", fail_above=5), "1 9 5 9", H, WITHIN),
    ("min: all of them more fails", window(3, "min", fail_above=5), "1 9 5.01 9", D, CROSSED),
    ("last: equal passes", window(3, "last", fail_above=5), "1 9 9 5", H, WITHIN),
    ("last: more fails", window(3, "last", fail_above=5), "1 1 1 5.01", D, CROSSED),
    ("ratio: equal passes", window(3, "ratio", fail_above="5%"), "0/1 0/10 1/20 2/30", H, WITHIN),
    ("ratio: more fails", window(3, "ratio", fail_above="5%"), "0/1 0/10 1/20 3/30", D, CROSSED),
    ("ratio: without events", window(3, "ratio", fail_above="5%"), "4*0/0", C, "window-not-covered"),
    ("ratio: min_samples reached", window(3, "ratio", fail_above="5%", min_samples=60), "0/1 3*0/20", H, WITHIN),
    ("ratio: one event short", window(3, "ratio", fail_above="5%", min_samples=61), "0/1 3*0/20", C, "too-few-samples"),
    ("below: a mean under the limit", window(3, fail_below="70%"), "9/9 60% 70% 79%", D, CROSSED),
    # what belongs to a window
    ("a value as old as the window is out", window(3, "max", fail_above=5), "9 1 1 1", H, WITHIN),
    ("one look younger is in", window(3, "max", fail_above=5), "1 9 1 1", D, CROSSED),
    ("a window as long as the watch", window(4, fail_above=5), "5*1", H, WITHIN),
    ("a window in which every second look is empty", window(4, fail_above=5), "1 - 1 - 1", H, WITHIN),
    ("nothing in a window of two intervals", window(2, fail_above=5), "- - - -", C, "too-few-samples"),
    ("nothing in a longer one", window(3, fail_above=5), "- - - -", C, "window-not-covered"),
    ("a fired window stays so", window(2, fail_above=5), "9 9 9 9*1", D, CROSSED),
    # coverage at its edge: 80 % of the watch, a value counting for two intervals at most
    ("coverage: all of it", gate(fail_above=5, consecutive=9), "11*1", H, WITHIN),
    ("coverage: exactly 80 %", gate(fail_above=5, consecutive=9), "7*1 - - - 1", H, WITHIN),
    ("coverage: one look less", gate(fail_above=5, consecutive=9), "7*1 - - - - 1", C, "low-coverage"),
    ("coverage: two looks less", gate(fail_above=5, consecutive=9), "6*1 - - - - - 1", C, "low-coverage"),
    ("coverage: two holes", gate(fail_above=5, consecutive=9), "1 - - - - 1 1 - - - - 1", C, "low-coverage"),
    ("coverage: no hold needs all of it", gate(fail_above=5, coverage=Ratio(1.0)), "1 1 - - - 1", C, "low-coverage"),
    ("coverage: a breach needs none", gate(fail_above=5, consecutive=2), "- - - - - - - 6 6", D, CROSSED),
]


@pytest.mark.parametrize(
    ("gate", "series", "status", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_rule(gate: Gate, series: str, status: Status, reason: str) -> None:
    verdict, outcome = judged(gate, series)
    assert (outcome.status, outcome.reason_code) == (status, reason), outcome.text
    assert verdict.status is status
    assert verdict.decision is {H: Decision.PROCEED, D: Decision.ROLL_BACK, C: Decision.HOLD}[status]


WARNINGS: list[tuple[str, Gate, str, bool]] = [
    ("above: equal does not warn", gate(fail_above=9, warn_above=3), "3 3", False),
    ("above: more warns", gate(fail_above=9, warn_above=3), "3 3.01", True),
    ("below: equal does not warn", gate(fail_below=1, warn_below=3), "3 3", False),
    ("below: less warns", gate(fail_below=1, warn_below=3), "3 2.99", True),
    ("from: equal warns", gate(fail_above=9, warn_from=3), "1 3", True),
    ("from: less does not", gate(fail_above=9, warn_from=3), "1 2.99", False),
    ("to: equal warns", gate(fail_below=1, warn_to=3), "4 3", True),
    ("to: more does not", gate(fail_below=1, warn_to=3), "4 3.01", False),
    ("a warning is kept though it passed", gate(fail_above=9, warn_above=3), "4 1 1 1", True),
    ("a breach that did not last warns", gate(fail_above=9, consecutive=2), "10 1 10 1", True),
    ("of_last: one breach warns", gate(fail_above=9, of_last=(2, 3)), "10 1 1 1", True),
    ("a window warns by its aggregate", window(2, fail_above=9, warn_above=3), "1 1 6 1", True),
    ("not by one value", window(2, fail_above=9, warn_above=4), "1 1 6 1", False),
    ("a warning word warns", gate(fail_when=UNHEALTHY), "ok warn ok", True),
    ("an absence does not warn", gate(fail_above=9, consecutive=2, warn_above=3), "20*1 - 1", False),
]


@pytest.mark.parametrize(("gate", "series", "warned"), [case[1:] for case in WARNINGS], ids=[case[0] for case in WARNINGS])
def test_a_warning_annotates_and_never_decides(gate: Gate, series: str, warned: bool) -> None:
    verdict, outcome = judged(gate, series)
    assert (verdict.status, verdict.decision) == (H, Decision.PROCEED), verdict.reason
    assert outcome.warned is warned
    assert bool(verdict.warnings) is warned


SHORT = "was beyond its fail limit, but not for long enough to fail"
UNPROVEN = "was beyond its fail limit, but too few events prove it"
LINE = "crossed its warning limit"
TOLD: list[tuple[str, Gate, str, str]] = [
    ("the warning limit", gate(fail_above=9, warn_above=3), "4 1 1", LINE),
    ("a short breach", gate(fail_above=9, consecutive=2), "10 1 10 1", SHORT),
    ("a short breach before its warning limit", gate(fail_above=9, warn_above=3, consecutive=2), "4 10 4 1", SHORT),
    ("one of two of the last three", gate(fail_above=9, of_last=(2, 3)), "10 1 1 1", SHORT),
    ("a bound that proves nothing", gate(fail_above="5%", confidence=Ratio(0.95)), "0/3 1/3", UNPROVEN),
    (
        "nor in a window",
        window(2, "ratio", fail_above="5%", confidence=Ratio(0.95)),
        "0/3 0/3 1/3 0/3",
        UNPROVEN,
    ),
    ("a word", gate(fail_when=UNHEALTHY, consecutive=2), "ok warn ok", "saw a word of warning"),
    (
        "a word for failure",
        gate(fail_when=UNHEALTHY, consecutive=2),
        "ok bad ok",
        "saw its word for failure, but not for long enough to fail",
    ),
    (
        "an alert that is over",
        gate(fail_above=9, warn_above=3, action=Action.ALERT, clear_after=1),
        "4 10 1",
        "alerted at look 1, cleared since",
    ),
]


@pytest.mark.parametrize(("gate", "series", "text"), [case[1:] for case in TOLD], ids=[case[0] for case in TOLD])
def test_a_warning_says_what_it_was(gate: Gate, series: str, text: str) -> None:
    verdict, outcome = judged(gate, series)
    assert outcome.status is H, outcome.text
    assert verdict.warnings == (f"gate {text}",)


@pytest.mark.parametrize(("series", "warnings"), [("10 10", ()), ("4 10 10", (f"gate {LINE}",))])
def test_what_led_to_a_breach_is_no_warning_beside_it(series: str, warnings: tuple[str, ...]) -> None:
    verdict, outcome = judged(gate(fail_above=9, warn_above=3, consecutive=2), series)
    assert (outcome.status, verdict.warnings) == (D, warnings)


KINDS = [
    ("-", gate(fail_above=5), "absent-timeout"),
    ("nan", gate(fail_above=5), "absent-not-a-number"),
    ("0/0", gate(fail_above=5), "absent-empty"),
    ("nan", gate(fail_above=5, consecutive=2), "absent-not-a-number"),
    ("0/0", gate(fail_above=5, consecutive=2), "absent-empty"),
    ("-", gate(fail_when=UNHEALTHY, consecutive=2), "absent-timeout"),
]


@pytest.mark.parametrize(("word", "gate", "reason"), KINDS)
def test_absences_at_the_end_are_named(word: str, gate: Gate, reason: str) -> None:
    before = "ok" if gate.fail_when is not None else "1"
    _, outcome = judged(gate, f"19*{before} {word} {word}")
    assert (outcome.status, outcome.reason_code) == (C, reason), outcome.text
    assert reason.removeprefix("absent-") in outcome.text


SAID: list[tuple[str, Gate, str, str]] = [
    ("one look is enough: no run", gate(fail_above=5), "1 6", "x 6 > 5, n=2"),
    ("a run that has ended is not told", gate(fail_above=5, consecutive=2), "6 1", "x 1 ≤ 5, n=2"),
    ("one that has begun is", gate(fail_above=5, consecutive=3), "1 6", "x 6 > 5, 1 in a row (limit 3), n=2"),
    ("how many absences there were", gate(fail_above=5, consecutive=5), "- -", "x timeout (no answer), 2 in a row"),
    ("those since the last value", gate(fail_above=5, consecutive=2), "- - - 1 - -", "x timeout (no answer), 2 in a row"),
    ("what min_samples lack", gate(fail_above=5, min_samples=3), "1 1", "x n=2, needs 3"),
    ("what they lack among N", gate(fail_above=5, of_last=(1, 4), min_samples=3), "1 1", "x n=2, needs 3"),
    ("strikes among N", gate(fail_above=5, of_last=(2, 4)), "6 1 1", "x 1 ≤ 5, 1 of the last 4 (limit 2)"),
    ("silent looks after few", gate(fail_above=5, of_last=(2, 4)), "1 - -", "x 2 of the last 4 looks had no value"),
    ("silent looks among N", gate(fail_above=5, of_last=(2, 4)), "6 - - 1", "x 2 of the last 4 looks had no value"),
    (
        "a look declared unhealthy",
        gate(fail_above=5, consecutive=2),
        "1 sick",
        "x http-status (HTTP 500), 1 in a row (limit 2), n=2",
    ),
    ("a word", gate(fail_when=UNHEALTHY, consecutive=2), "ok warn", "x warning, n=2"),
]


@pytest.mark.parametrize(("gate", "series", "text"), [case[1:] for case in SAID], ids=[case[0] for case in SAID])
def test_an_outcome_says_what_was_seen(gate: Gate, series: str, text: str) -> None:
    assert judged(gate, series)[1].text == text


NUMBERS: list[tuple[str, Gate, str, tuple[float | None, float | None, float | None, int], str]] = [
    ("a pass", gate(fail_above=5), "1 3", (3.0, 5.0, -2.0, 2), ""),
    ("a breach", gate(fail_above=5), "1 9", (9.0, 5.0, 4.0, 2), "would have passed at 5"),
    ("below", gate(fail_below="70%"), "1 1/2", (0.5, 0.7, -0.2, 2), "would have passed at 70%"),
    ("silence at the end", gate(fail_above=5, consecutive=3), "1 -", (1.0, 5.0, -4.0, 1), ""),
    ("nothing seen", gate(fail_above=5), "- -", (None, 5.0, None, 0), ""),
    ("declared unhealthy", gate(fail_above=5), "1 sick", (None, 5.0, None, 2), "would have passed at 5"),
    ("a word that passes", gate(fail_when=UNHEALTHY), "ok ok", (None, None, None, 2), ""),
    ("a word for failure", gate(fail_when=UNHEALTHY), "ok bad", (None, None, None, 2), ""),
    ("a window", window(2, fail_above=5), "1 9 3", (6.0, 5.0, 1.0, 2), "would have passed at 5"),
    ("too long a window", window(9, fail_above=5), "1 1", (None, 5.0, None, 0), ""),
]


@pytest.mark.parametrize(
    ("gate", "series", "numbers", "counterfactual"), [case[1:] for case in NUMBERS], ids=[case[0] for case in NUMBERS]
)
def test_an_outcome_has_its_arithmetic(
    gate: Gate, series: str, numbers: tuple[float | None, float | None, float | None, int], counterfactual: str
) -> None:
    _, outcome = judged(gate, series)
    observed, limit, margin, samples = numbers
    assert (outcome.observed, outcome.limit, outcome.samples) == (observed, limit, samples)
    assert outcome.margin == (None if margin is None else pytest.approx(margin))
    assert outcome.counterfactual == counterfactual


def test_a_gate_that_never_looked_has_no_numbers() -> None:
    for unseen in (gate(fail_above=5), relative()):
        outcome = watch(unseen).outcomes()[0]
        assert (outcome.status, outcome.samples, outcome.observed, outcome.margin) == (C, 0, None, None)
    assert watch(gate(fail_above=5)).outcomes()[0].reason_code == "no-samples"


def relative(**settings: object) -> Gate:
    return gate(baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=2.0, at_least="50ms", **settings)


RELATIVE: list[tuple[str, Gate, str, float, Status, str]] = [
    ("the ratio: equal passes", relative(), "1ms 200ms", 0.1, H, WITHIN),
    ("the ratio: more fails", relative(), "1ms 201ms", 0.1, D, CROSSED),
    ("where ratio and floor meet: equal passes", relative(), "1ms 100ms", 0.05, H, WITHIN),
    ("where ratio and floor meet: more fails", relative(), "1ms 101ms", 0.05, D, CROSSED),
    ("the floor: equal passes", relative(), "1ms 60ms", 0.01, H, WITHIN),
    ("the floor: more fails", relative(), "1ms 61ms", 0.01, D, CROSSED),
    ("zero before: the floor passes", relative(), "1ms 50ms", 0.0, H, WITHIN),
    ("zero before: more fails", relative(), "1ms 51ms", 0.0, D, CROSSED),
    ("better than before", relative(), "1ms 1ms", 9.0, H, WITHIN),
    ("held for two", relative(consecutive=2), "201ms 1ms 201ms 1ms", 0.1, H, WITHIN),
    ("two of them", relative(consecutive=2), "1ms 201ms 201ms", 0.1, D, CROSSED),
    ("no values", relative(), "- -", 0.1, C, "absent-timeout"),
]


@pytest.mark.parametrize(
    ("gate", "series", "before", "status", "reason"), [case[1:] for case in RELATIVE], ids=[case[0] for case in RELATIVE]
)
def test_relative_to_before(gate: Gate, series: str, before: float, status: Status, reason: str) -> None:
    verdict, outcome = judged(gate, series, before=baseline(x=before))
    assert (outcome.status, outcome.reason_code) == (status, reason), outcome.text
    assert verdict.status is status


BEFORE: list[tuple[str, Gate, str, float, Decision, str]] = [
    ("above, bad before", gate(fail_above=5), "6 6", 5.01, Decision.HOLD, "degraded-before"),
    ("above, at the limit before", gate(fail_above=5), "6 6", 5.0, Decision.ROLL_BACK, CROSSED),
    ("below, bad before", gate(fail_below=5), "4 4", 4.99, Decision.HOLD, "degraded-before"),
    ("below, well before", gate(fail_below=5), "4 4", 5.0, Decision.ROLL_BACK, CROSSED),
    ("from, at the limit before", gate(fail_from=5), "6 6", 5.0, Decision.HOLD, "degraded-before"),
    ("to, at the limit before", gate(fail_to=5), "4 4", 5.0, Decision.HOLD, "degraded-before"),
    ("consecutive", gate(fail_above=5, consecutive=2), "6 6", 7.0, Decision.HOLD, "degraded-before"),
    ("of_last", gate(fail_above=5, of_last=(2, 3)), "6 1 6", 7.0, Decision.HOLD, "degraded-before"),
    ("a window", window(2, fail_above=5), "6 6 6", 7.0, Decision.HOLD, "degraded-before"),
    ("a block holds as ever", gate(fail_above=5, action=Action.BLOCK), "6 6", 1.0, Decision.HOLD, CROSSED),
    ("relative limits know no old fault", relative(), "19 19", 9.0, Decision.ROLL_BACK, CROSSED),
]


@pytest.mark.parametrize(
    ("gate", "series", "before", "decision", "reason"), [case[1:] for case in BEFORE], ids=[case[0] for case in BEFORE]
)
def test_degraded_before(gate: Gate, series: str, before: float, decision: Decision, reason: str) -> None:
    verdict, outcome = judged(gate, series, before=baseline(x=before))
    assert (verdict.status, verdict.decision, outcome.reason_code) == (D, decision, reason), outcome.text


@pytest.mark.parametrize(("before", "decision"), [(1.0, Decision.HOLD), (0.0, Decision.ROLL_BACK)])
def test_a_service_that_was_unhealthy_before(before: float, decision: Decision) -> None:
    verdict, _ = judged(gate(fail_when=UNHEALTHY), "bad bad", before=baseline(health=before))
    assert (verdict.status, verdict.decision) == (D, decision)


@pytest.mark.parametrize(
    ("over", "length", "status", "reason"),
    [(3, 3, H, WITHIN), (4, 3, N, "watch-shorter-than-window"), (60, 3, N, "watch-shorter-than-window")],
)
def test_a_window_longer_than_the_watch_is_not_judged(over: float, length: float, status: Status, reason: str) -> None:
    verdict, outcome = judged(window(over, fail_above=5), "1 1 1 1", plan(length))
    assert (outcome.status, outcome.reason_code) == (status, reason)
    assert verdict.status is (H if status is H else C), "a watch that judged nothing proves nothing"
