"""Who may hold an environment: a table of what stands there, who asks, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from dhash_guard.gates.claim import (
    BY_HAND,
    DEPLOYING,
    SKEW,
    AlreadyConsumed,
    Changed,
    Ended,
    Granted,
    Held,
    Lost,
    claim,
    consume,
    expired,
    free,
    head,
    lives,
    overtaken,
    reconcile,
    release,
    renew,
    take_over,
)
from dhash_guard.records.shared_state import Consumption, Live, SharedState, Unreconciled, content, read
from support.state_stores import NOON, PRODUCTION, claimant

LEASE = 900.0
EMPTY = SharedState(environment=PRODUCTION)
END = NOON + LEASE


def granted(found: Granted | Held) -> Granted:
    assert isinstance(found, Granted)
    return found


def changed(found: object) -> SharedState:
    assert isinstance(found, Changed)
    return found.state


def holding(verb: str = "deploy", name: str = "ada") -> SharedState:
    return granted(claim(EMPTY, claimant(name, verb), NOON, LEASE)).state


def test_a_free_environment_is_claimed() -> None:
    found = granted(claim(EMPTY, claimant("ada"), NOON, LEASE))
    assert (found.fencing, found.displaced) == (1, None)
    assert (found.state.fencing, found.state.sequence) == (1, 1)
    assert found.state.holder == found.holder
    assert (found.holder.owner, found.holder.since, found.holder.until) == ("ada/1", NOON, END)


ASKED: list[tuple[str, str, str, float, Ended, bool]] = [
    # who holds it, what asks, when, what is known to have ended, and whether it is granted
    ("deploy", "claim", "deploy", NOON + 1, Ended(), False),
    ("deploy", "claim", "deploy", END, Ended(), False),
    ("deploy", "claim", "deploy", END + SKEW, Ended(), False),
    ("deploy", "claim", "deploy", END + SKEW + 1, Ended(), True),
    ("deploy", "claim", "rollback", NOON + 1, Ended(), False),
    ("rollback", "claim", "deploy", NOON + 1, Ended(), False),
    ("rollback", "claim", "deploy", END + SKEW + 1, Ended(), True),
    ("deploy", "take over", "rollback", NOON + 1, Ended(), True),
    ("monitor", "take over", "rollback", NOON + 1, Ended(), True),
    (BY_HAND, "take over", "rollback", NOON + 1, Ended(), True),
    ("rollback", "take over", "rollback", NOON + 1, Ended(), False),
    ("rollback", "take over", "rollback", END + SKEW + 1, Ended(), True),
    ("deploy", "claim", "deploy", NOON + 1, Ended(all=True), True),
    ("rollback", "take over", "rollback", NOON + 1, Ended(all=True), True),
    (BY_HAND, "claim", "deploy", NOON + 1, Ended(all=True), False),
    (BY_HAND, "claim", "deploy", END + SKEW + 1, Ended(all=True), True),
    ("deploy", "claim", "deploy", NOON + 1, Ended(tokens=("eve", "ada")), True),
    ("deploy", "claim", "deploy", NOON + 1, Ended(tokens=("eve",)), False),
    ("rollback", "take over", "rollback", NOON + 1, Ended(tokens=("ada",)), True),
    (BY_HAND, "claim", "deploy", NOON + 1, Ended(tokens=("ada",)), False),
]


@pytest.mark.parametrize(("there", "how", "verb", "now", "ended", "given"), ASKED)
def test_who_is_granted_what(there: str, how: str, verb: str, now: float, ended: Ended, given: bool) -> None:
    state = holding(there)
    asked = claim if how == "claim" else take_over
    found = asked(state, claimant("grace", verb), now, LEASE, ended)
    if given:
        assert granted(found).fencing == 2
        assert granted(found).displaced == state.holder, "whose place it took is on the record"
    else:
        assert found == Held(by=state.holder)  # type: ignore[arg-type]


@pytest.mark.parametrize(("there", "given"), [("deploy", False), ("migrate", False), (BY_HAND, True), ("monitor", True)])
def test_a_rollback_that_nobody_ordered_spares_the_next_release(there: str, given: bool) -> None:
    state = holding(there)
    found = take_over(state, claimant("grace", "rollback"), NOON + 1, LEASE, spares=DEPLOYING)
    assert isinstance(found, Granted) is given
    late = take_over(state, claimant("grace", "rollback"), END + SKEW + 1, LEASE, spares=DEPLOYING)
    assert isinstance(late, Granted)


@pytest.mark.parametrize("asked", [claim, take_over])
def test_asking_again_keeps_the_number(asked: Any) -> None:
    state = holding("rollback")
    again = granted(asked(state, claimant("ada", "rollback"), NOON + 60, LEASE))
    assert (again.fencing, again.holder.until, again.displaced) == (1, END + 60, None)


def test_two_jobs_of_one_run_are_two() -> None:
    other = evolve(claimant("ada"), token="another process")
    assert isinstance(claim(holding(), other, NOON + 1, LEASE), Held)


def test_a_deployment_that_goes_back_fences_itself_out() -> None:
    found = granted(take_over(holding("deploy"), claimant("ada", "rollback"), NOON + 1, LEASE))
    assert found.fencing == 2
    assert isinstance(release(found.state, "ada", 1), Lost)


@pytest.mark.parametrize(("token", "fencing", "kept"), [("ada", 1, True), ("ada", 2, False), ("eve", 1, False)])
def test_only_the_own_claim_is_renewed_and_released(token: str, fencing: int, kept: bool) -> None:
    state = holding()
    renewed, released = renew(state, token, fencing, NOON + 300, LEASE), release(state, token, fencing)
    if not kept:
        assert renewed == released == Lost(to=state.holder)
        return
    holder = changed(renewed).holder
    assert holder is not None
    assert holder.until == END + 300
    assert changed(released).holder is None
    assert changed(released).fencing == 1, "a number is never given twice"


def test_a_lease_that_ran_out_and_that_nobody_took_is_still_ones_own() -> None:
    assert isinstance(renew(holding(), "ada", 1, END + 5000, LEASE), Changed)


def test_renewing_never_shortens() -> None:
    assert changed(renew(holding(), "ada", 1, NOON + 10, 1.0)).holder == holding().holder


def test_freeing_counts_up_so_that_whoever_held_it_is_out() -> None:
    state = changed(free(holding()))
    assert (state.holder, state.fencing) == (None, 2)
    assert granted(claim(state, claimant("grace"), NOON, LEASE)).fencing == 3


USE = Consumption(evidence="e" * 64, environment=PRODUCTION, target="", attempt=1, by="1/1 (1)", at=NOON)


def test_evidence_is_used_once() -> None:
    state = changed(consume(EMPTY, USE, 86_400.0))
    assert consume(state, evolve(USE, by="2/1 (2)", at=NOON + 60), 86_400.0) == AlreadyConsumed(use=USE)


def test_another_release_is_no_other_use() -> None:
    state = changed(consume(EMPTY, USE, 86_400.0))
    assert consume(state, evolve(USE, target="v3", by="2/1 (2)"), 86_400.0) == AlreadyConsumed(use=USE)


@pytest.mark.parametrize("field", [{"evidence": "f" * 64}, {"environment": "staging"}, {"attempt": 2}])
def test_each_of_the_three_makes_another_use(field: dict[str, Any]) -> None:
    state = changed(consume(EMPTY, USE, 86_400.0))
    assert len(changed(consume(state, evolve(USE, **field), 86_400.0)).consumed) == 2


def test_old_uses_are_forgotten() -> None:
    state = changed(consume(EMPTY, USE, 100.0))
    other = evolve(USE, evidence="f" * 64)
    assert len(changed(consume(state, evolve(other, at=NOON + 99.9), 100.0)).consumed) == 2
    assert [use.evidence for use in changed(consume(state, evolve(other, at=NOON + 100), 100.0)).consumed] == ["f" * 64]


def test_the_ledgers_head() -> None:
    state = changed(head(EMPTY, "a" * 64, 3))
    assert (state.ledger_head, state.ledger_count, state.sequence) == ("a" * 64, 3, 1)
    assert changed(head(state, "a" * 64, 3)) == state, "what is known already is no change"


LIVE = Live(run="theirs", tag="v2", commit="c" * 40, at=NOON + 600, fencing=5)


@pytest.mark.parametrize(
    ("run", "fencing", "begun_at", "passed"),
    [
        ("ours", 4, NOON, True),
        ("ours", 40, NOON, True),  # counted by another store, or from one again: what is live came later all the same
        ("theirs", 4, NOON, False),
        ("ours", 4, NOON + 600 + SKEW, False),  # counted by another store: what is live was there before
        ("ours", 4, NOON + 600, True),
        ("ours", 5, NOON + 600, False),
        ("ours", 6, NOON + 600 - SKEW, False),
        ("ours", 0, NOON, True),
    ],
)
def test_a_deployment_is_overtaken_by_what_came_later(run: str, fencing: int, begun_at: float, passed: bool) -> None:
    state = changed(lives(EMPTY, LIVE))
    assert overtaken(state, run, fencing, begun_at) == (LIVE if passed else None)
    assert overtaken(EMPTY, run, fencing, begun_at) is None


DONE = Live(run="offline", tag="", commit="", backup="b.zip", at=NOON + 200, fencing=1)
NOTE = Unreconciled(
    environment=PRODUCTION,
    run="offline",
    owner="9",
    actor="ada",
    reason="",
    began_at=NOON + 100,
    ended_at=NOON + 200,
    why="GitHub cannot be reached",
    live=DONE,
    ledger_head="d" * 64,
    ledger_count=7,
)


@pytest.mark.parametrize(("since", "ended", "kept"), [(NOON, NOON + 200, False), (NOON + 201, NOON + 200, True),
                                                      (NOON, None, False), (NOON + 101, None, True)])  # fmt: skip
def test_what_was_done_offline_is_entered(since: float, ended: float | None, kept: bool) -> None:
    state = granted(claim(EMPTY, claimant("ada"), since, LEASE)).state
    entered = changed(reconcile(state, evolve(NOTE, ended_at=ended)))
    assert (entered.fencing, entered.ledger_head, entered.ledger_count) == (2, "d" * 64, 7)
    assert entered.holder == (state.holder if kept else None), "who claimed before it ended is fenced out"
    assert entered.live == evolve(DONE, fencing=2)


def test_what_was_deployed_since_stays_live() -> None:
    assert changed(reconcile(changed(lives(EMPTY, LIVE)), NOTE)).live == LIVE


def test_a_clock_that_differs_costs_nobody_the_lease() -> None:
    holder = holding().holder
    assert holder is not None
    assert not expired(holder, END + SKEW)
    assert expired(holder, END + SKEW + 0.001)


def test_the_record_is_read_as_it_was_written() -> None:
    state = changed(head(changed(consume(changed(lives(holding(), LIVE)), USE, 60.0)), "a" * 64, 1))
    assert read(content(state), PRODUCTION) == state
    assert len(content(EMPTY)) < 250


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Expecting value"),
        (b"[]", "schema version None"),
        (b'{"schema_version": 2}', "schema version 2"),
        (content(EMPTY).replace(b'"sequence"', b'"seqence"'), "no SharedState record"),
        (content(EMPTY).replace(b"production", b"staging"), "'staging'"),
        (b"[" * 100_000, "too deep"),
    ],
)
def test_nothing_else_is_taken_for_a_state(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(data, PRODUCTION)
