"""Jobs that wait before an environment: who may answer for its rule, what that ends, and how many reports there may be."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from unit.simulator.asking import Ask

PATH = "actions/runs/50/"


@pytest.fixture
def waiting(sim: Simulator) -> Simulator:
    sim.add_run(id=50, status="waiting", conclusion=None)
    sim.add_pending(50)
    return sim


def answered(ask: Ask, token: str = "t-app", **body: Any) -> int:
    return ask(
        "POST", PATH + "deployment_protection_rule", {"environment_name": "production", **body}, token=token
    ).status_code


def names(ask: Ask) -> list[str]:
    return [one["environment"]["name"] for one in ask("GET", PATH + "pending_deployments").json()]


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_an_answer_ends_the_waiting_and_stands_in_the_history(waiting: Simulator, ask: Ask, state: str) -> None:
    assert names(ask) == ["production"]
    assert answered(ask, state=state, comment="why") == 204
    assert names(ask) == []
    (review,) = ask("GET", PATH + "approvals").json()
    assert (review["state"], review["comment"], review["user"]["login"]) == (state, "why", "dhash-guard-app[bot]")
    assert answered(ask, state=state) == 422, "nobody waits any more"


def test_an_approval_leaves_what_people_and_timers_have_to_say(sim: Simulator, ask: Ask) -> None:
    sim.add_run(id=50)
    sim.add_pending(50, reviewers=("ada",))
    assert answered(ask, state="approved") == 204
    assert names(ask) == ["production"]


def test_only_the_app_whose_rule_it_is_may_answer(waiting: Simulator, ask: Ask) -> None:
    for token in ("t-write", "t-user", "t-admin", "t-read"):
        assert answered(ask, token, state="approved") == 403
    assert names(ask) == ["production"]


def test_reports_decide_nothing_and_ten_are_the_most(waiting: Simulator, ask: Ask) -> None:
    assert [answered(ask, comment=f"report {number}") for number in range(11)] == [204] * 10 + [422]
    assert names(ask) == ["production"]
    assert answered(ask, state="approved") == 204, "the answer is not one of them"


@pytest.mark.parametrize(
    "body", [{}, {"state": "maybe"}, {"comment": "x" * 1025}, {"state": "approved", "environment_name": "other"}]
)
def test_what_is_refused(waiting: Simulator, ask: Ask, body: dict[str, Any]) -> None:
    assert answered(ask, **body) == 422
    assert waiting.repository.deployment_reviews == []
