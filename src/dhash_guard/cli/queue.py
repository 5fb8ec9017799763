"""The queue commands: status."""

from __future__ import annotations

import click

from dhash_guard.cli.invocation import Duration, Invocation, common, named
from dhash_guard.gates.drainage import ENOUGH
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import queue as queueing


@click.group()
def queue() -> None:
    """Look at the service's queue."""


@queue.command()
@common
@named(
    "--samples",
    type=click.IntRange(min=1),
    default=ENOUGH,
    show_default=True,
    help=f"How many looks; a growing backlog takes {ENOUGH} to be told, a direction takes 2.",
)
@named("--interval", type=Duration(), default=2.0, show_default="2s", help="Time between looks.")
def status(call: Invocation, samples: int, interval: Seconds) -> int:
    """Say the backlog, how fast it is processed, and whether it drains: 0 it does, 1 it grows, 3 cannot tell."""
    run = call.open("queue status")
    evidence, looked = queueing.status(run, samples=samples, interval=interval)
    return call.finish(run, evidence, more={"queue": queueing.as_data(looked) if looked is not None else None})
