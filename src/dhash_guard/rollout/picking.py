"""Finds the backup that a rollback goes back to, with every candidate's verdict said and recorded."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.shared_state import Live
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.rollout import deployments
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.safety import belonging
from dhash_guard.rollout.shared import live_now
from dhash_guard.rollout.target import Choice, choose, on_its_word, warnings_for

_ANOTHER = "Nothing was touched; `dhash-guard rollback --list` shows the others."


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
    deployment = deployments.latest(run.configuration)
    if deployment is None and (live := live_now(run)) is not None:  # on a disk that forgets, all runs share what is live
        deployment = undone(live, run.environment, backups)
    return choose(backups, deployment, run.vault.verify, belonging(run.configuration))


def likely_target(run: Guarded, deployment: Deployment) -> BackupFacts | None:
    """The backup that a rollback of this deployment would try first, unread; None where there is none."""
    return choose(run.vault.listing(), deployment, on_its_word, belonging(run.configuration)).target


def undone(live: Live, environment: str, backups: Sequence[BackupFacts]) -> Deployment | None:
    """The deployment that is live, as far as the shared state knows it; None where a rollback is.

    Another disk may count its backups another way, so that time and number have to say which are from before it.
    """
    if live.backup:
        return None
    before = [
        facts.sequence
        for facts in backups
        if not facts.problem and facts.sequence <= live.newest_sequence and facts.sealed_at < live.begun_at
    ]
    return Deployment(
        id=live.run,
        environment=environment,
        tag=live.tag,
        commit=live.commit,
        begun_at=live.begun_at,
        newest_sequence=max(before, default=0),
        backup="",
        baseline=None,
        state=DeploymentState.OPEN,
        fencing=live.fencing,
    )


def _named(run: Guarded, facts: BackupFacts) -> tuple[BackupFacts, str, tuple[Finding, ...]]:
    unreadable: list[str] = []
    try:
        deployment = deployments.latest(run.configuration)
    except Damaged as problem:
        deployment = None
        unreadable.append(f"{problem.where}: {problem.what}; whether a migration is to be undone is not known")
    for warning in (*unreadable, *warnings_for(facts, deployment, belonging(run.configuration))):
        run.say(f"warning: {warning}")
        run.log.line("warning", warning)
    found = run.vault.verify(facts)
    if found.problems:
        raise Damaged(f"{facts.name} cannot be restored: {'; '.join(found.problems[:3])}", cure=_ANOTHER)
    named = Finding(check=facts.name, status=StageStatus.PASSED, text="named by whoever ordered the rollback")
    return facts, found.proof, (named,)


def _chosen(run: Guarded) -> tuple[BackupFacts, str, tuple[Finding, ...]]:
    choice = candidates(run)
    for name, why in choice.refused:
        run.log.line("warning", f"not a rollback target: {name}: {why}")
        if choice.target is not None:  # else the error below says it
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
