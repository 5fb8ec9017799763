"""Decides on and carries out the rollback that no person ordered: safe and once, or hands off and people told."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.config import Configuration
from dhash_guard.errors import GuardError, Locked, NeedsPerson, RolledBack
from dhash_guard.gates.safety import Hazard, hazards
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout import deployments, recording
from dhash_guard.rollout.picking import likely_target, pick_target
from dhash_guard.rollout.rollback import Orders, Overtaken, put_back, restored_by
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.safety import facts_for
from dhash_guard.system.interrupt import Interrupted


def roll_back_automatically(
    run: Guarded, evidence: Evidence, why: str, deployment: Deployment | None, *, backup: str | None = None
) -> Evidence:
    """Go back if that is safe; return the evidence with the outcome in it: exit 5 verified, 6 otherwise.

    `deployment` is the one that is to blame; None means that none is known, and then nothing is touched. Where somebody
    else is at it the answer is exit 8, the record is theirs, and unless they decided on it meanwhile people are told.
    """
    target, obstacles = _judge(run, deployment, backup)
    if obstacles or target is None:
        text = "; ".join(hazard.text for hazard in obstacles)
        run.skip("rollback", "unsafe", text)
        return _needs_person(run, evidence, f"{why}. No automatic rollback: {text}", deployment)
    run.tell("rollback-begun", Level.ERROR, "Automatic rollback", f"{why}; going back to {target.name}")
    try:
        restoration = put_back(run, target, Orders(insist=True, instead_of=deployment))
    except (KeyboardInterrupt, Interrupted):
        _page(run, f"{why}. The automatic rollback was told to stop")
        raise
    except Locked as problem:
        run.say(str(problem))
        if not isinstance(problem, Overtaken):
            _page(run, f"{why}. No automatic rollback: {problem.what}")
        return evolve(evidence, result=problem.code, exit_code=problem.exit_code)
    except (GuardError, OSError) as problem:
        failed = evolve(evidence, backup=target.name, restoration=restored_by(problem))
        return _needs_person(run, failed, f"{why}. The rollback failed: {problem}", None)
    run.tell("rolled-back", Level.WARNING, "Rolled back and verified", f"{why}; {target.name} is in place")
    return evolve(
        evidence,
        result=RolledBack.code,
        exit_code=RolledBack.exit_code,
        backup=target.name,
        restored_tag=_held(deployment, target, named=backup is not None),
        restoration=restoration,
    )


def _held(deployment: Deployment | None, target: BackupFacts, *, named: bool) -> str:
    """The release that a backup holds, where that is known; of one that was named, where the deployment began with it."""
    if deployment is None or deployment.before is None or (named and target.name != deployment.backup):
        return ""
    return deployment.before.tag if deployment.before.held_by(target) else ""


def automatic_by_configuration(configuration: Configuration) -> bool:
    """Whether the environment rolls back by itself where the command line says nothing."""
    return bool(configuration.environment.rollback.automatic)


def warn_of_hazards(run: Guarded, deployment: Deployment | None, named: BackupFacts | None = None) -> None:
    """Say what would stop an automatic rollback if it were needed now, as far as that is known without reading a backup."""
    target = likely_target(run, deployment) if named is None and deployment is not None else named
    verified = True if target is not None or deployment is None else None
    for hazard in hazards(facts_for(run.configuration, deployment, target, verified=verified, named=named is not None)):
        text = f"an automatic rollback would be refused: {hazard.text}"
        run.say(f"warning: {text}")
        run.log.line("warning", text)


def _judge(
    run: Guarded, deployment: Deployment | None, reference: str | None
) -> tuple[BackupFacts | None, Sequence[Hazard]]:
    try:
        target: BackupFacts | None = pick_target(run, reference)
        verified: bool | None = True
    except GuardError as problem:
        run.say(str(problem))
        target, verified = None, None if problem.exit_code == 3 else False
    named = reference is not None
    return target, hazards(facts_for(run.configuration, deployment, target, verified=verified, named=named))


def _needs_person(run: Guarded, evidence: Evidence, text: str, held: Deployment | None) -> Evidence:
    """Hands off: people are told, and the record says held where it is still the one that was judged."""
    _page(run, text)
    if held is not None and _settled(run, held):
        recording.told(run, evolve(held, state=DeploymentState.HELD), why=text)
    return evolve(evidence, result=NeedsPerson.code, exit_code=NeedsPerson.exit_code)


def _page(run: Guarded, text: str) -> None:
    run.tell("needs-person", Level.CRITICAL, "A person is needed now", text)
    run.say(f"A PERSON IS NEEDED NOW: {text}")


def _settled(run: Guarded, held: Deployment) -> bool:
    """Whether it is held, and nobody else's by now; that a full disk cannot say so makes it no less held."""
    try:
        return deployments.settle(run, held, DeploymentState.HELD)
    except OSError:
        return True
    except GuardError as problem:
        run.say(f"warning: the record does not say held: {problem}")
        return False
