"""The answer for a protection rule: who may give it, what is looked at before it is said again, and what a webhook asks."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from attrs import define

from dhash_guard.errors import UsageProblem
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import context_of
from dhash_guard.github.errors import Forbidden, NotFound, Silent, Unprocessable
from dhash_guard.github.patience import Patience
from dhash_guard.github.protection_rule import MOST_REPORTS, Arrived, Asked, ProtectionRule, Ruling, asked
from dhash_guard.simulator import Simulator
from dhash_guard.simulator.state import DeploymentReview
from support.world import SleptClock
from support.writers import answer

RUN, NOON = 50, 1_795_262_400.0
HERE = "*/deployment_protection_rule"
APPROVED, REJECTED = Ruling.APPROVED, Ruling.REJECTED


@define
class Place:
    """A repository in which a job of run 50 waits, and its clock."""

    sim: Simulator
    clock: SleptClock

    def rule(self, token: str = "t-app", run: int = RUN) -> ProtectionRule:
        environ = {"GITHUB_REPOSITORY": self.sim.name, "GITHUB_API_URL": "https://api.example.com"}
        send = partial(answer, self.sim, token)
        patience = Patience(retries=1, between_writes=0.0)
        return ProtectionRule(GithubApi(token, context_of(environ, {}), self.clock, patience, send), self.clock, run)

    @property
    def said(self) -> list[tuple[str, str, str]]:
        return [(one.environment, one.state, one.comment) for one in self.sim.repository.deployment_reviews]

    @property
    def sent(self) -> int:
        return sum(entry.method == "POST" for entry in self.sim.log)


@pytest.fixture
def place() -> Place:
    clock = SleptClock(NOON)
    sim = Simulator(now=clock.now)
    sim.add_run(id=RUN, head_sha="a" * 40, status="waiting", conclusion=None)
    sim.add_pending(RUN)
    return Place(sim, clock)


@pytest.mark.parametrize("ruling", list(Ruling))
def test_an_answer_is_one_request(place: Place, ruling: Ruling) -> None:
    assert place.rule().waiting() == ("production",)
    assert place.rule().decide("production", ruling, "why") is Arrived.TAKEN
    assert place.said == [("production", ruling.value, "why")]
    assert place.rule().waiting() == ()
    assert place.sim.unknown_routes == []


def test_the_commit_is_the_runs(place: Place) -> None:
    assert place.rule().commit() == "a" * 40


@pytest.mark.parametrize("token", ["t-write", "t-user", "t-read"])
def test_a_token_that_is_not_the_apps_is_told_which_one_can(place: Place, token: str) -> None:
    for say in (partial(ProtectionRule.decide, ruling=APPROVED), ProtectionRule.report):
        with pytest.raises(Forbidden) as caught:
            say(place.rule(token), "production", comment="x")
        assert caught.value.exit_code == 2
        assert "GITHUB_TOKEN cannot" in caught.value.cure
        assert "as `github-token`" in caught.value.cure
    assert place.said == []


def test_an_environment_that_nobody_waits_for_is_told_with_those_that_do(place: Place) -> None:
    with pytest.raises(Unprocessable) as caught:
        place.rule().decide("prod", APPROVED, "x")
    assert "Run 50 waits for: production" in caught.value.cure
    with pytest.raises(NotFound):
        place.rule(run=51).decide("production", APPROVED, "x")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_lost_answer_is_looked_for_and_not_given_twice(place: Place, status: int) -> None:
    place.sim.fault("lost-answer", method="POST", path=HERE, status=status)
    assert place.rule().decide("production", APPROVED, "why") is Arrived.RECORDED
    assert (place.sent, len(place.said)) == (1, 1)


def test_an_answer_that_did_not_arrive_is_given_again(place: Place) -> None:
    place.sim.fault("status", method="POST", path=HERE, status=502)
    assert place.rule().decide("production", REJECTED, "why") is Arrived.TAKEN
    assert (place.sent, place.said) == (2, [("production", "rejected", "why")])


def test_nothing_is_said_again_where_nobody_waits_any_more(place: Place) -> None:
    """The history may not have it, or somebody else may have ended the waiting: either way there is nothing to say."""
    place.sim.fault("reset", method="POST", path=HERE)
    place.sim.repository.pending.clear()
    assert place.rule().decide("production", APPROVED, "why") is Arrived.SETTLED
    assert (place.sent, place.said) == (1, [])


def test_what_still_waits_for_people_was_answered_all_the_same(place: Place) -> None:
    place.sim.repository.pending.clear()
    place.sim.add_pending(RUN, reviewers=("ada",))
    place.sim.fault("lost-answer", method="POST", path=HERE, status=502)
    assert place.rule().decide("production", APPROVED, "why") is Arrived.RECORDED
    assert place.rule().waiting() == ("production",)
    assert place.sent == 1


def test_somebody_elses_answer_is_not_taken_for_this_one(place: Place) -> None:
    other = DeploymentReview(id=1, run=RUN, environment="production", state="approved", author="ada", comment="mine")
    place.sim.repository.deployment_reviews.append(other)
    place.sim.fault("status", method="POST", path=HERE, status=502)
    assert place.rule().decide("production", APPROVED, "why") is Arrived.TAKEN
    assert place.sent == 2


def test_where_github_stays_silent_nothing_is_claimed(place: Place) -> None:
    place.sim.fault("status", method="POST", path=HERE, status=502, times=0)
    with pytest.raises(Silent) as caught:
        place.rule().decide("production", APPROVED, "why")
    assert (caught.value.exit_code, place.sent, place.said) == (7, 3, [])


def test_reports_are_counted_and_no_eleventh_is_sent(place: Place) -> None:
    assert [place.rule().report("production", f"{number}") for number in range(MOST_REPORTS + 2)] == [True] * 10 + [
        False
    ] * 2
    assert place.sent == MOST_REPORTS
    assert {state for _, state, _ in place.said} == {"pending"}
    assert place.rule().waiting() == ("production",)
    assert place.rule().decide("production", APPROVED, "now") is Arrived.TAKEN


def test_a_lost_report_is_not_sent_twice(place: Place) -> None:
    place.sim.fault("lost-answer", method="POST", path=HERE, status=502)
    assert place.rule().report("production", "x")
    assert len(place.said) == 1


CALLBACK = "https://api.github.com/repos/Mobius/dhash-service/actions/runs/50/deployment_protection_rule"


def webhook(**changes: Any) -> dict[str, Any]:
    return {"action": "requested", "environment": "production", "deployment_callback_url": CALLBACK} | changes


def read(payload: dict[str, Any], event: str = "deployment_protection_rule") -> Asked | None:
    return asked(event, payload, "mobius/dhash-service", "event.json")


def test_a_webhook_says_what_is_asked() -> None:
    assert read(webhook()) == Asked(environment="production", run=50)
    assert read(webhook(), event="push") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": None},
        {"environment": ""},
        {"deployment_callback_url": ""},
        {"deployment_callback_url": None},
        {"deployment_callback_url": CALLBACK.replace("50", "fifty")},
        {"deployment_callback_url": CALLBACK.replace("50", "50/../51")},
        {"deployment_callback_url": CALLBACK.replace("Mobius", "eve")},
        {"deployment_callback_url": CALLBACK + "?x"},
    ],
)
def test_a_webhook_that_names_nothing_of_ours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem):
        read(webhook(**changes))
