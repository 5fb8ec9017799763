"""Carries out the verdict of a watch: settles the deployment that it is about, or goes back to what was before."""

from __future__ import annotations

from attrs import evolve

from dhash_guard.errors import CannotTell, Locked, NeedsPerson, NoGo, RolledBack
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Decision, Status, Verdict
from dhash_guard.rollout import deployments, recording
from dhash_guard.rollout.automatic import roll_back_automatically
from dhash_guard.rollout.run import Guarded

_STATES = {
    Status.HEALTHY: DeploymentState.HEALTHY,
    Status.DEGRADED: DeploymentState.DEGRADED,
    Status.CANNOT_TELL: DeploymentState.HELD,
}

_STANDING = (*deployments.UNDECIDED, DeploymentState.HEALTHY, DeploymentState.DEGRADED)


def exit_code(verdict: Verdict) -> int:
    """0 healthy, 1 degraded, 3 cannot tell; what acting on it does may change it."""
    match verdict.status:
        case Status.HEALTHY:
            return 0
        case Status.DEGRADED:
            return NoGo.exit_code
        case _:
            return CannotTell.exit_code


def undecided(run: Guarded) -> Deployment | None:
    """The deployment that this watch may decide; raise NeedsPerson where it, or a rollback of it, was left half done.

    A migration by itself has no end of its own: whether one was killed is not known, and it is watched as it stands.
    """
    deployment = deployments.latest(run.configuration)
    if deployment is not None and deployment.state is DeploymentState.BEGUN and deployment.tag and not run.machine.dry:
        raise NeedsPerson(
            f"the deployment of {deployment.tag} was begun and has not come to its end",
            cure=f"Deploy again, or `dhash-guard rollback --env {run.environment}`; a watch would judge half of it.",
        )
    if deployment is not None and deployment.state is DeploymentState.ROLLING_BACK and not run.machine.dry:
        raise NeedsPerson(
            f"a rollback of {deployment.tag or 'a migration'} was begun and never came to its end",
            cure=f"Run `dhash-guard rollback --env {run.environment}` again; a watch would judge half of it.",
        )
    return deployment if deployment is not None and deployment.state in deployments.UNDECIDED else None


def standing_tag(run: Guarded) -> str:
    """The release that stands there as far as is known here; empty after a rollback, or where none is recorded."""
    deployment = deployments.latest(run.configuration)
    return deployment.tag if deployment is not None and deployment.state in _STANDING else ""


def act(
    run: Guarded,
    evidence: Evidence,
    verdict: Verdict,
    deployment: Deployment | None,
    *,
    backup_file: str | None,
    recorded: bool,
) -> Evidence:
    """Carry out the decision; return the sealed evidence with what became of it.

    A verdict is sealed before any record says it: killed in between, nothing reads as healthy that is not proven.
    `backup_file` is what a rollback goes back to where a person named it, `recorded` says that a log was judged.
    """
    run.say(f"{verdict.status.value}: {verdict.reason}")
    level = {0: Level.INFO, 1: Level.ERROR}.get(evidence.exit_code, Level.ERROR)
    run.tell("verdict", level, f"{verdict.status.value} ({verdict.decision.value})", verdict.reason)
    if verdict.decision is Decision.ROLL_BACK:
        if obstacle := _obstacle(run, recorded=recorded):
            run.skip("rollback", "not-acted", obstacle)
            return run.seal(evidence)
        sealed = run.seal(roll_back_automatically(run, evidence, verdict.reason, deployment, backup=backup_file))
        if sealed.result == RolledBack.code:
            recording.live_again(run, sealed.backup)
        return sealed
    if deployment is None or run.machine.dry or recorded:
        if deployment is None and not recorded:
            recording.catch_up(run)
        return run.seal(evidence)
    state, proven = _STATES[verdict.status], list[Evidence]()
    try:
        settled = deployments.settle(run, deployment, state, prove=lambda: proven.append(run.seal(evidence)))
    except Locked as problem:
        run.say(str(problem))
        run.skip("verdict", problem.code, f"not written down: {problem.what}")
        return run.seal(evolve(evidence, result=problem.code, exit_code=problem.exit_code))
    if not settled:
        run.skip("verdict", "overtaken", "somebody deployed or rolled back meanwhile; this verdict is of what was there")
        return run.seal(evolve(evidence, result="overtaken", exit_code=CannotTell.exit_code))
    recording.told(run, evolve(deployment, state=state), why=verdict.reason)
    return proven[0]


def _obstacle(run: Guarded, *, recorded: bool) -> str:
    """Why a decision to roll back is told and not acted on: it is a rehearsal, or a log instead of the service."""
    if run.machine.dry:
        return "a dry run decides and changes nothing"
    return "a recorded log decides and changes nothing" if recorded else ""
