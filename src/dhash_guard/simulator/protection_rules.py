"""Lets jobs wait before environments, and takes the answers of the App whose protection rule they wait for."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from dhash_guard.simulator.call import Call, Refusal, Reply, invalid
from dhash_guard.simulator.people import node_id, stable_id, user
from dhash_guard.simulator.state import DeploymentReview, PendingDeployment

MOST_REPORTS = 10
"""Status reports on one deployment."""

LONGEST_COMMENT = 1024
_ANSWERS = ("approved", "rejected")
_RESOURCE = "DeploymentProtectionRule"


def pending(call: Call) -> Reply:
    """`GET …/actions/runs/{run_id}/pending_deployments`: every environment that some rule still keeps a job from."""
    run = call.pick(call.repository.runs, "run_id").id
    return Reply(data=[_waiting(call, one) for one in call.repository.pending if one.run == run and one.waits])


def history(call: Call) -> Reply:
    """`GET …/actions/runs/{run_id}/approvals`, newest first."""
    run = call.pick(call.repository.runs, "run_id").id
    return Reply(data=[_review(call, one) for one in reversed(call.repository.deployment_reviews) if one.run == run])


def answer(call: Call) -> Reply:
    """`POST …/actions/runs/{run_id}/deployment_protection_rule`: a decision, or without `state` a report."""
    run = call.pick(call.repository.runs, "run_id").id
    environment = call.text(_RESOURCE, "environment_name", most=255)
    state = call.body.get("state")
    comment = call.text(_RESOURCE, "comment", most=LONGEST_COMMENT, default=None if state is None else "")
    if state is not None and state not in _ANSWERS:
        raise invalid(_RESOURCE, "state", "custom", "state is not included in the list")
    asked = [one for one in call.repository.pending if one.run == run and one.environment == environment and not one.answer]
    if not asked:
        raise Refusal(422, f"No pending custom deployment protection rule for {environment}")
    waiting = next((one for one in asked if one.rule == call.actor), None)
    if waiting is None:
        raise Refusal(403, "Resource not accessible by integration")
    if state is None and _reports(call, run, environment) >= MOST_REPORTS:
        raise invalid(_RESOURCE, "comment", "custom", f"at most {MOST_REPORTS} status reports")
    call.repository.deployment_reviews.append(
        DeploymentReview(
            id=call.world.new_id(),
            run=run,
            environment=environment,
            state=str(state or "pending"),
            author=call.actor,
            comment=comment,
            created_at=call.now,
        )
    )
    if state is not None:
        place = call.repository.pending.index(waiting)
        call.repository.pending[place] = evolve(waiting, answer=str(state))
    return Reply(status=204)


def _reports(call: Call, run: int, environment: str) -> int:
    return sum(
        one.state == "pending" and (one.run, one.environment) == (run, environment)
        for one in call.repository.deployment_reviews
    )


def _environment(call: Call, name: str) -> dict[str, Any]:
    number = stable_id("environment", call.name, name)
    return {
        "id": number,
        "node_id": node_id("Environment", number),
        "name": name,
        "url": f"{call.api}/environments/{name}",
        "html_url": f"{call.html}/deployments/activity_log?environments_filter={name}",
    }


def _waiting(call: Call, one: PendingDeployment) -> dict[str, Any]:
    reviewers = [{"type": "User", "reviewer": user(call.base, login)} for login in one.reviewers]
    return {
        "environment": _environment(call, one.environment),
        "wait_timer": one.wait_timer,
        "wait_timer_started_at": one.created_at if one.wait_timer else None,
        "current_user_can_approve": call.token is not None and call.actor in one.reviewers,
        "reviewers": reviewers,
    }


def _review(call: Call, one: DeploymentReview) -> dict[str, Any]:
    times = {"created_at": one.created_at, "updated_at": one.created_at}
    return {
        "environments": [_environment(call, one.environment) | times],
        "state": one.state,
        "user": user(call.base, one.author),
        "comment": one.comment,
    }
