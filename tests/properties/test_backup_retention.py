"""Whatever is there and whatever the policy: the last good one stays, bad ones change nothing, and twice is once."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.backup.retention import Decision, decide
from dhash_guard.backup.settings import Keep
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.units import Seconds

NOW = 1_800_000_000.0
DAY = 86400.0

_COUNTS = st.none() | st.integers(1, 6)
_SPANS = st.none() | st.integers(0, 400).map(lambda days: Seconds(days * DAY)) | st.just(Seconds(0.0))
POLICIES = st.builds(Keep, last=_COUNTS, daily=_COUNTS, weekly=_COUNTS, monthly=_COUNTS, within=_SPANS, older_than=_SPANS)
_GAPS = st.sampled_from(
    [0.0, 1.0, 3600.0, DAY / 2, DAY, 7 * DAY, 40 * DAY, 370 * DAY, 3652 * DAY, -DAY, -370 * DAY, -3652 * DAY]
)
_WRONG: list[dict[str, Any]] = [
    {"problem": "no readable archive"},
    {"environment": "staging"},
    {"sealed_at": NOW + 3652 * DAY},
    {"sealed_at": -5.0},
]


def _facts(number: int, at: float, **changed: Any) -> BackupFacts:
    plain = BackupFacts(
        name=f"b{number}",
        environment="production",
        purpose=Purpose.BACKUP,
        sequence=number,
        sealed_at=at,
        size=1,
        sha256=f"{number:064x}",
        members=1,
        components=(),
    )
    return evolve(plain, **changed)


@st.composite
def histories(draw: st.DrawFn) -> list[BackupFacts]:
    """Good backups in the order of their sequence, with dates that run, stand, jump and come back."""
    at, found = 1_500_000_000.0, []
    for number, gap in enumerate(draw(st.lists(_GAPS, max_size=14)), start=1):
        at = min(max(at + gap, 1.0), NOW)
        found.append(_facts(number * 10, at))
    return found


def _kept(decisions: tuple[Decision, ...]) -> list[BackupFacts]:
    return [decision.backup for decision in decisions if decision.keep]


@given(history=histories(), keep=POLICIES)
def test_the_last_good_one_stays(history: list[BackupFacts], keep: Keep) -> None:
    decisions = decide(history, "production", keep, NOW)
    assert [decision.backup for decision in decisions] == history
    if history:
        assert history[-1] in _kept(decisions)
    assert all(decision.reasons for decision in decisions)


@given(history=histories(), keep=POLICIES, data=st.data())
def test_a_bad_one_changes_nothing(history: list[BackupFacts], keep: Keep, data: st.DataObject) -> None:
    before = _kept(decide(history, "production", keep, NOW))
    bad = []
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(1, 200).filter(lambda n: n % 10))
        changed: dict[str, Any] = data.draw(st.sampled_from([*_WRONG, {"purpose": Purpose.PRE_ROLLBACK}]))
        bad.append(_facts(number, NOW, **changed))
    after = _kept(decide([*history, *bad], "production", keep, NOW))
    assert [facts for facts in after if facts in history] == before


@given(history=histories(), keep=POLICIES)
def test_twice_is_once(history: list[BackupFacts], keep: Keep) -> None:
    once = _kept(decide(history, "production", keep, NOW))
    assert _kept(decide(once, "production", keep, NOW)) == once


@given(history=histories(), keep=POLICIES, wrong=st.sampled_from([-3652 * DAY, 3652 * DAY, -30 * DAY, 1e10]))
def test_a_clock_that_is_wrong_deletes_nothing_more(history: list[BackupFacts], keep: Keep, wrong: float) -> None:
    with_true_clock = _kept(decide(history, "production", keep, NOW))
    with_wrong_one = _kept(decide(history, "production", keep, NOW + wrong))
    if wrong > 0:
        assert with_wrong_one == with_true_clock
    elif all(facts.sealed_at > NOW + wrong + 300 for facts in history):
        assert with_wrong_one == history
    else:
        assert all(facts in with_wrong_one for facts in history if facts.sealed_at > NOW + wrong + 300)
