"""Tells whether an environment may be changed now: no freeze is on, and one of its windows is open, where it has any."""

from __future__ import annotations

from dhash_guard.errors import Locked
from dhash_guard.gates.calendar import open_until, opens_next
from dhash_guard.records.layout import iso
from dhash_guard.rollout.run import Guarded


def freeze_now(run: Guarded) -> str | None:
    """Until when the environment is frozen and why; None where it is not."""
    now = run.machine.clock.now()
    for freeze in run.configuration.environment.freeze:
        if freeze.since <= now < freeze.until:
            return f"frozen until {iso(freeze.until)} ({freeze.reason or 'no reason given'})"
    return None


def closed_now(run: Guarded) -> str | None:
    """When the next maintenance window opens; None where one is open, or the environment has none and is always open."""
    windows, now = run.configuration.environment.maintenance.windows, run.machine.clock.now()
    if not windows or open_until(windows, now) is not None:
        return None
    opens = opens_next(windows, now)
    return f"closed until {iso(opens)}" if opens is not None else "closed"


def refuse_frozen(run: Guarded) -> None:
    """Raise Locked while a freeze of the environment is on, or no window is open."""
    frozen = freeze_now(run)
    if frozen is not None:
        raise Locked(f"{run.environment} is {frozen}", cure="Wait, or remove the freeze in the configuration.")
    closed = closed_now(run)
    if closed is not None:
        raise Locked(
            f"{run.environment} is {closed}", cure="Wait for its maintenance window, or change maintenance.windows."
        )
