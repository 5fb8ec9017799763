"""The command that a workflow runs when somebody edits a comment of ours."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dhash_guard.cli.hub import open_hub
from dhash_guard.cli.invocation import Invocation, common


@click.command()
@common
def checklist(call: Invocation) -> int:
    """Write down who ticked which box, from the event of an edited comment."""
    from dhash_guard.github.context import read_context
    from dhash_guard.rollout.checklist import credit, reported

    environ = call.machine.environ
    context = read_context(environ)
    path = environ.get("GITHUB_EVENT_PATH", "")
    told = reported(context.event, json.loads(Path(path).read_bytes()) if path else {})
    if isinstance(told, str):
        call.show(f"nothing to do: {told}", {"outcome": "nothing", "reason": told})
        return 0
    if call.machine.dry:
        call.show(f"would credit {told.edit.who}", {"outcome": "planned", "who": told.edit.who})
        return 0
    done = credit(call.machine, open_hub(call.machine), told)
    if isinstance(done, str):
        call.show(f"nothing to do: {done}", {"outcome": "nothing", "reason": done})
        return 0
    data = {"outcome": done.outcome.value, "who": told.edit.who, "url": done.url, "requests": done.requests}
    call.show(f"{done.outcome.value}: {done.url} ({done.requests} requests)", data)
    return 0
