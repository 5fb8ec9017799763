"""Finds the backup that a rollback goes back to, with every candidate's verdict said and recorded."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.rollout import deployments
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.safety import belonging
from dhash_guard.rollout.shared import live_now
from dhash_guard.rollout.target import Choice, choose, warnings_for


def pick_target(run: Guarded, reference: str | None, from_environment: str | None = None) -> BackupFacts:
    """The backup to go back to, every refusal said and recorded.

    Raise CannotTell where there is none, Damaged where the named one is bad, UsageProblem where it is not one of ours.
    """
    held: list[BackupFacts] = []
    named = None if reference is None else run.vault.find(reference, from_environment)

    def work() -> Done:
        facts, proof, findings = _chosen(run) if named is None else _named(run, named)
        held.append(facts)
        return Done(f"{facts.name}, {proof}", findings)

    run.stage("rollback target", work)
    return held[0]


def candidates(run: Guarded) -> Choice:
    """Every backup of the environment and how it stands as a target; backups are read until one is sound."""
    backups = run.vault.listing()
    return choose(backups, _undone(run, backups), run.vault.verify, belonging(run.configuration))


def _undone(run: Guarded, backups: Sequence[BackupFacts]) -> Deployment | None:
    """The deployment that is to be undone: by the record here, else, on a disk that forgets, by what all runs share.

    There only the moment is known at which it was live. Whatever was sealed before that was sealed before its first change.
    """
    deployment = deployments.latest(run.configuration)
    live = live_now(run) if deployment is None else None
    if live is None or live.backup:
        return deployment
    before = [facts.sequence for facts in backups if not facts.problem and facts.sealed_at < live.at]
    return Deployment(
        id=live.run,
        environment=run.environment,
        tag=live.tag,
        commit=live.commit,
        begun_at=live.at,
        newest_sequence=max(before, default=0),
        backup="",
        baseline=None,
        state=DeploymentState.OPEN,
        fencing=live.fencing,
    )


def _named(run: Guarded, facts: BackupFacts) -> tuple[BackupFacts, str, tuple[Finding, ...]]:
    for warning in warnings_for(facts, deployments.latest(run.configuration), belonging(run.configuration)):
        run.say(f"warning: {warning}")
        run.log.line("warning", warning)
    found = run.vault.verify(facts)
    if found.problems:
        raise Damaged(f"{facts.name} cannot be restored: {'; '.join(found.problems[:3])}", cure="Nothing was touched.")
    named = Finding(check=facts.name, status=StageStatus.PASSED, text="named by whoever ordered the rollback")
    return facts, found.proof, (named,)


def _chosen(run: Guarded) -> tuple[BackupFacts, str, tuple[Finding, ...]]:
    choice = candidates(run)
    for name, why in choice.refused:
        run.log.line("warning", f"not a rollback target: {name}: {why}")
        run.say(f"not {name}: {why}")
    for warning in choice.warnings:
        run.say(f"warning: {warning}")
    if choice.target is None:
        listed = "; ".join(f"{name}: {why}" for name, why in choice.refused) or "there is no backup of this environment"
        raise CannotTell(
            f"nothing to roll back to ({listed})",
            cure="Name a backup with --backup, or restore by hand.",
            findings=choice.findings(),
        )
    return choice.target, choice.proof, choice.findings()
