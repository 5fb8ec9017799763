"""Keeps the one record that ties the commands of a deployment together: when it began, and how it stands."""

from __future__ import annotations

import json

from dhash_guard.config import Configuration
from dhash_guard.errors import Damaged
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.system import Machine

UNDECIDED = (DeploymentState.OPEN, DeploymentState.UNVERIFIED, DeploymentState.HELD)
"""States in which a verdict may still change the deployment."""


def latest(configuration: Configuration) -> Deployment | None:
    """The latest deployment of the environment; raise Damaged where its record cannot be read."""
    path = configuration.layout.deployment(configuration.name)
    try:
        return from_data(Deployment, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except ValueError as problem:
        raise Damaged(f"the deployment's record is damaged: {problem}", where=str(path)) from problem


def keep(machine: Machine, configuration: Configuration, deployment: Deployment) -> None:
    """Write the record; a crash leaves the old one or the new one."""
    path = configuration.layout.deployment(configuration.name)
    machine.files.make_directory(path.parent)
    machine.files.write_atomic(path, canonical(to_data(deployment)))
