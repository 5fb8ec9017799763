"""The commands about who holds an environment: show, take, release."""

from __future__ import annotations

import click

from dhash_guard.cli.invocation import Duration, Invocation, common, named
from dhash_guard.records.codec import to_data
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import lock as locking


@click.group()
def lock() -> None:
    """Look who holds an environment; take it by hand, and give it back."""


@lock.command("show")
@common
def show(call: Invocation) -> int:
    """Say who holds the environment, until when, and what is live."""
    shown = locking.show(call.open("lock show"))
    data = to_data(shown.state) | {"where": shown.where, "expired": shown.expired}
    call.show("\n".join(shown.lines()), data)
    return 0


@lock.command("take")
@common
@named("--for", "lease", type=Duration(), default=3600.0, show_default="1h", help="How long at most.")
@click.option("--reason", default="", help="Why; whoever is refused is told it.")
def take(call: Invocation, lease: Seconds, reason: str) -> int:
    """Keep deployments out: 0 taken, 8 somebody else has it. A rollback is never kept out."""
    run = call.open("lock take", reason=reason)
    return call.finish(run, locking.take(run, lease))


@lock.command("release")
@common
@click.option("--force", is_flag=True, help="Take it away from whoever has it; needs --reason.")
@click.option("--reason", default="", help="Why; kept in the record.")
def release(call: Invocation, force: bool, reason: str) -> int:
    """Give back what you took by hand; with --force, fence out whoever holds it."""
    run = call.open("lock release", reason=reason)
    return call.finish(run, locking.release(run, force=force))
