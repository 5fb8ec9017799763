"""Tells whether an environment is frozen now; the gate says so, and whatever changes it refuses to begin."""

from __future__ import annotations

from dhash_guard.errors import Locked
from dhash_guard.records.layout import iso
from dhash_guard.rollout.run import Guarded


def freeze_now(run: Guarded) -> str | None:
    """Until when the environment is frozen and why; None where it is not."""
    now = run.machine.clock.now()
    for freeze in run.configuration.environment.freeze:
        if freeze.since <= now < freeze.until:
            return f"frozen until {iso(freeze.until)} ({freeze.reason or 'no reason given'})"
    return None


def refuse_frozen(run: Guarded) -> None:
    """Raise Locked while a freeze of the environment is on."""
    frozen = freeze_now(run)
    if frozen is not None:
        raise Locked(f"{run.environment} is {frozen}", cure="Wait, or remove the freeze in the configuration.")
