"""Watches an environment after a rollback that a person ordered: alerts only, and never rolls back again."""

from __future__ import annotations

from attrs import evolve

from dhash_guard.config import Configuration
from dhash_guard.gates.plan import Mode
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.units import Seconds
from dhash_guard.rollout.monitor import Viewer, WatchOrders, monitor
from dhash_guard.rollout.run import Guarded


def arranged(configuration: Configuration, duration: Seconds) -> Configuration:
    """The configuration of that watch: so long, and with looks of its own.

    Its digest is another one: what is watched is the version before, so that to no gate it speaks for this commit.
    """
    environment = configuration.environment
    plan = evolve(environment.monitor, duration=duration, mode=Mode.WATCH, checkpoints=())
    digest = sha256_hex(f"{configuration.digest} watched after a rollback".encode())
    return evolve(configuration, environment=evolve(environment, monitor=plan), digest=digest)


def watch_after(run: Guarded, viewer: Viewer) -> Evidence:
    """Watch and seal: 0 healthy, 1 degraded (people are told), 3 cannot tell or told to stop."""
    return monitor(run, WatchOrders(automatic=False), viewer)
