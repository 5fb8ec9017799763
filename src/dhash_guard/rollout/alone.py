"""Keeps every other process of this disk away from an environment, and waits for whoever is at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from dhash_guard.errors import Locked
from dhash_guard.records.units import format_duration

if TYPE_CHECKING:
    from dhash_guard.rollout.run import Guarded

PATIENCE = 300.0
"""Seconds that what must not be lost, a rollback or a verdict, waits for whoever is at the environment or at its backups."""


@contextmanager
def alone(run: Guarded, what: str) -> Iterator[None]:
    """Hold the lock of the run's environment; whoever has it is named and waited for. Raise Locked after PATIENCE."""
    lock, path = run.machine.files.lock, run.configuration.layout.lock(run.environment)
    with ExitStack() as held:
        try:
            held.enter_context(lock(path, what))
        except Locked as problem:
            run.say(f"{problem.what}; waiting until it has ended, {format_duration(PATIENCE)} at most")
            held.enter_context(lock(path, what, wait=PATIENCE))
        yield
