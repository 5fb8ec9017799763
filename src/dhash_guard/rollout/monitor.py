"""Watches a release, decides, and where the verdict says so and it is safe, goes back by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Protocol

from attrs import evolve, frozen

from dhash_guard.config import Configuration
from dhash_guard.errors import CannotTell, NeedsPerson, NoGo, UsageProblem
from dhash_guard.gates.plan import Mode
from dhash_guard.gates.watch import TickReport, Watch, judge
from dhash_guard.ledger.samples import SampleLog
from dhash_guard.records.codec import to_data
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence, Judged
from dhash_guard.records.outcome import Decision, Ending, GateOutcome, Status, Verdict
from dhash_guard.records.sample import Health, Tick
from dhash_guard.rollout import deployments
from dhash_guard.rollout.automatic import automatic_by_configuration, foreseeable, roll_back_automatically
from dhash_guard.rollout.checkpoint import ON_COURSE, Checkpoint, start_of
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.ticks import Unfinished, live, note_state, unfinished, without_secrets
from dhash_guard.signals import Sampler, dimensions, recorded
from dhash_guard.system.interrupt import Interrupted, held_off


class Viewer(Protocol):
    """Shows a watch while it runs."""

    def show(self, watch: Watch, report: TickReport) -> None: ...

    def close(self) -> None: ...


@frozen(kw_only=True)
class WatchOrders:
    """What the caller asks for: `automatic` None takes the configuration's word; `recorded` judges a log instead.

    `since` is when a watch that is judged at checkpoints began, in UTC seconds.
    """

    automatic: bool | None = None
    backup_file: str | None = None
    recorded: Path | None = None
    since: float | None = None


def monitor(run: Guarded, orders: WatchOrders, viewer: Viewer) -> Evidence:
    """The `monitor` verb: 0 healthy, 1 degraded, 3 cannot tell or aborted, 5 rolled back, 6 a person is needed.

    At a checkpoint before the last 0 is also `on-course`: nothing has fired, and the deployment stays undecided.
    """
    if not any(gate.action.decides for gate in run.configuration.environment.gates.values()):
        raise UsageProblem(
            f"no gate of {run.environment} can decide anything",
            cure="Give at least one gate with action: rollback or block.",
        )
    automatic = automatic_by_configuration(run.configuration) if orders.automatic is None else orders.automatic
    deployment = _undecided(run)
    if automatic and orders.recorded is None:
        for hazard in foreseeable(run, deployment):
            run.say(f"warning: an automatic rollback would be refused: {hazard.text}")
    checkpoint = _checkpoint(run, orders, deployment)
    ticks, started_at = _ticks(run, orders, deployment, checkpoint)
    baseline = deployment.baseline if deployment is not None else None
    watch = Watch(
        run.configuration.environment.gates,
        run.configuration.environment.monitor,
        started_at=started_at,
        automatic=automatic,
        baseline=baseline,
    )
    log = SampleLog(run.folder / "samples.jsonl", run.machine.files)
    ending = _fold(run, watch, ticks, log, viewer, deployment)
    verdict = watch.verdict(ending)
    evidence = evolve(
        run.evidence(result=verdict.status.value, exit_code=_exit_code(verdict)),
        verdict=verdict,
        samples=log.reference(),
        judged=_judged(run.configuration, automatic, deployment, recorded=orders.recorded is not None),
        deployment=deployment.id if deployment is not None else "",
    )
    if checkpoint is not None and _on_the_way(run, checkpoint, verdict):
        return run.seal(evolve(evidence, result=ON_COURSE, exit_code=0))
    sealed = run.seal(_act(run, evidence, verdict, deployment, orders))
    # Only now: killed before, the next watch replays what was seen, comes to the same verdict, and acts on it.
    _note(run, watch, deployment, finished=True)
    return sealed


def _undecided(run: Guarded) -> Deployment | None:
    """The deployment that this watch may decide; raise NeedsPerson where a rollback was left half done."""
    deployment = deployments.latest(run.configuration)
    if deployment is not None and deployment.state is DeploymentState.ROLLING_BACK and not run.machine.dry:
        raise NeedsPerson(
            f"a rollback of {deployment.tag or 'a migration'} was begun and never came to its end",
            cure=f"Run `dhash-guard rollback --env {run.environment}` again; a watch would judge half of it.",
        )
    return deployment if deployment is not None and deployment.state in deployments.UNDECIDED else None


def _checkpoint(run: Guarded, orders: WatchOrders, deployment: Deployment | None) -> Checkpoint | None:
    """The checkpoint that is judged now; None where the watch looks by itself, or reads a log that was named."""
    plan = run.configuration.environment.monitor
    if plan.mode is not Mode.CHECKPOINT or orders.recorded is not None:
        if orders.since is not None:
            raise UsageProblem("--since is for mode: checkpoint", cure="A watch begins now, a log with its first look.")
        return None
    return Checkpoint(run, plan, start_of(run, orders.since, deployment), run.machine.clock.now())


def _on_the_way(run: Guarded, checkpoint: Checkpoint, verdict: Verdict) -> bool:
    """Say what stands in the way of a verdict, and where nothing else is to be done, when to come back."""
    if verdict.ending is Ending.CUT_SHORT and verdict.status is Status.CANNOT_TELL:
        for doubt in checkpoint.doubts(verdict):
            run.say(f"warning: {doubt}")
    if not checkpoint.on_course(verdict):
        return False
    run.skip("verdict", ON_COURSE, checkpoint.text())
    run.say(f"{ON_COURSE}: {checkpoint.text()}")
    run.tell(ON_COURSE, Level.INFO, "On course, not decided", checkpoint.text())
    return True


def _note(run: Guarded, watch: Watch, deployment: Deployment | None, *, finished: bool) -> None:
    """Write how far the watch has come; a disk that takes no more must not end it."""
    if watch.plan.mode is Mode.CHECKPOINT:
        return  # the next checkpoint judges from the start again
    identity = deployment.id if deployment is not None else ""
    with suppress(OSError):
        note_state(run, deployment=identity, started_at=watch.started_at, finished=finished)


def _ticks(
    run: Guarded, orders: WatchOrders, deployment: Deployment | None, checkpoint: Checkpoint | None
) -> tuple[Iterator[Tick], float]:
    """The ticks to judge and when the watch began: of a log or checkpoint, of a killed watch that goes on, or from now."""
    if checkpoint is not None:
        return checkpoint.ticks(), checkpoint.started_at
    if orders.recorded is not None:
        told = recorded.ticks(orders.recorded)
        first = next(told, None)
        if first is None:
            raise CannotTell("the recorded log has no ticks", where=str(orders.recorded))
        return chain([first], told), first.at
    environment = run.configuration.environment
    before = unfinished(run, environment.monitor, deployment.id) if deployment is not None else None
    if before is not None and before.late and not _decided(run, before, deployment):
        before = None  # it had seen nothing wrong, and its hour is over: begin anew
    seen = before.ticks if before is not None else ()
    sampler = Sampler(
        environment.health,
        environment.signals,
        base_url(run.configuration),
        run.configuration.layout.root,
        run.machine,
        resumed=seen,
    )
    started_at = before.started_at if before is not None and seen else round(run.machine.clock.now(), 3)
    if before is not None and seen:
        run.say(f"going on with the watch of {before.run}: {len(seen)} looks so far")
    return chain(seen, live(run, environment.monitor, sampler, started_at, len(seen))), started_at


def _decided(run: Guarded, before: Unfinished, deployment: Deployment | None) -> bool:
    """Whether what a killed watch had seen is an answer already, which no later look may take back."""
    environment = run.configuration.environment
    baseline = deployment.baseline if deployment is not None else None
    seen = Watch(environment.gates, environment.monitor, started_at=before.started_at, automatic=False, baseline=baseline)
    return judge(before.ticks, seen).status is Status.DEGRADED


def _fold(
    run: Guarded, watch: Watch, ticks: Iterator[Tick], log: SampleLog, viewer: Viewer, deployment: Deployment | None
) -> Ending | None:
    """Judge tick by tick until the watch has its answer; None where it ended by itself."""
    try:
        for raw in ticks:
            tick = without_secrets(raw, run.redactor)
            with held_off():  # what is judged is recorded, or the evidence could not be recomputed
                log.append(tick)
                report = _observe(watch, tick)
                _note(run, watch, deployment, finished=False)
            _write(run, report)
            viewer.show(watch, report)
            if report.ending is not None:
                return None
    except (KeyboardInterrupt, Interrupted):
        # Told to stop after the answer was there: the answer stands.
        return None if watch.ended else Ending.ABORTED
    except OSError as problem:
        text = f"the samples cannot be recorded: {problem.strerror or problem}"
        run.tell("cannot-record", Level.CRITICAL, "The watch cannot go on", text)
        run.say(text)
        return Ending.ABORTED
    finally:
        viewer.close()
    return Ending.CUT_SHORT


def _observe(watch: Watch, tick: Tick) -> TickReport:
    try:
        return watch.observe(tick)
    except ValueError as problem:
        raise UsageProblem(f"the recorded log is not in order: {problem}") from problem


def _write(run: Guarded, report: TickReport) -> None:
    """The lines that people grep for."""
    health, latency = (report.tick.samples.get(name) for name in ("health", "health.latency"))
    if isinstance(health, Health):
        took = f"{latency * 1000:.0f} ms" if isinstance(latency, float) else "none"
        run.log.line("info", f"health {health.value}, response time {took}", tick=report.tick.index)
    for outcome in report.changed:
        _write_change(run, outcome)


def _write_change(run: Guarded, outcome: GateOutcome) -> None:
    data = {"gate": outcome.gate, "action": outcome.action.value, "reason_code": outcome.reason_code}
    match outcome.status:
        case Status.DEGRADED:
            run.log.line("error", f"Quality gate failed: {outcome.gate}: {outcome.text}", **data)
            level = Level.ERROR if outcome.action.decides else Level.WARNING
            run.tell("gate-failed", level, f"Quality gate failed: {outcome.gate}", outcome.text)
        case Status.CANNOT_TELL:
            run.log.line("warning", f"Quality gate cannot tell: {outcome.gate}: {outcome.text}", **data)
        case Status.HEALTHY:
            run.log.line("info", f"Quality gate passing: {outcome.gate}: {outcome.text}", **data)
        case Status.NOT_JUDGED:
            run.log.line("warning", f"Quality gate not judged: {outcome.gate}: {outcome.text}", **data)


def _exit_code(verdict: Verdict) -> int:
    match verdict.status:
        case Status.HEALTHY:
            return 0
        case Status.DEGRADED:
            return NoGo.exit_code
        case _:
            return CannotTell.exit_code


def _judged(configuration: Configuration, automatic: bool, deployment: Deployment | None, *, recorded: bool) -> Judged:
    environment = configuration.environment
    known = dimensions(environment.signals)
    return Judged(
        gates={
            name: {key: value for key, value in to_data(gate).items() if value is not None}
            for name, gate in environment.gates.items()
        },
        order=tuple(environment.gates),
        plan=to_data(environment.monitor),
        baseline=deployment.baseline if deployment is not None else None,
        automatic=automatic,
        recorded=recorded,
        signals={name: dimension.value if dimension is not None else "health" for name, dimension in known.items()},
    )


_STATES = {
    Status.HEALTHY: DeploymentState.HEALTHY,
    Status.DEGRADED: DeploymentState.DEGRADED,
    Status.CANNOT_TELL: DeploymentState.HELD,
}


def _act(run: Guarded, evidence: Evidence, verdict: Verdict, deployment: Deployment | None, orders: WatchOrders) -> Evidence:
    """Carry out the decision."""
    run.say(f"{verdict.status.value}: {verdict.reason}")
    level = {0: Level.INFO, 1: Level.ERROR}.get(evidence.exit_code, Level.ERROR)
    run.tell("verdict", level, f"{verdict.status.value} ({verdict.decision.value})", verdict.reason)
    if verdict.decision is Decision.ROLL_BACK:
        if obstacle := _obstacle(run, orders):
            run.skip("rollback", "not-acted", obstacle)
            return evidence
        return roll_back_automatically(run, evidence, verdict.reason, deployment, backup=orders.backup_file)
    if deployment is None or run.machine.dry or orders.recorded is not None:
        return evidence
    if not deployments.settle(run.machine, run.configuration, deployment, _STATES[verdict.status]):
        run.skip("verdict", "overtaken", "somebody deployed or rolled back meanwhile; this verdict is of what was there")
        return evolve(evidence, result="overtaken", exit_code=CannotTell.exit_code)
    return evidence


def _obstacle(run: Guarded, orders: WatchOrders) -> str:
    """Why a decision to roll back is told and not acted on: it is a rehearsal, or a log instead of the service."""
    if run.machine.dry:
        return "a dry run decides and changes nothing"
    return "a recorded log decides and changes nothing" if orders.recorded is not None else ""
