"""The notify command: tell the environment's channels something."""

from __future__ import annotations

import click

from dhash_guard.cli.invocation import Invocation, common
from dhash_guard.records.event import Level


@click.command()
@common
@click.option(
    "--level",
    type=click.Choice([level.name.lower() for level in Level]),
    default="info",
    show_default=True,
    help="How loud.",
)
@click.option("--message", required=True, help="What to say.")
def notify(call: Invocation, level: str, message: str) -> int:
    """Send a message through every channel of the environment."""
    run = call.open("notify")
    run.tell("message", Level[level.upper()], f"Message for {run.environment}", message)
    for delivery in run.notifier.deliveries:
        call.say(f"{delivery.channel}: {delivery.status} {delivery.detail}".rstrip())
    return call.finish(run, run.seal(run.evidence(result="told", exit_code=0)))
