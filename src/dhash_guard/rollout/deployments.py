"""Keeps the one record that ties the commands of a deployment together: when it began, and how it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import evolve

from dhash_guard.config import Configuration
from dhash_guard.errors import Damaged
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_json, to_data
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.layout import Layout
from dhash_guard.rollout.alone import alone
from dhash_guard.system import Machine

if TYPE_CHECKING:
    from dhash_guard.rollout.run import Guarded

UNDECIDED = (DeploymentState.BEGUN, DeploymentState.OPEN, DeploymentState.UNVERIFIED, DeploymentState.HELD)
"""States in which a verdict may still change the deployment."""

UNFINISHED = (DeploymentState.BEGUN, DeploymentState.ROLLING_BACK, DeploymentState.ROLLBACK_FAILED)
"""States in which what stands there is half of something: a new deployment goes on from before it, not from there."""

TAKEN_BACK = (DeploymentState.ROLLING_BACK, DeploymentState.ROLLED_BACK, DeploymentState.ROLLBACK_FAILED)
"""States in which the release does not stand there any more, whatever a watch has seen of it before."""


def latest(configuration: Configuration) -> Deployment | None:
    """The latest deployment of the environment; raise Damaged where its record cannot be read."""
    return latest_of(configuration.layout, configuration.name)


def latest_of(layout: Layout, place: str) -> Deployment | None:
    """The latest deployment of an environment or target by its name; raises as `latest` does."""
    path = layout.deployment(place)
    try:
        return from_json(Deployment, path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise Damaged(
            f"the deployment's record cannot be read: {getattr(problem, 'strerror', None) or problem}",
            where=str(path),
            cure="Where a newer version wrote it, run that one. `dhash-guard rollback --backup BACKUP` goes back without"
            " it. With the file moved away it is as if nothing had been deployed.",
        ) from problem


def legible(configuration: Configuration) -> Deployment | None:
    """As `latest`, and None where the record cannot be read: for a rollback to a named backup, which that must not stop."""
    try:
        return latest(configuration)
    except Damaged:
        return None


def unchanged(configuration: Configuration, known: Deployment) -> bool:
    """Whether the record is still the one that was read: nobody deployed, decided or rolled back meanwhile."""
    now = latest(configuration)
    return now is not None and (now.id, now.state, now.rollbacks) == (known.id, known.state, known.rollbacks)


def settle(run: Guarded, known: Deployment, state: DeploymentState, prove: Callable[[], object] = lambda: None) -> bool:
    """Write a verdict's state under the environment's lock; False where the record is not the one it was given for.

    `prove` seals what the state rests on before it is written: killed in between, the record says less than is proven.
    Raise Locked where somebody else is at the environment all the time.
    """
    with alone(run, f"the verdict of {run.facts.id}"):
        if not unchanged(run.configuration, known):
            return False
        prove()
        keep(run.machine, run.configuration, evolve(known, state=state))
    return True


def restored(run: Guarded, to: str) -> None:
    """Note on the record that files were put back by hand, from the backup `to` where that is known by now."""
    known = legible(run.configuration)
    if known is not None:
        now = run.machine.clock.now()
        keep(run.machine, run.configuration, evolve(known, changed_at=now, rolled_back_to=to))


def keep(machine: Machine, configuration: Configuration, deployment: Deployment) -> None:
    """Write the record; a crash leaves the old one or the new one."""
    path = configuration.layout.deployment(configuration.name)
    machine.files.make_directory(path.parent)
    machine.files.write_atomic(path, canonical(to_data(deployment)))
