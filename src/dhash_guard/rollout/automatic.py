"""Decides on and carries out the rollback that no person ordered: safe and once, or hands off and people told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from attrs import evolve

from dhash_guard.config import Configuration
from dhash_guard.errors import GuardError, Locked, NeedsPerson, RolledBack
from dhash_guard.gates.safety import Hazard, hazards
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout import deployments, recording
from dhash_guard.rollout.picking import pick_target
from dhash_guard.rollout.rollback import Orders, put_back, restored_by
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.safety import facts_for


def roll_back_automatically(
    run: Guarded, evidence: Evidence, why: str, deployment: Deployment | None, *, backup: str | None = None
) -> Evidence:
    """Go back if that is safe; return the evidence with the outcome in it: exit 5 verified, 6 otherwise.

    `deployment` is the one that is to blame; None means that none is known, and then nothing is touched. Where somebody
    else decided on it meanwhile the answer is exit 8, and the record is theirs.
    """
    target, obstacles = _judge(run, deployment, backup)
    if obstacles or target is None:
        text = "; ".join(hazard.text for hazard in obstacles)
        run.skip("rollback", "unsafe", text)
        return _needs_person(run, evidence, f"{why}. No automatic rollback: {text}", deployment)
    run.tell("rollback-begun", Level.ERROR, "Automatic rollback", f"{why}; going back to {target.name}")
    try:
        restoration = put_back(run, target, Orders(insist=True, instead_of=deployment))
    except Locked as problem:
        run.say(str(problem))
        return evolve(evidence, result=problem.code, exit_code=problem.exit_code)
    except (GuardError, OSError) as problem:
        failed = evolve(evidence, backup=target.name, restoration=restored_by(problem))
        recording.rolled_back(run, target.name)
        return _needs_person(run, failed, f"{why}. The rollback failed: {problem}", None)
    recording.rolled_back(run, target.name)
    run.tell("rolled-back", Level.WARNING, "Rolled back and verified", f"{why}; {target.name} is in place")
    return evolve(
        evidence, result=RolledBack.code, exit_code=RolledBack.exit_code, backup=target.name, restoration=restoration
    )


def automatic_by_configuration(configuration: Configuration) -> bool:
    """Whether the environment rolls back by itself where the command line says nothing."""
    return bool(configuration.environment.rollback.automatic)


def foreseeable(run: Guarded, deployment: Deployment | None) -> tuple[Hazard, ...]:
    """What would stop an automatic rollback if it were needed now, known without reading any backup."""
    return hazards(facts_for(run.configuration, deployment, None, verified=True))


def _judge(
    run: Guarded, deployment: Deployment | None, reference: str | None
) -> tuple[BackupFacts | None, Sequence[Hazard]]:
    try:
        target: BackupFacts | None = pick_target(run, reference)
        verified: bool | None = True
    except GuardError as problem:
        run.say(str(problem))
        target, verified = None, None if problem.exit_code == 3 else False
    return target, hazards(facts_for(run.configuration, deployment, target, verified=verified))


def _needs_person(run: Guarded, evidence: Evidence, text: str, held: Deployment | None) -> Evidence:
    """Hands off: the record says held, where it is still the one that was judged, and people are told."""
    if held is not None:
        with suppress(OSError):  # a disk that is full must not keep anybody from being told
            deployments.settle(run.machine, run.configuration, held, DeploymentState.HELD)
        recording.told(run, evolve(held, state=DeploymentState.HELD), why=text)
    run.tell("needs-person", Level.CRITICAL, "A person is needed now", text)
    run.say(f"A PERSON IS NEEDED NOW: {text}")
    return evolve(evidence, result=NeedsPerson.code, exit_code=NeedsPerson.exit_code)
