"""Decides which backups no retention removes, here or in a store: those that the latest deployment may go back to."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.config import Configuration
from dhash_guard.records.backup import BackupFacts
from dhash_guard.rollout import deployments
from dhash_guard.rollout.safety import belonging
from dhash_guard.rollout.target import choose, on_its_word


def pinned_by_deployment(configuration: Configuration, usable: Sequence[BackupFacts]) -> dict[str, str]:
    """What the latest deployment may go back to: the backup that it was given, and the one that a rollback would choose.

    Names, each with its reason; raise Damaged where the deployment's record cannot be read.
    """
    deployment = deployments.latest(configuration)
    if deployment is None:
        return {}
    found = {deployment.backup: f"deployment {deployment.id} began with it"} if deployment.backup else {}
    target = choose(usable, deployment, on_its_word, belonging(configuration)).target
    if target is not None:
        found[target.name] = f"a rollback of deployment {deployment.id} goes back to it"
    return found
