"""Puts the verified backup back: snapshot, stop, restore, start, and the proof that the service is well again."""

from __future__ import annotations

from attrs import evolve, frozen

from dhash_guard.backup.settings import When
from dhash_guard.config import Configuration
from dhash_guard.errors import CannotTell, Damaged, GuardError, Locked, NeedsPerson, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose, Restoration
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout import deployments
from dhash_guard.rollout.health import prove_healthy
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.service import control
from dhash_guard.rollout.smoke import prove_smoke
from dhash_guard.rollout.target import choose, warnings_for
from dhash_guard.system.interrupt import held_off


@frozen(kw_only=True)
class Orders:
    """What the caller allows: `insist` goes on where snapshot or stop fail, `skip_validation` without the proof afterwards.

    With `instead_of` the rollback is given up where the deployment's record is no longer this one.
    """

    insist: bool = False
    skip_validation: bool = False
    instead_of: Deployment | None = None


def belonging(configuration: Configuration) -> tuple[str, ...]:
    """The components that belong to every backup of the environment."""
    components = configuration.environment.backup.components
    return tuple(name for name, component in components.items() if component.when is When.ALWAYS)


def pick_target(run: Guarded, reference: str | None, from_environment: str | None = None) -> BackupFacts:
    """The backup to go back to, every refusal said; raise CannotTell where there is none, Damaged where it is bad."""
    deployment, needed = deployments.latest(run.configuration), belonging(run.configuration)
    if reference is not None:
        facts = run.vault.find(reference, from_environment)
        for warning in warnings_for(facts, deployment, needed):
            run.say(f"warning: {warning}")
            run.log.line("warning", warning)
        if problems := run.vault.verify(facts).problems:
            raise Damaged(f"{facts.name} cannot be restored: {'; '.join(problems[:3])}", cure="Nothing was touched.")
        return facts
    choice = choose(run.vault.listing(), deployment, run.vault.verify, needed)
    for name, why in choice.refused:
        run.log.line("warning", f"not a rollback target: {name}: {why}")
        run.say(f"not {name}: {why}")
    for warning in choice.warnings:
        run.say(f"warning: {warning}")
    if choice.target is None:
        listed = "; ".join(f"{name}: {why}" for name, why in choice.refused) or "there is no backup of this environment"
        raise CannotTell(f"nothing to roll back to ({listed})", cure="Name a backup with --backup, or restore by hand.")
    return choice.target


def put_back(run: Guarded, target: BackupFacts, orders: Orders) -> Restoration | None:
    """All stages of a rollback under the environment's lock; return what was restored (None in a dry run).

    Raise Damaged or UsageProblem before anything is touched, Locked where somebody else is at it, NeedsPerson where the
    result is not proven. INT and TERM wait until it is over: a service that stays stopped is worse than a late answer.
    """
    configuration = run.configuration
    holder = f"rollback {run.facts.id}"
    with held_off(then_raise=False), run.machine.files.lock(configuration.layout.lock(configuration.name), holder):
        _still_due(configuration, orders)
        run.vault.wait_until_free()
        _snapshot(run, orders)
        # Written before the first change: killed from here on, nobody may take what stands there for the release.
        _remember(run, DeploymentState.ROLLING_BACK, counted=1)
        try:
            restoration = _exchange(run, target, orders)
        except (Damaged, UsageProblem):  # refused before anything was touched
            _remember(run, DeploymentState.HELD, counted=-1)
            raise
        except GuardError as problem:
            _remember(run, DeploymentState.ROLLBACK_FAILED)
            raise NeedsPerson(f"the rollback failed: {problem.what}", cure=problem.cure) from problem
        _prove(run, orders)
        _remember(run, DeploymentState.ROLLED_BACK)
    return restoration


def rollback(run: Guarded, target: BackupFacts, orders: Orders) -> Evidence:
    """The `rollback` verb, ordered by a person: exit 0, or 6 where the result is not proven, or 4 for a bad backup."""
    run.tell(
        "rollback-begun", Level.WARNING, "Rollback begun", f"to {target.name}", reason=run.facts.reason or "no reason given"
    )
    try:
        restoration = put_back(run, target, orders)
    except GuardError as problem:
        run.tell("rollback-failed", Level.CRITICAL, "Rollback failed", str(problem))
        run.say(str(problem))
        return run.seal(evolve(run.evidence(result=problem.code, exit_code=problem.exit_code), backup=target.name))
    result = "unverified" if orders.skip_validation else "rolled-back"
    run.tell("rolled-back", Level.WARNING, "Rolled back", f"to {target.name}")
    return run.seal(evolve(run.evidence(result=result, exit_code=0), backup=target.name, restoration=restoration))


def _still_due(configuration: Configuration, orders: Orders) -> None:
    """Whoever held the lock before may have done it already."""
    if orders.instead_of is not None and not deployments.unchanged(configuration, orders.instead_of):
        raise Locked("somebody else decided on this deployment meanwhile", cure="Look at the latest run.")


def _snapshot(run: Guarded, orders: Orders) -> None:
    """Keep what is there now; its failure is recorded, and stops only a rollback that nobody insists on."""
    try:
        run.stage("rollback snapshot", lambda: run.vault.take(Purpose.PRE_ROLLBACK).text)
    except GuardError:
        if not orders.insist:
            raise


def _exchange(run: Guarded, target: BackupFacts, orders: Orders) -> Restoration | None:
    """Stop, restore, start; the service is started again also when stop or restore fail."""
    controlled = run.configuration.environment.service_control is not None
    held: list[Restoration | None] = []

    def restore() -> Done:
        done = run.vault.restore(target)
        held.append(done.restoration)
        if done.restoration is not None and not done.restoration.identical:
            raise NeedsPerson(f"what stands there now is not what {target.name} holds", cure="Something else writes there.")
        return Done(done.text)

    try:
        if controlled:
            _stop(run, orders)
        run.stage("rollback restore", restore)
    finally:
        if controlled:
            _start(run)
    return held[0]


def _start(run: Guarded) -> None:
    """Start the service again; whatever kept it from starting, its files may have been exchanged by now."""
    try:
        run.stage("rollback start", lambda: control(run, "start"))
    except GuardError as problem:
        raise NeedsPerson(f"the service could not be started: {problem.what}", cure=problem.cure) from problem


def _stop(run: Guarded, orders: Orders) -> None:
    """A release that has crashed often cannot be stopped; that must not keep anybody from going back."""
    try:
        run.stage("rollback stop", lambda: control(run, "stop"))
    except GuardError:
        if not orders.insist:
            raise


def _prove(run: Guarded, orders: Orders) -> None:
    """Show that the service is well; raise NeedsPerson where it is not shown, whatever the reason."""
    if orders.skip_validation:
        run.skip("rollback verification", "skip-validation", "left out on request; the result is unverified")
        return
    try:
        _look(run)
    except GuardError as problem:
        _remember(run, DeploymentState.ROLLBACK_FAILED)
        raise NeedsPerson(f"the rollback is not proven well: {problem.what}", cure=problem.cure) from problem


def _look(run: Guarded) -> None:
    settings = run.configuration.environment.rollback
    environment = run.configuration.environment
    if environment.base_url is None:
        raise CannotTell("the service has no base_url, so nothing shows that it is well")
    run.stage(
        "rollback health",
        lambda: prove_healthy(run, consecutive=settings.consecutive, apart=settings.apart, patience=3 * settings.apart),
        after_change=True,
    )
    if environment.smoke:
        quick = any(check.quick for check in environment.smoke)
        run.stage("rollback smoke", lambda: prove_smoke(run, quick=quick), after_change=True)


def _remember(run: Guarded, state: DeploymentState, *, counted: int = 0) -> None:
    deployment = deployments.latest(run.configuration)
    if deployment is not None:
        changed = evolve(deployment, state=state, rollbacks=deployment.rollbacks + counted)
        deployments.keep(run.machine, run.configuration, changed)
