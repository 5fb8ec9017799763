"""Old faults as a table: what the looks before a deployment were, what came after it, and whether that may roll back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dhash_guard.gates.baseline import baseline_of
from dhash_guard.gates.settings import Aggregate, Gate
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.outcome import Action, Decision, Status
from dhash_guard.records.sample import Absence, AbsenceKind, Health, Tick
from dhash_guard.records.units import Ratio, Seconds, parse_quantity
from support.watching import START, baseline, judged, ticks

OLD, NEW = (Decision.HOLD, "degraded-before"), (Decision.ROLL_BACK, "limit-crossed")


def gate(**settings: Any) -> Gate:
    limits = {key: parse_quantity(value) for key, value in settings.items() if key in ("fail_above", "fail_below")}
    return Gate(signal="x", action=Action.ROLLBACK, **{**settings, **limits})


def window(over: float, how: str, **settings: Any) -> Gate:
    return gate(over=Seconds(over), aggregate=Aggregate(how), **settings)


SICK = gate(fail_when=Health.UNHEALTHY, consecutive=3)
CASES: list[tuple[str, Gate, str, str, tuple[Decision, str]]] = [
    # runs
    ("one unhealthy look of ten is no old fault", SICK, "4*ok bad 5*ok", "3*bad", NEW),
    ("nor are two in a row where it takes three", SICK, "4*ok 2*bad 4*ok", "3*bad", NEW),
    ("three in a row are, whatever came after", SICK, "3*bad 7*ok", "3*bad", OLD),
    ("all of two looks are, where there were no more", SICK, "bad bad", "3*bad", OLD),
    ("one of two is not", SICK, "bad ok", "3*bad", NEW),
    ("a single unhealthy look where one is enough", gate(fail_when=Health.UNHEALTHY), "9*ok bad", "bad bad", OLD),
    ("a value beyond the limit where one is enough", gate(fail_above=5), "6 9*1", "6 6", OLD),
    ("an absence neither counts nor resets", gate(fail_above=5, consecutive=2), "6 - 6", "6 6", OLD),
    ("nothing known from before is no old fault", gate(fail_above=5), "- -", "6 6", NEW),
    ("absences declared unhealthy count", gate(fail_above=5, consecutive=2), "sick sick", "6 6", OLD),
    # M of the last N
    ("two of the last three", gate(fail_above=5, of_last=(2, 3)), "6 1 6 1", "6 6", OLD),
    ("two too far apart", gate(fail_above=5, of_last=(2, 3)), "6 1 1 6", "6 6", NEW),
    # windows
    ("a mean beyond the limit", window(4, "mean", fail_above=5), "10*7", "5*7", OLD),
    ("of fewer looks than the window has", window(4, "mean", fail_above=5, min_samples=4), "7 7", "5*7", OLD),
    ("a peak that the mean bears", window(4, "mean", fail_above=5), "3*1 9 6*1", "5*7", NEW),
    ("a peak is one for the highest", window(4, "max", fail_above=5), "3*1 9 6*1", "5*7", OLD),
    ("all of it must be beyond for the least", window(4, "min", fail_above=5), "9*7 1", "5*7", OLD),
    # growth: a level is none
    ("a steady queue has not risen", window(4, "rise", fail_above=100), "10*500", "3*500 2*900", NEW),
    ("nor a low one", window(4, "rise", fail_above=100), "10*50", "3*50 2*450", NEW),
    ("one that rose as fast has", window(4, "rise", fail_above=100), "0 60 120 180 240 300", "3*500 2*900", OLD),
    ("a slow rise over all looks is none of the window", window(3, "rise", fail_above=100),
     " ".join(str(20 * i) for i in range(20)), "3*500 2*900", NEW),
    ("a rise beyond it in less than the window is one", window(4, "rise", fail_above=100), "0 200", "3*500 2*900", OLD),
    ("a single look has no rise", window(4, "rise", fail_above=100), "500", "3*500 2*900", NEW),
    ("a steady queue has no trend", window(4, "trend", fail_above=100), "10*500", "500 700 900 1100 1300", NEW),
    ("one that did not drain has", window(4, "trend", fail_above=100), "0 99 198 300 400", "500 700 900 1100 1300", OLD),
    # counts
    ("too few events are no old fault", gate(fail_above="5%", min_samples=20), "5*1/5", "4/20 4/20", NEW),
    ("enough of them are", gate(fail_above="5%", min_samples=20), "5*4/20", "4/20 4/20", OLD),
    ("what is not surely beyond is none", gate(fail_above="5%", confidence=Ratio(0.95)), "0/3 1/3", "12/100 12/100", NEW),
    ("what is surely beyond is one", gate(fail_above="5%", confidence=Ratio(0.95)), "0/3 12/100", "12/100 12/100", OLD),
    ("the events of all looks", window(4, "ratio", fail_above="5%", min_samples=20), "5*2/10", "5*4/20", OLD),
]  # fmt: skip


@pytest.mark.parametrize(("one", "before", "after", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_whether_a_fault_is_an_old_one(one: Gate, before: str, after: str, told: tuple[Decision, str]) -> None:
    verdict, outcome = judged(one, after, before=read_back(baseline_of(ticks(before), START - 60)))
    assert verdict.status is Status.DEGRADED, outcome.text
    assert (verdict.decision, outcome.reason_code) == told, outcome.text


def read_back(snapshot: Baseline) -> Baseline:
    """What a later command finds in the deployment's record."""
    return from_data(Baseline, json.loads(canonical(to_data(snapshot))))


@pytest.mark.parametrize("how", ["rise", "trend"])
def test_an_older_record_without_looks_knows_no_old_growth(how: str) -> None:
    _, outcome = judged(window(4, how, fail_above=100), "500 700 900 1100 1300", before=baseline(x=500.0))
    assert outcome.reason_code == "limit-crossed"


def test_an_older_record_is_written_again_as_it_was() -> None:
    older = {"taken_at": START, "samples": 3, "health": "unhealthy", "medians": {}}
    assert to_data(from_data(Baseline, older)) == older


def test_slow_looks_are_as_good_as_quick_ones() -> None:
    slow = baseline_of([Tick(i, START - 100 + 9 * i, {"x": 7.0}) for i in range(10)], START)
    _, outcome = judged(window(4, "mean", fail_above=5), "5*7", before=slow)
    assert outcome.reason_code == "degraded-before"


def test_what_an_absence_said_is_not_kept() -> None:
    said = Absence(AbsenceKind.HTTP_STATUS, "token abc was refused", unhealthy=True)
    (look,) = baseline_of([Tick(0, START, {"x": said, "y": 1.0})], START).looks
    assert look.samples == {"x": Absence(AbsenceKind.HTTP_STATUS, unhealthy=True), "y": 1.0}


def test_looks_that_are_none_make_no_record() -> None:
    broken: dict[str, Any] = {"taken_at": START, "samples": 3, "health": None, "medians": {}, "looks": [{"tick": "one"}]}
    with pytest.raises(ValueError, match="no Baseline record"):
        from_data(Baseline, broken)
