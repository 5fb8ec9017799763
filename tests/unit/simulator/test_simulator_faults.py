"""Every kind of misfortune, met by exactly the requests that it was meant for."""

from __future__ import annotations

import time

import pytest
import requests

from dhash_guard.simulator import Fault, FaultKind, Simulator
from dhash_guard.simulator.faults import Faults
from unit.simulator.asking import START, Ask

COMMENT = {"body": "hello"}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_status_is_answered_and_nothing_happens(sim: Simulator, ask: Ask, status: int) -> None:
    sim.fault("status", method="POST", path="*/comments", status=status, times=2)
    assert [ask("POST", "issues/7/comments", COMMENT).status_code for _ in range(3)] == [status, status, 201]
    assert len(sim.comments(7)) == 1
    assert [entry.fault for entry in sim.log] == ["status", "status", ""]


def test_a_lost_answer_leaves_its_effect(sim: Simulator, ask: Ask) -> None:
    sim.fault("lost-answer", method="POST", status=502)
    assert ask("POST", "issues/7/comments", COMMENT).status_code == 502
    assert ask.bodies() == ["hello"]


def test_a_refusal_is_not_hidden_by_a_lost_answer(sim: Simulator, ask: Ask) -> None:
    sim.fault("lost-answer", method="POST", status=502)
    assert ask("POST", "issues/7/comments", COMMENT, token="t-read").status_code == 403


def test_too_many_requests_with_and_without_a_hint(sim: Simulator, ask: Ask) -> None:
    sim.fault("too-many", retry_after=7)
    sim.fault("too-many")
    hinted, plain = ask("GET", "pulls/7"), ask("GET", "pulls/7")
    assert (hinted.status_code, hinted.headers["Retry-After"]) == (429, "7")
    assert (plain.status_code, plain.headers.get("Retry-After")) == (429, None)


def test_the_primary_limit_says_when_it_ends(sim: Simulator, ask: Ask) -> None:
    sim.fault("primary-limit", retry_after=90)
    reply = ask("GET", "pulls/7")
    assert reply.status_code == 403
    assert "API rate limit exceeded" in reply.json()["message"]
    assert reply.headers["X-RateLimit-Remaining"] == "0"
    assert int(reply.headers["X-RateLimit-Reset"]) == START + 90


@pytest.mark.parametrize("hint", [None, 60])
def test_the_secondary_limit_has_its_own_words(sim: Simulator, ask: Ask, hint: int | None) -> None:
    sim.fault("secondary-limit", retry_after=hint)
    reply = ask("POST", "issues/7/comments", COMMENT)
    assert reply.status_code == 403
    assert "secondary rate limit" in reply.json()["message"]
    assert reply.headers.get("Retry-After") == (None if hint is None else "60")
    assert sim.comments(7) == []


def test_a_timeout_gives_no_answer_at_all(sim: Simulator) -> None:
    sim.fault("timeout", seconds=5)
    began = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{sim.url}/rate_limit", timeout=0.2)
    assert time.monotonic() - began < 2
    assert sim.log[0].status is None


def test_a_timeout_does_not_hold_up_the_end() -> None:
    began = time.monotonic()
    with Simulator().serving() as sim:
        sim.fault("timeout", seconds=30)
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{sim.url}/rate_limit", timeout=0.1)
    assert time.monotonic() - began < 3


def test_a_short_timeout_ends_in_a_closed_connection(sim: Simulator, ask: Ask) -> None:
    sim.fault("timeout", seconds=0.05)
    with pytest.raises(requests.ConnectionError):
        ask("GET", "pulls/7")


def test_a_truncated_answer_has_taken_effect(sim: Simulator, ask: Ask) -> None:
    sim.fault("truncated", method="POST")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        ask("POST", "issues/7/comments", COMMENT)
    assert len(sim.comments(7)) == 1


def test_a_reset_has_not(sim: Simulator, ask: Ask) -> None:
    sim.fault("reset", method="POST")
    with pytest.raises(requests.ConnectionError, match=r"(?i)reset|abort"):
        ask("POST", "issues/7/comments", COMMENT)
    assert sim.comments(7) == []
    assert ask("POST", "issues/7/comments", COMMENT).status_code == 201


def test_a_created_comment_appears_only_after_some_reads(sim: Simulator, ask: Ask) -> None:
    sim.fault("lag", method="POST", path="*/comments", reads=2)
    made = ask("POST", "issues/7/comments", COMMENT).json()
    assert ask("GET", f"issues/comments/{made['id']}").status_code == 200
    assert [ask.bodies() for _ in range(3)] == [[], [], ["hello"]]


def test_an_edit_and_a_deletion_are_late_too(sim: Simulator, ask: Ask) -> None:
    first, second = sim.add_comment(7, "one"), sim.add_comment(7, "two")
    sim.fault("lag", method="PATCH", reads=1)
    sim.fault("lag", method="DELETE", reads=2)
    ask("PATCH", f"issues/comments/{first.id}", {"body": "ONE"})
    ask("DELETE", f"issues/comments/{second.id}")
    assert [ask.bodies() for _ in range(3)] == [["one", "two"], ["ONE", "two"], ["ONE"]]


def test_of_several_late_writes_the_oldest_state_is_seen(sim: Simulator, ask: Ask) -> None:
    sim.fault("lag", method="*", path="*/comments*", reads=1, times=2)
    made = ask("POST", "issues/7/comments", COMMENT).json()
    ask("PATCH", f"issues/comments/{made['id']}", {"body": "edited"})
    assert [ask.bodies() for _ in range(2)] == [[], ["edited"]]


def test_a_lost_answer_may_be_late_as_well(sim: Simulator, ask: Ask) -> None:
    sim.fault("lost-answer", method="POST", reads=1)
    assert ask("POST", "issues/7/comments", COMMENT).status_code == 502
    assert [ask.bodies() for _ in range(2)] == [[], ["hello"]]


def test_a_list_may_come_in_the_other_order(sim: Simulator, ask: Ask) -> None:
    sim.add_comment(7, "one")
    sim.add_comment(7, "two")
    sim.fault("reorder", method="GET")
    assert [ask.bodies() for _ in range(2)] == [["two", "one"], ["one", "two"]]


def test_faults_choose_by_method_path_and_count(sim: Simulator, ask: Ask) -> None:
    sim.fault("status", method="GET", path="*/pulls/7", skip=1, times=1, status=500)
    asked = ["pulls/7", "pulls", "pulls/7", "pulls/7"]
    assert [ask("GET", path).status_code for path in asked] == [200, 200, 500, 200]


def test_a_share_hits_the_same_requests_every_time() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults([Fault(kind=FaultKind.STATUS, times=0, share=0.3, seed=seed)])
        return [faults.strike("GET", "/x") is not None for _ in range(200)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 40 <= sum(hits(1)) <= 80
