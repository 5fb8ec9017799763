"""Answers what was pushed to a repository, newest first."""

from __future__ import annotations

from typing import Any

from dhash_guard.simulator.call import Call, Reply
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import node_id, user
from dhash_guard.simulator.state import Push

_FAMILY = "pushes"


def listing(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/activity`; `ref` and `actor` choose."""
    ref, actor = call.query.get("ref", ""), call.query.get("actor", "")
    whole = ref if ref.startswith("refs/") or not ref else f"refs/heads/{ref}"
    pushes = sorted(call.seen(_FAMILY, call.repository.pushes), key=lambda push: (push.at, push.id), reverse=True)
    chosen = [push for push in pushes if whole in ("", push.ref) and actor in ("", push.actor)]
    shown, headers = page_of(call, chosen)
    return Reply(data=[_shape(call, push) for push in shown], headers=headers)


def _shape(call: Call, push: Push) -> dict[str, Any]:
    return {
        "id": push.id,
        "node_id": node_id("Push", push.id),
        "before": push.before,
        "after": push.after,
        "ref": push.ref,
        "timestamp": push.at,
        "activity_type": push.kind,
        "actor": user(call.base, push.actor) if push.actor else None,
    }
