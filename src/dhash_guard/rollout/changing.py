"""Begins a change of what is live, and ends one that failed: what a deployment and a migration have in common."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.errors import CannotTell, GuardError, RolledBack
from dhash_guard.gates.baseline import baseline_of
from dhash_guard.records.deployment import Baseline, Deployment, DeploymentState, Predecessor
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout import deployments, recording
from dhash_guard.rollout.automatic import roll_back_automatically
from dhash_guard.rollout.history import looks_before
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.shared import live_now
from dhash_guard.signals import Sampler


def begin(run: Guarded, deployment: Deployment, relied_on: Sequence[str] = ()) -> Deployment:
    """Write down, here and on GitHub, that something is about to change; a killed command leaves this record."""
    deployments.keep(run.machine, run.configuration, deployment)
    begun = recording.begun(run, deployment, relied_on)
    if begun != deployment:
        deployments.keep(run.machine, run.configuration, begun)
    what = deployment.tag or "the migration"
    run.tell("deploy-begun", Level.INFO, "Deployment begun", f"{what} to {run.environment}")
    return begun


def interrupted(run: Guarded, begun: Deployment) -> Evidence:
    """Asked to end in the middle of a change: say so loudly, because what stands there is half of something."""
    text = f"stopped in the middle of {begun.tag or 'a migration'}; what stands there now may be half of it"
    run.tell("aborted", Level.CRITICAL, "Deployment aborted", text)
    run.say(f"{text}\nRun `dhash-guard rollback --env {run.environment}`, or deploy again.")
    return run.seal(evolve(run.evidence(result="aborted", exit_code=CannotTell.exit_code), deployment=begun.id))


def fall_back(run: Guarded, begun: Deployment, failed: GuardError, why: str, *, automatic: bool) -> Evidence:
    """A change that failed: told, and taken back where that is wanted and safe."""
    run.tell("deploy-failed", Level.ERROR, "Deployment failed", why)
    evidence = evolve(run.evidence(result=failed.code, exit_code=failed.exit_code), deployment=begun.id)
    if automatic and not run.machine.dry:
        evidence = roll_back_automatically(run, evidence, why, begun, backup=begun.backup or None)
    else:
        recording.failed(run, begun, failed.what)
    sealed = run.seal(evidence)
    if sealed.result == RolledBack.code:
        recording.live_again(run, sealed.backup)
    return sealed


def new_deployment(run: Guarded, tag: str, backup: str, baseline: Baseline | None) -> Deployment:
    """The record of a deployment that begins now.

    Where the one before never came to its end, what stands there is half of something: this one goes on from before it.
    """
    known = [facts.sequence for facts in run.vault.listing() if not facts.problem]
    fresh = Deployment(
        id=run.facts.id,
        environment=run.environment,
        tag=tag,
        commit=run.facts.commit,
        begun_at=run.machine.clock.now(),
        newest_sequence=max(known, default=0),
        backup=backup,
        baseline=baseline,
        state=DeploymentState.BEGUN,
    )
    recording.catch_up(run)
    before = deployments.latest(run.configuration)
    if before is None or before.state not in deployments.UNFINISHED:
        return evolve(fresh, before=_predecessor(run, before))
    run.say(f"warning: {before.tag or 'a migration'} was begun and never came to its end; a rollback goes to before it")
    recording.abandoned(run, before)
    return evolve(
        fresh,
        newest_sequence=before.newest_sequence,
        backup=before.backup,
        baseline=before.baseline,
        migrated=before.migrated,
        before=before.before,
    )


def _predecessor(run: Guarded, before: Deployment | None) -> Predecessor | None:
    """What stands there before a deployment: by the record of the one before it, else by what all runs share."""
    if before is None:
        live = live_now(run)
        if live is None:
            return None
        return Predecessor(tag=live.tag, since=live.at, newest_sequence=live.newest_sequence, backup=live.backup)
    stands = before.state is not DeploymentState.ROLLED_BACK and not before.rolled_back_to
    # Of any backup but the one that it began with it is not known which release it holds.
    again = before.before.tag if before.before is not None and before.rolled_back_to == before.backup else ""
    return Predecessor(
        tag=before.tag if stands else again,
        since=max(before.begun_at, before.changed_at),
        newest_sequence=before.newest_sequence,
        backup=before.rolled_back_to,
    )


def take_baseline(run: Guarded) -> Baseline:
    """Look at the running service as often as the configuration says, before anything changes; and at what was recorded."""
    environment = run.configuration.environment
    clock, plan = run.machine.clock, environment.monitor
    sampler = Sampler(
        environment.health, environment.signals, environment.base_url or "", run.configuration.layout.root, run.machine
    )
    ticks = []
    for index in range(plan.baseline):
        if index:
            # Never slower than once a second: a deployment must not wait minutes for its own baseline.
            clock.sleep(min(float(plan.interval), 1.0))
        ticks.append(sampler.look(index, round(clock.now(), 3)))
    return baseline_of(ticks, clock.now(), looks_before(run, ticks[0].at) if ticks else ())
