"""The rules of the comment that legs share: whose turn it is, who may write, and what a late one must not undo."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.github.comment import Outcome
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.legs import merged
from dhash_guard.rollout.closing import close_comments
from dhash_guard.rollout.comment import CLOSED, FRAME, SLOT, SUPERSEDED, until_turn
from support.legs import NEWER, Matrix, leg

FAILED = StageStatus.FAILED


@given(st.floats(0, 4e9), st.integers(2, 300), st.data())
def test_turns_do_not_overlap_and_come_soon(now: float, count: int, data: st.DataObject) -> None:
    names = [f"system-{n}" for n in range(count)]
    one, other = data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
    slot = min(SLOT, FRAME / count)
    waits = [until_turn(now, name, names, at_least=1.5) for name in (one, other)]
    assert all(1.5 <= wait <= 1.5 + slot * count + 1e-3 for wait in waits)
    apart = abs(waits[0] - waits[1])
    assert min(apart, abs(slot * count - apart)) >= slot - 1e-3


def test_a_leg_alone_waits_for_nobody() -> None:
    matrix = Matrix.of(1, latency=lambda rng, method, path: (0.0, 0.0))
    begun = matrix.schedule.at
    matrix.all()
    assert matrix.schedule.at == begun
    assert matrix.asked["system-00"] == 4


def test_a_leg_of_an_older_commit_writes_nothing() -> None:
    matrix = Matrix.of(head_sha=NEWER).all()
    assert matrix.comments == []
    assert {told.notes for told in matrix.told.values()} == {(SUPERSEDED,)}
    assert {*matrix.asked.values()} == {1}


@pytest.mark.parametrize("merged_too", [False, True])
def test_a_leg_of_a_closed_pull_request_writes_nothing(merged_too: bool) -> None:
    matrix = Matrix.of(state="closed", merged=merged_too).all()
    assert matrix.comments == []
    assert {told.notes for told in matrix.told.values()} == {(CLOSED,)}


def test_a_token_that_may_not_write_defers() -> None:
    matrix = Matrix.of()
    matrix.token = "t-read"  # a name that the simulator knows
    matrix.run(matrix.writing(leg("system-00"), is_fork=True))
    assert matrix.told["system-00"].outcome is Outcome.DEFERRED
    assert matrix.comments == []


@pytest.mark.parametrize(
    "late", [{"attempt": 1}, {"run": "4241", "attempt": 9}, {"run": "", "attempt": 0}], ids=["attempt", "run", "nowhere"]
)
def test_an_older_attempt_that_comes_late_does_not_beat_the_newer(late: dict[str, Any]) -> None:
    matrix = Matrix.of()
    matrix.run(matrix.writing(leg("system-00", attempt=2)))
    before, writes = matrix.comments, matrix.writes
    matrix.run(matrix.writing(leg("system-00", FAILED, **late)))
    assert (matrix.comments, matrix.writes) == (before, writes)
    matrix.run(matrix.writing(leg("system-00", FAILED, attempt=3)))
    assert "❌ Not ready" in matrix.comments[0].body, "a newer one does"


def test_a_push_while_a_leg_waits_to_look_again_ends_it() -> None:
    matrix = Matrix.of(2)

    def push() -> None:
        """A newer commit, whose leg is done before the older one looks whether its data stayed."""
        matrix.sim.change_pull_request(7, head_sha=NEWER)
        matrix.writing(leg("system-00", commit=NEWER, head=NEWER), name="newer", sha=NEWER)()

    old = matrix.writing(leg("system-01"))
    matrix.schedule.run([(0.0, old), (1.9, push)])
    assert matrix.told["system-01"].notes == (SUPERSEDED,)
    assert matrix.missing(NEWER) == {"system-01"}, "the newer commit's leg still stands"


def test_an_older_leg_that_wrote_late_is_written_over() -> None:
    """It was held up; the newer commit's legs look again, find it, ask which commit is true, and write theirs back."""
    matrix, older = Matrix.of(2), Matrix.of(2).all().comments[0].body

    def held_up() -> None:
        matrix.sim.edit_comment(matrix.comments[0].id, older)

    newer = matrix.writing(leg("system-01", commit=NEWER, head=NEWER), sha=NEWER)
    matrix.sim.change_pull_request(7, head_sha=NEWER)
    matrix.schedule.run([(0.0, newer), (2.0, held_up)])
    assert matrix.missing(NEWER) == {"system-00"}


def test_what_the_gate_knows_replaces_what_a_leg_says_of_itself() -> None:
    matrix = Matrix.of(2).all()
    judged = evolve(leg("system-00"), result="no-go", exit_code=1)
    matrix.run(matrix.writing(judged, leg("system-01"), name="gate"))
    assert "❌ Not ready" in matrix.comments[0].body
    assert set(merged([matrix.comments[0].body], leg("x"))) == {*matrix.names, "x"}


def test_a_stranger_with_the_right_to_write_proves_no_box() -> None:
    matrix = Matrix.of(1)
    matrix.run(matrix.writing(leg("system-00"), is_fork=True))
    assert "- [x]" not in matrix.comments[0].body


def closing(matrix: Matrix) -> None:
    outcome = close_comments(matrix.machine, matrix.api(matrix.context()), 7)
    assert not isinstance(outcome, str)


def test_a_closed_comment_is_final_until_the_pull_request_is_opened_again() -> None:
    matrix = Matrix.of(2).all()
    matrix.sim.change_pull_request(7, state="closed", merged=True)
    matrix.run(lambda: closing(matrix))
    (final,) = matrix.comments
    assert final.body.split("\n")[1].startswith("**Merged** at `aaaaaaa`: this is what the rehearsal said last.")
    assert matrix.missing() == set(), "what the legs said stays"
    writes = matrix.writes
    matrix.run(lambda: closing(matrix))
    matrix.run(matrix.writing(leg("system-00", FAILED, attempt=2)))
    assert (matrix.comments, matrix.writes) == ([final], writes), "said once, and no leg writes"
    matrix.sim.change_pull_request(7, state="open", merged=False)
    matrix.run(matrix.writing(leg("system-00", FAILED, attempt=2)))
    (live,) = matrix.comments
    assert "Merged" not in live.body
    assert "❌ Not ready" in live.body


def test_a_leg_that_writes_while_it_is_closed_takes_nothing_away() -> None:
    """It has read an open pull request; the word of the end comes back a moment later."""
    matrix = Matrix.of(2, latency=lambda rng, method, path: (0.9 if method == "PATCH" else 0.1, 0.1))
    matrix.run(matrix.writing(leg("system-00")))

    def close() -> None:
        matrix.sim.change_pull_request(7, state="closed")
        closing(matrix)

    matrix.schedule.run([(0.0, matrix.writing(leg("system-01"))), (0.5, close), (2.5, close)])
    assert "**Closed without a merge** at `aaaaaaa`" in matrix.comments[0].body
    assert len(matrix.comments) == 1


def test_only_our_comments_of_a_rehearsal_are_closed() -> None:
    matrix = Matrix.of(2).all()
    (ours,) = matrix.comments
    pasted = matrix.sim.add_comment(7, ours.body, author="mallory")
    other = matrix.sim.add_comment(7, "<!-- dhash-guard:v1:deploy:production -->\ndone")
    matrix.sim.change_pull_request(7, state="closed")
    matrix.run(lambda: closing(matrix))
    there = {one.id: one.body for one in matrix.comments}
    assert there[pasted.id] == pasted.body
    assert there[other.id] == other.body
    assert "Closed without a merge" in there[ours.id]
