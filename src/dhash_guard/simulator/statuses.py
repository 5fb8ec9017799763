"""Keeps commit statuses: create, list, and the combined state of a commit."""

from __future__ import annotations

from typing import Any

from dhash_guard.simulator.call import Call, Refusal, Reply, invalid
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import node_id, user
from dhash_guard.simulator.repository import existing, minimal, resolve
from dhash_guard.simulator.state import Status

_STATES = ("error", "failure", "pending", "success")
_MOST_PER_CONTEXT = 1000
_FAMILY = "statuses"


def shape(call: Call, status: Status) -> dict[str, Any]:
    """GitHub's commit status as the combined state lists it."""
    person = user(call.base, status.author)
    return {
        "url": f"{call.api}/statuses/{status.sha}",
        "avatar_url": person["avatar_url"],
        "id": status.id,
        "node_id": node_id("StatusContext", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": status.created_at,
        "updated_at": status.created_at,
    }


def create(call: Call) -> Reply:
    """`POST …/statuses/{sha}`."""
    sha, state = call.params["sha"], call.body.get("state")
    if sha not in existing(call.repository):
        raise Refusal(422, f"No commit found for SHA: {sha}")
    if state not in _STATES:
        raise invalid("Status", "state", "custom", "state is not included in the list")
    context = call.text("Status", "context", most=255, default="default")
    if sum(one.sha == sha and one.context == context for one in call.repository.statuses) >= _MOST_PER_CONTEXT:
        raise invalid("Status", "context", "custom", "This SHA and context has reached the maximum number of statuses.")
    status = Status(
        id=call.world.new_id(),
        sha=sha,
        state=str(state),
        context=context,
        description=_optional(call, "description", 140),
        target_url=_optional(call, "target_url", 2000),
        author=call.actor,
        created_at=call.now,
    )
    call.repository.statuses.append(status)
    call.wrote(_FAMILY, status.id)
    made = _with_creator(call, status)
    return Reply(status=201, data=made, headers={"Location": made["url"]})


def listing(call: Call) -> Reply:
    """`GET …/commits/{ref}/statuses`, newest first."""
    shown, headers = page_of(call, _of_commit(call, resolve(call, call.params["ref"])))
    return Reply(data=[_with_creator(call, one) for one in shown], headers=headers)


def combined(call: Call) -> Reply:
    """`GET …/commits/{ref}/status`: the newest of each context; nothing at all is pending."""
    sha = resolve(call, call.params["ref"])
    newest: dict[str, Status] = {}
    for one in _of_commit(call, sha):
        newest.setdefault(one.context, one)
    shown, headers = page_of(call, list(newest.values()))
    data = {
        "state": _worst({one.state for one in newest.values()}),
        "sha": sha,
        "total_count": len(newest),
        "statuses": [shape(call, one) for one in shown],
        "repository": minimal(call.base, call.name, private=call.repository.private),
        "commit_url": f"{call.api}/commits/{sha}",
        "url": f"{call.api}/commits/{sha}/status",
    }
    return Reply(data=data, headers=headers)


def _worst(states: set[str]) -> str:
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


def _with_creator(call: Call, status: Status) -> dict[str, Any]:
    return shape(call, status) | {"creator": user(call.base, status.author)}


def _of_commit(call: Call, sha: str) -> list[Status]:
    return [one for one in reversed(call.seen(_FAMILY, call.repository.statuses)) if one.sha == sha]


def _optional(call: Call, name: str, most: int) -> str | None:
    return None if call.body.get(name) is None else call.text("Status", name, most=most)
