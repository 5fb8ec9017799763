"""Answers the one GraphQL question that REST refuses to a workflow: who am I. Any other is noted as not served."""

from __future__ import annotations

import re

from dhash_guard.simulator.call import Call, Reply

_WHO_AM_I = re.compile(r"\s*(query\s*)?\{\s*viewer\s*\{\s*login\s*\}\s*\}\s*")


def answer(call: Call) -> Reply:
    """`POST /graphql`: errors come with status 200, as from GitHub."""
    if _WHO_AM_I.fullmatch(call.text("Query", "query", most=65_536)):
        return Reply(data={"data": {"viewer": {"login": call.actor}}})
    problem = {"type": "NOT_SERVED", "message": "The simulator knows viewer { login } only"}
    return Reply(data={"data": None, "errors": [problem]}, served=False)
