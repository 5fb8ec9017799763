"""The backup commands together with those that need a store: sync."""

from __future__ import annotations

from dhash_guard.cli.backup import backup
from dhash_guard.cli.invocation import Invocation, common

__all__ = ["backup"]


@backup.command()
@common
def sync(call: Invocation) -> int:
    """Put into the store whatever is only local; a store that does not answer is exit 7."""
    run = call.open("backup sync")
    from dhash_guard.rollout.sync import sync as syncing

    return call.finish(run, syncing(run))
