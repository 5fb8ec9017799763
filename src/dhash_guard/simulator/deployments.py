"""Keeps deployments and their statuses as GitHub does, its unhelpful defaults included."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve

from dhash_guard.simulator.call import Call, Refusal, Reply, invalid
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import node_id, user
from dhash_guard.simulator.repository import resolve
from dhash_guard.simulator.state import Deployment, DeploymentStatus

_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
_FAMILY, _STATUS_FAMILY = "deployments", "deployment_statuses"
_LONGEST_DESCRIPTION = 140


def shape(call: Call, made: Deployment) -> dict[str, Any]:
    """GitHub's deployment."""
    url = f"{call.api}/deployments/{made.id}"
    return {
        "url": url,
        "id": made.id,
        "node_id": node_id("Deployment", made.id),
        "sha": made.sha,
        "ref": made.ref,
        "task": made.task,
        "payload": json.loads(made.payload),
        "original_environment": made.environment,
        "environment": made.environment,
        "description": made.description,
        "creator": user(call.base, made.author),
        "created_at": made.created_at,
        "updated_at": made.created_at,
        "statuses_url": f"{url}/statuses",
        "repository_url": call.api,
        "transient_environment": False,
        "production_environment": made.production,
    }


def status_shape(call: Call, status: DeploymentStatus) -> dict[str, Any]:
    """GitHub's deployment status."""
    url = f"{call.api}/deployments/{status.deployment}"
    return {
        "url": f"{url}/statuses/{status.id}",
        "id": status.id,
        "node_id": node_id("DeploymentStatus", status.id),
        "state": status.state,
        "creator": user(call.base, status.author),
        "description": status.description,
        "environment": status.environment,
        "target_url": status.log_url,
        "log_url": status.log_url,
        "created_at": status.created_at,
        "updated_at": status.created_at,
        "deployment_url": url,
        "repository_url": call.api,
    } | ({"environment_url": status.environment_url} if status.environment_url else {})


def create(call: Call) -> Reply:
    """`POST …/deployments`: unless told otherwise it wants every status of the commit to be a success."""
    ref = call.text("Deployment", "ref", most=1000)
    sha = resolve(call, ref)
    contexts = call.body.get("required_contexts")
    bad = [one.context for one in call.repository.statuses if one.sha == sha and one.state != "success"]
    wanted = bad if contexts is None else [context for context in contexts if context in bad]
    if wanted:
        raise Refusal(409, "Conflict: Commit status checks failed for " + ref, errors=[{"contexts": wanted}])
    environment = call.text("Deployment", "environment", most=255, default="production")
    production = call.body.get("production_environment")
    made = Deployment(
        id=call.world.new_id(),
        sha=sha,
        ref=ref,
        task=call.text("Deployment", "task", most=128, default="deploy"),
        environment=environment,
        description=call.text("Deployment", "description", most=_LONGEST_DESCRIPTION, default=""),
        payload=json.dumps(call.body.get("payload", {})),
        production=environment == "production" if production is None else production is True,
        author=call.actor,
        created_at=call.now,
    )
    call.repository.deployments.append(made)
    call.wrote(_FAMILY, made.id)
    return Reply(status=201, data=shape(call, made))


def listing(call: Call) -> Reply:
    """`GET …/deployments`, newest first."""
    asked = {
        name: value for name in ("sha", "ref", "task", "environment") if (value := call.query.get(name, "none")) != "none"
    }
    found = [
        made
        for made in reversed(call.seen(_FAMILY, call.repository.deployments))
        if all(getattr(made, name) == value for name, value in asked.items())
    ]
    shown, headers = page_of(call, found)
    return Reply(data=[shape(call, made) for made in shown], headers=headers)


def get(call: Call) -> Reply:
    """`GET …/deployments/{deployment_id}`."""
    return Reply(data=shape(call, call.pick(call.repository.deployments, "deployment_id")))


def statuses(call: Call) -> Reply:
    """`GET …/deployments/{deployment_id}/statuses`, newest first."""
    made = call.pick(call.repository.deployments, "deployment_id")
    every = call.seen(_STATUS_FAMILY, call.repository.deployment_statuses)
    shown, headers = page_of(call, [one for one in reversed(every) if one.deployment == made.id])
    return Reply(data=[status_shape(call, one) for one in shown], headers=headers)


def add_status(call: Call) -> Reply:
    """`POST …/deployments/{deployment_id}/statuses`; a success makes earlier ones inactive, but never in production."""
    made = call.pick(call.repository.deployments, "deployment_id")
    state = call.body.get("state")
    if state not in _STATES:
        raise invalid("DeploymentStatus", "state", "custom", "state is not included in the list")
    status = DeploymentStatus(
        id=call.world.new_id(),
        deployment=made.id,
        state=str(state),
        description=call.text("DeploymentStatus", "description", most=_LONGEST_DESCRIPTION, default=""),
        environment=call.text("DeploymentStatus", "environment", most=255, default=made.environment),
        log_url=call.text("DeploymentStatus", "log_url", most=2000, default=""),
        environment_url=call.text("DeploymentStatus", "environment_url", most=2000, default=""),
        author=call.actor,
        created_at=call.now,
    )
    if state == "success" and call.body.get("auto_inactive", True) is not False:
        _retire(call, made)
    call.repository.deployment_statuses.append(status)
    call.wrote(_STATUS_FAMILY, status.id)
    return Reply(status=201, data=status_shape(call, status))


def _retire(call: Call, newest: Deployment) -> None:
    """What GitHub calls auto_inactive: earlier deployments of the environment that are neither transient nor production."""
    of_each = {one.deployment: one for one in call.repository.deployment_statuses}
    for made in call.repository.deployments:
        last = of_each.get(made.id)
        same = made.environment == newest.environment and made.id != newest.id and not made.production
        if same and last is not None and last.state == "success":
            inactive = evolve(last, id=call.world.new_id(), state="inactive", created_at=call.now)
            call.repository.deployment_statuses.append(inactive)
