"""Decides whether an automatic rollback is safe: verified backup, reversible migration, healthy predecessor, first time."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Facts:
    """What is known before an automatic rollback; None means unknown, and unknown counts as no."""

    deployment_known: bool
    backup_verified: bool | None
    backup_complete: bool
    """Whether the backup holds every component that belongs to each backup."""
    backup_current: bool
    """Whether it was sealed after the last change before the deployment, so that it holds what stood there."""
    migrated: bool
    migration_reversible: bool
    migration_covered: bool
    """Whether the data that the migration changes is part of the backup."""
    previous_healthy: bool | None
    rollbacks_so_far: int
    closed: str = ""
    """Where none is open: how the last one ended, such as `v2 was found healthy`; empty where none is recorded."""


@frozen
class Hazard:
    """One reason not to roll back by itself."""

    code: str
    text: str


def hazards(facts: Facts) -> tuple[Hazard, ...]:
    """Every reason against an automatic rollback; none means it is safe (semantics.md §5)."""
    found = []
    if not facts.deployment_known:
        none = "no deployment of this environment is recorded, so nothing says what to go back to"
        ended = f"{facts.closed}, and no deployment is open since, so there is none to take back"
        found.append(Hazard("no-deployment", ended if facts.closed else none))
    if not facts.backup_verified:
        unknown = "could not be verified" if facts.backup_verified is False else "is missing"
        found.append(Hazard("no-verified-backup", f"the backup from before the deployment {unknown}"))
    if facts.backup_verified and not facts.backup_complete:
        found.append(Hazard("partial-backup", "the backup holds only a part, and would bring back half a version"))
    if facts.backup_verified and not facts.backup_current:
        found.append(
            Hazard("outdated-backup", "the backup is older than the last change, and holds another version than stood there")
        )
    if facts.migrated and not (facts.migration_reversible or facts.migration_covered):
        found.append(
            Hazard("irreversible-migration", "the migration is not reversible and the backup does not cover its data")
        )
    if facts.deployment_known and not facts.previous_healthy:
        known = "was not healthy" if facts.previous_healthy is False else "is not known to have been healthy"
        found.append(Hazard("previous-not-healthy", f"the version before this deployment {known}"))
    if facts.rollbacks_so_far:
        found.append(Hazard("already-rolled-back", "this deployment was rolled back once already"))
    return tuple(found)
