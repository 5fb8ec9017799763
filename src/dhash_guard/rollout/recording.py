"""Tells GitHub how a deployment stands: its record, its statuses; fails open, because telling must not stop a release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from dhash_guard.errors import GuardError
from dhash_guard.ledger import chain
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.rollout import deployments
from dhash_guard.rollout.run import Guarded

if TYPE_CHECKING:
    from dhash_guard.github.deployments import DeploymentRecords

T = TypeVar("T")

SCHEMA_VERSION = 1
_MOST_EVIDENCE = 20

_WORDS = {
    DeploymentState.BEGUN: ("in_progress", "being deployed"),
    DeploymentState.OPEN: ("in_progress", "deployed, not yet judged"),
    DeploymentState.UNVERIFIED: ("in_progress", "deployed, health not looked at"),
    DeploymentState.HEALTHY: ("success", "healthy"),
    DeploymentState.DEGRADED: ("failure", "degraded, not rolled back"),
    DeploymentState.HELD: ("pending", "held: a person is needed"),
    DeploymentState.ROLLING_BACK: ("failure", "being rolled back"),
    DeploymentState.ROLLED_BACK: ("failure", "rolled back"),
    DeploymentState.ROLLBACK_FAILED: ("error", "the rollback failed: a person is needed"),
}
"""Success is said of nothing but a healthy release: that word is what "live" is read from."""


def begun(run: Guarded, deployment: Deployment, relied_on: Sequence[str] = ()) -> Deployment:
    """Open the record of a deployment; `relied_on` are the digests of the evidence that opened the gate."""

    def work(records: DeploymentRecords) -> Deployment:
        from dhash_guard.github.deployments import DEPLOY, Wanted

        made = records.opened(
            Wanted(
                sha=deployment.commit,
                environment=run.environment,
                task=DEPLOY,
                key=deployment.id,
                description=f"{deployment.tag or deployment.commit[:12]} by dhash-guard",
                production=run.facts.kind == "production",
                payload=_payload(run, deployment) | {"evidence": list(relied_on[:_MOST_EVIDENCE])},
            )
        )
        _say(records, made.id, deployment.state, deployment.tag)
        return evolve(deployment, record=made.id)

    return _tried(run, work, deployment) if deployment.commit else deployment


def told(run: Guarded, deployment: Deployment, *, why: str = "") -> None:
    """Say on the record how the deployment stands now."""

    def work(records: DeploymentRecords) -> None:
        _say(records, deployment.record, deployment.state, why)

    if deployment.record:
        _tried(run, work, None)


def catch_up(run: Guarded) -> None:
    """Say of a healthy deployment what a watch that was killed right after its verdict could not say any more."""
    deployment = deployments.latest(run.configuration)

    def work(records: DeploymentRecords) -> None:
        assert deployment is not None
        if records.progress(deployment.record) != _WORDS[DeploymentState.HEALTHY][0]:
            _say(records, deployment.record, deployment.state, "")

    if deployment is not None and deployment.record and deployment.state is DeploymentState.HEALTHY:
        _tried(run, work, None)


def abandoned(run: Guarded, deployment: Deployment) -> None:
    """Close the record of a deployment that never came to its end."""
    failed(run, deployment, "never came to its end")


def failed(run: Guarded, deployment: Deployment, why: str) -> None:
    """Close the record of a deployment that broke off and was not rolled back."""

    def work(records: DeploymentRecords) -> None:
        from dhash_guard.github.deployments import Progress

        records.say(deployment.record, Progress.ERROR, why)

    if deployment.record:
        _tried(run, work, None)


def live_again(run: Guarded, backup: str) -> None:
    """Write a record of the rollback, a success, once its evidence is sealed; where it is not, nothing is said.

    What is live again is what was live before, where `backup` is the one that the deployment began with. Of any other it
    is not known whose commit it holds.
    """

    def work(records: DeploymentRecords) -> None:
        from dhash_guard.github.deployments import ROLLBACK, Progress, Wanted

        deployment = deployments.latest(run.configuration)
        if deployment is None or not deployment.record or deployment.state is not DeploymentState.ROLLED_BACK:
            return
        if backup != deployment.backup:
            return
        before = records.live(run.environment) if _sealed(run) else None
        if before is None:
            return
        made = records.opened(
            Wanted(
                sha=before.recorded.sha,
                environment=run.environment,
                task=ROLLBACK,
                key=run.facts.id,
                description=f"back to {backup}",
                production=run.facts.kind == "production",
                payload=_payload(run, deployment) | {"tag": before.recorded.tag, "backup": backup, "undoes": deployment.id},
            )
        )
        records.say(made.id, Progress.SUCCESS, f"rolled back to {backup}")

    _tried(run, work, None)


def _sealed(run: Guarded) -> bool:
    """Whether the ledger has an entry of this run; raise Damaged where it does not hold."""
    return any(entry.run == run.facts.id for entry in chain.read(run.configuration.layout.ledger))


def _say(records: DeploymentRecords, record: int, state: DeploymentState, why: str) -> None:
    from dhash_guard.github.deployments import Progress

    progress, words = _WORDS[state]
    records.say(record, Progress(progress), f"{words}: {why}" if why else words)


def _payload(run: Guarded, deployment: Deployment) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "run": run.facts.id,
        "tag": deployment.tag,
        "deployment": deployment.id,
        "backup": deployment.backup,
        "configuration": run.configuration.digest,
    }


def _records(run: Guarded) -> DeploymentRecords:
    from dhash_guard.github.deployments import DeploymentRecords

    assert run.hub is not None
    return DeploymentRecords(run.hub, run.machine.clock)


def _tried(run: Guarded, work: Callable[[DeploymentRecords], T], otherwise: T) -> T:
    """Nothing of this may change how a deployment goes on; what went wrong is said."""
    if run.hub is None or run.machine.dry:
        return otherwise
    try:
        return work(_records(run))
    except GuardError as problem:
        run.say(f"warning: GitHub's record of the deployment could not be written: {problem}")
        return otherwise
