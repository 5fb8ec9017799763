"""Gathers the facts that the safety table asks for, and decides which hazards stop a rollback by a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from dhash_guard.backup.settings import When
from dhash_guard.config import Configuration
from dhash_guard.gates.safety import Facts, Hazard, hazards
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.sample import Health
from dhash_guard.rollout import deployments

_STOPS = ("irreversible-migration",)
"""What a person cannot see from the outside: an old version would run on data that it does not understand."""
_SAID_BEFORE = ("no-deployment", "partial-backup")
"""What choosing the target has warned of already."""
_ENDS = {
    DeploymentState.HEALTHY: "was found healthy",
    DeploymentState.DEGRADED: "was found degraded",
    DeploymentState.ROLLED_BACK: "was rolled back",
    DeploymentState.ROLLBACK_FAILED: "was rolled back, and that failed",
}


def belonging(configuration: Configuration) -> tuple[str, ...]:
    """The components that belong to every backup of the environment."""
    components = configuration.environment.backup.components
    return tuple(name for name, component in components.items() if component.when is When.ALWAYS)


def facts_for(
    configuration: Configuration,
    deployment: Deployment | None,
    target: BackupFacts | None,
    *,
    verified: bool | None,
    named: bool = False,
) -> Facts:
    """What is known of the deployment and of the backup (None: the one that would be chosen, which is complete).

    One that a person has `named` is what they want to go back to, however old it is.
    """
    migrate = configuration.environment.migrate
    health = deployment.baseline.health if deployment is not None and deployment.baseline is not None else None
    needed = belonging(configuration)
    held = needed if target is None else target.components
    before = deployment.before if deployment is not None else None
    return Facts(
        deployment_known=deployment is not None,
        backup_verified=verified,
        backup_complete=set(needed) <= set(held),
        backup_current=named or target is None or before is None or before.held_by(target),
        migrated=deployment is not None and deployment.migrated,
        migration_reversible=migrate is not None and migrate.reversible,
        migration_covered=migrate is not None and migrate.input is not None and _covered(configuration, held, migrate.input),
        previous_healthy=None if health is None else health is not Health.UNHEALTHY,
        rollbacks_so_far=0 if deployment is None else deployment.rollbacks,
        closed=_closed(configuration) if deployment is None else "",
    )


def _closed(configuration: Configuration) -> str:
    """How the last deployment ended; empty where none is recorded, or has not."""
    latest = deployments.legible(configuration)
    return f"{latest.tag or 'the migration'} {_ENDS[latest.state]}" if latest is not None and latest.state in _ENDS else ""


def for_a_person(
    configuration: Configuration, deployment: Deployment | None, target: BackupFacts
) -> tuple[tuple[Hazard, ...], tuple[Hazard, ...]]:
    """The hazards that stop the rollback until somebody overrides the table, and those that are only worth saying."""
    found = hazards(facts_for(configuration, deployment, target, verified=True))
    stops = tuple(hazard for hazard in found if hazard.code in _STOPS)
    return stops, tuple(hazard for hazard in found if hazard.code not in _STOPS + _SAID_BEFORE)


def _covered(configuration: Configuration, held: Sequence[str], path: str) -> bool:
    """Whether a project file lies in one of the components that a backup holds."""
    components = configuration.environment.backup.components
    roots = [PurePosixPath(root) for name in held if name in components for root in components[name].roots]
    return any(PurePosixPath(path).is_relative_to(root) for root in roots)
