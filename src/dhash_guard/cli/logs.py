"""The commands about logs: validate, archive."""

from __future__ import annotations

import click

from dhash_guard.cli.invocation import Duration, Invocation, common
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import logs as looking
from dhash_guard.rollout.log_archive import TYPES, archive


@click.group()
def logs() -> None:
    """Look at the logs, and put old ones away."""


@logs.command("validate")
@common
def validate(call: Invocation) -> int:
    """Find logs that cannot be written, are no JSON lines, hold secrets, or are not rotated."""
    run = call.open("logs")
    return call.finish(run, looking.validate(run))


@logs.command("archive")
@common
@click.option("--type", "kind", type=click.Choice(sorted(TYPES)), required=True, help="Which logs.")
@click.option("--older-than", type=Duration(), required=True, metavar="AGE", help="Only logs not written to for so long.")
def archived(call: Invocation, kind: str, older_than: Seconds) -> int:
    """Put logs that are no longer written into a zip with its sha256; the logs go only when the zip reads back."""
    run = call.open("logs")
    return call.finish(run, archive(run, kind, older_than))
