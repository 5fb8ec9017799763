"""Puts the verified backup back: snapshot, stop, restore, start, and the proof that the service is well again."""

from __future__ import annotations

from contextlib import ExitStack

from attrs import evolve, frozen

from dhash_guard.config import Configuration
from dhash_guard.errors import Damaged, GuardError, Locked, NeedsPerson, NoGo, UsageProblem
from dhash_guard.gates.claim import DEPLOYING, ROLLBACK
from dhash_guard.records.backup import BackupFacts, Purpose, Restoration
from dhash_guard.records.blast import BlastRadius
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso
from dhash_guard.records.stage import Change
from dhash_guard.report.escape import terminal
from dhash_guard.rollout import deployments, recording
from dhash_guard.rollout.alone import PATIENCE, alone
from dhash_guard.rollout.blast import Progress, blast_radius, sentences, summary
from dhash_guard.rollout.hold import Hold, held, publish_head
from dhash_guard.rollout.restore import require_identical
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.safety import for_a_person
from dhash_guard.rollout.service import control
from dhash_guard.rollout.verification import keep_artifacts, verify_service
from dhash_guard.system.interrupt import held_off


@frozen(kw_only=True)
class Orders:
    """What the caller allows: `insist` goes on where snapshot or stop fail, `skip_validation` without the proof afterwards.

    `override_safety` goes on where the safety table stops a person's rollback. With `instead_of` the rollback is given up
    where the deployment's record is no longer this one.
    """

    insist: bool = False
    skip_validation: bool = False
    override_safety: bool = False
    instead_of: Deployment | None = None


_RESTORE = 1800.0
"""Seconds that a restore is given, and one more for each _SLOW bytes of its archive."""
_SLOW = 1 << 20


class Overtaken(Locked):
    """Somebody else decided meanwhile, on this machine or on another one: there is nothing left to go back from."""


class NotProven(NeedsPerson):
    """The files are back, and the service is not shown to be well; `restoration` is what was put back."""

    def __init__(self, problem: GuardError, restoration: Restoration | None) -> None:
        super().__init__(f"the rollback is not proven well: {problem.what}", cure=problem.cure)
        self.restoration = restoration


def put_back(run: Guarded, target: BackupFacts, orders: Orders) -> Restoration | None:
    """All stages of a rollback under the environment's lock; return what was restored (None in a dry run).

    Raise Damaged or UsageProblem before anything is touched, Locked where somebody else is at it, NeedsPerson where the
    result is not proven. INT and TERM wait until it is over: a service that stays stopped is worse than a late answer.
    """
    with ExitStack() as local:
        try:
            local.enter_context(alone(run, f"rollback {run.facts.id}"))
        except Locked:
            _still_due(run.configuration, orders)
            raise
        if target.environment != run.environment:  # retention is kept away there as well
            theirs = run.configuration.layout.lock(target.environment)
            local.enter_context(run.machine.files.lock(theirs, f"rollback of {run.environment} {run.facts.id}"))
        local.enter_context(held_off(then_raise=False))
        _still_due(run.configuration, orders)
        spares = () if orders.instead_of is None else DEPLOYING
        with held(run, ROLLBACK, over=True, spares=spares, fails_safe=True) as hold:
            return _carried_out(run, target, orders, hold)


def _carried_out(run: Guarded, target: BackupFacts, orders: Orders, hold: Hold) -> Restoration | None:
    _not_overtaken(hold, orders)
    run.vault.wait_until_free()
    _at_hand(run, target)
    _snapshot(run, orders)
    hold.check(lasting=_longest(run, target))
    # Written before the first change: killed from here on, nobody may take what stands there for the release. GitHub, where
    # it answers, must not call a success what is about to go.
    _announce(run, target, orders, told=hold.store.shared)
    try:
        restoration = _exchange(run, target, orders, hold)
    except (Damaged, UsageProblem):  # refused before anything was touched
        _note(run, target, DeploymentState.HELD, counted=-1)
        raise
    except GuardError as problem:
        _note(run, target, DeploymentState.ROLLBACK_FAILED)
        raise NeedsPerson(f"the rollback failed: {problem.what}", cure=problem.cure) from problem
    try:
        hold.beat()
        _prove(run, orders)
        _tell_what_lives(run, target, hold)
        _remember(run, target, DeploymentState.ROLLED_BACK)
    except GuardError as problem:
        _note(run, target, DeploymentState.ROLLBACK_FAILED)
        raise NotProven(problem, restoration) from problem
    finally:
        keep_artifacts(run)
    return restoration


def _longest(run: Guarded, target: BackupFacts) -> float:
    """Seconds that stop, restore and start may take, one after the other; the claim is made to last as long."""
    environment = run.configuration.environment
    control = environment.service_control
    loads = sum(part.timeout for part in environment.backup.components.values() if part.restore)
    return (2 * control.timeout if control else 0.0) + PATIENCE + loads + _RESTORE + target.size / _SLOW


def rollback(
    run: Guarded, target: BackupFacts, orders: Orders, *, radius: BlastRadius | None = None, progress: Progress | None = None
) -> Evidence:
    """The `rollback` verb, ordered by a person: exit 0, or 6 where the result is not proven, or 4 for a bad backup.

    `radius` is what the person was shown before the answer. A dry run looks at it closely, and tells `progress`.
    """
    begun = False
    try:
        if run.machine.dry:
            radius = _surveyed(run, target, progress or (lambda entries, read: None))
        reason = run.facts.reason or "no reason given"
        run.tell("rollback-begun", Level.WARNING, "Rollback begun", f"to {target.name}", reason=reason)
        begun = True
        restoration = put_back(run, target, orders)
    except GuardError as problem:
        if begun:
            run.tell("rollback-failed", Level.CRITICAL, "Rollback failed", str(problem))
        return refused(run, problem, target, radius)
    result = "planned" if run.machine.dry else "unverified" if orders.skip_validation else "rolled-back"
    run.tell("rolled-back", Level.WARNING, "Rolled back", f"to {target.name}")
    sealed = run.seal(
        evolve(run.evidence(result=result, exit_code=0), backup=target.name, restoration=restoration, blast=radius)
    )
    if not orders.skip_validation:  # a success is said of nothing that was not shown to be well
        recording.live_again(run, target.name)
    publish_head(run)
    return sealed


def refused(
    run: Guarded, problem: GuardError, target: BackupFacts | None = None, radius: BlastRadius | None = None
) -> Evidence:
    """The sealed record of a rollback that came to nothing, with its exit code."""
    if not any(stage.text == str(problem) for stage in run.stages):  # else the story tells it
        run.say(str(problem))
    evidence = run.evidence(result=problem.code, exit_code=problem.exit_code)
    backup, restoration = target.name if target is not None else "", restored_by(problem)
    return run.seal(evolve(evidence, backup=backup, restoration=restoration, blast=radius))


def restored_by(problem: BaseException) -> Restoration | None:
    """What a rollback had put back before it failed."""
    return problem.restoration if isinstance(problem, NotProven) else None


def require_safe(run: Guarded, target: BackupFacts, orders: Orders) -> None:
    """Ask the safety table before anybody is asked; raise NeedsPerson where it says no and nothing overrides it."""
    stops, others = for_a_person(run.configuration, deployments.legible(run.configuration), target)
    for hazard in others:
        run.say(f"warning: {hazard.text}")

    def work() -> Done:
        text = "; ".join(hazard.text for hazard in stops)
        if stops and not (orders.override_safety or orders.skip_validation):
            raise NeedsPerson(f"nothing was touched: {text}", cure="If that is meant, say it with --override-safety.")
        said = [hazard.text for hazard in others]
        return Done(f"overridden: {text}" if stops else "; ".join(said) or "nothing speaks against it")

    run.stage("rollback safety", work)


def _surveyed(run: Guarded, target: BackupFacts, progress: Progress) -> BlastRadius:
    """The blast radius as a stage, and in the plan."""
    held: list[BlastRadius] = []

    def work() -> str:
        held.append(blast_radius(run, target, progress))
        return summary(held[0])

    run.stage("blast radius", work)
    if run.machine.plan is not None:
        run.machine.plan.extend(Change(verb, terminal(text)) for verb, text in sentences(held[0]))
    return held[0]


def _still_due(configuration: Configuration, orders: Orders) -> None:
    """Whoever held the lock before may have done it already."""
    if orders.instead_of is not None and not deployments.unchanged(configuration, orders.instead_of):
        raise Overtaken("somebody else decided on this deployment meanwhile", cure="Look at the latest run.")


def _at_hand(run: Guarded, target: BackupFacts) -> None:
    """The backup is still there as it was chosen; from here on the environment's lock keeps retention away from it."""
    try:
        run.vault.require(target)
    except (GuardError, OSError) as problem:
        gone = problem
        run.stage("rollback target at hand", lambda: _raised(gone))


def _raised(problem: Exception) -> str:
    raise problem


def _not_overtaken(hold: Hold, orders: Orders) -> None:
    """Another machine may have deployed since; then what is to blame is no longer what runs."""
    blamed = orders.instead_of
    live = hold.overtaken(blamed.id, blamed.fencing, blamed.begun_at) if blamed is not None else None
    if live is not None:
        raise Overtaken(
            f"{live.tag or live.backup or live.run} is live since {iso(live.at)}, not what this rollback is for",
            where=hold.store.where,
            cure="Look at the latest run of the other machine.",
        )


def _tell_what_lives(run: Guarded, target: BackupFacts, hold: Hold) -> None:
    """What was done stays done, whether or not it can be told; raise Locked where somebody else may have changed it."""
    try:
        hold.lives(run.facts.id, backup=target.name)
    except Locked:
        raise
    except GuardError as problem:
        run.say(f"warning: the shared state was not told of this rollback: {problem}")


def _snapshot(run: Guarded, orders: Orders) -> None:
    """Keep what is there now; its failure is recorded, and stops only a rollback that nobody insists on."""
    try:
        run.stage("rollback snapshot", lambda: run.vault.take(Purpose.PRE_ROLLBACK).text)
    except GuardError as problem:
        if not orders.insist:
            raise
        run.say(f"warning: what stands there now could not be kept: {problem.what}")


def _exchange(run: Guarded, target: BackupFacts, orders: Orders, hold: Hold) -> Restoration | None:
    """Stop, restore, start; the service is started again also when stop or restore fail, or somebody took over."""
    controlled = run.configuration.environment.service_control is not None
    held: list[Restoration | None] = []

    def restore() -> Done:
        run.vault.wait_until_free()  # a nightly backup may have begun since the snapshot
        done = run.vault.restore(target)
        held.append(done.restoration)
        require_identical(done.restoration)
        return Done(done.text)

    try:
        if controlled:
            _stop(run, orders)
        hold.beat()
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
    """Show that the service is well; raise GuardError where it is not shown, whatever the reason."""
    if orders.skip_validation:
        run.skip("rollback verification", "skip-validation", "left out on request; the result is unverified")
    else:
        verify_service(run)


def _announce(run: Guarded, target: BackupFacts, orders: Orders, *, told: bool) -> None:
    """Write down that a rollback begins. Where that fails, only a person who insists goes on: one that nobody ordered must
    be counted, or it would be done again and again."""
    try:
        _remember(run, target, DeploymentState.ROLLING_BACK, counted=1, told=told)
    except NoGo as problem:
        if not orders.insist or orders.instead_of is not None:
            raise
        run.say(f"warning: {problem}")


def _note(run: Guarded, target: BackupFacts, state: DeploymentState, *, counted: int = 0) -> None:
    """Remember how it failed; where that cannot be written either, it is said, and the failure is what counts."""
    try:
        _remember(run, target, state, counted=counted)
    except NoGo as problem:
        run.say(f"warning: {problem}")


def _remember(run: Guarded, target: BackupFacts, state: DeploymentState, *, counted: int = 0, told: bool = True) -> None:
    """Write how the rollback stands on the deployment's record, and where it is `told` on GitHub's; raise NoGo where the
    record cannot be written."""
    deployment = deployments.legible(run.configuration)
    if deployment is None:
        return
    to = target.name if state is DeploymentState.ROLLED_BACK else ""
    rollbacks, now = deployment.rollbacks + counted, run.machine.clock.now()
    changed = evolve(deployment, state=state, rollbacks=rollbacks, rolled_back_to=to, changed_at=now)
    try:
        deployments.keep(run.machine, run.configuration, changed)
    except OSError as problem:
        raise NoGo(
            f"how the rollback stands ({state.value}) cannot be written: {problem.strerror or problem}",
            where=str(run.configuration.layout.deployment(run.environment)),
            cure="Make room, or make that file writable.",
        ) from problem
    if told:
        recording.told(run, changed, why=target.name)
