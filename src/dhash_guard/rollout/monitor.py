"""Watches a release, decides, and where the verdict says so and it is safe, goes back by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol

from attrs import evolve, frozen

from dhash_guard.config import Configuration
from dhash_guard.errors import CannotTell, Locked, UsageProblem
from dhash_guard.gates.plan import Mode
from dhash_guard.gates.watch import TickReport, Watch
from dhash_guard.ledger.samples import SampleLog
from dhash_guard.records.codec import to_data
from dhash_guard.records.deployment import Deployment
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence, Judged
from dhash_guard.records.outcome import Ending, Status, Verdict
from dhash_guard.records.sample import Tick
from dhash_guard.records.units import format_duration
from dhash_guard.rollout import tick_log
from dhash_guard.rollout.acting import act, exit_code, standing_tag, undecided
from dhash_guard.rollout.automatic import automatic_by_configuration, warn_of_hazards
from dhash_guard.rollout.checkpoint import ON_COURSE, Checkpoint, start_of
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.killed import identity, killed_before, note
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.ticks import live, without_secrets
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

    Raise UsageProblem where there is no backup of the name that was given: that must not be found out when it is needed.
    At a checkpoint before the last 0 is also `on-course`: nothing has fired, and the deployment stays undecided. After the
    last one, while its answer is still to come, that is 3.
    """
    if not any(gate.action.decides for gate in run.configuration.environment.gates.values()):
        raise UsageProblem(
            f"no gate of {run.environment} can decide anything",
            cure="Give at least one gate with action: rollback or block.",
        )
    named = None if orders.backup_file is None else run.vault.find(orders.backup_file)
    automatic = automatic_by_configuration(run.configuration) if orders.automatic is None else orders.automatic
    deployment, replayed = undecided(run), orders.recorded is not None
    if not replayed:
        run.facts = evolve(run.facts, tag=standing_tag(run))
    if automatic and not replayed:
        warn_of_hazards(run, deployment, named)
    if deployment is not None and not replayed:
        run.facts = evolve(run.facts, tag=deployment.tag)  # so that the evidence says which release was watched
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
    # A log that was named says nothing of the service, and each checkpoint judges from the start again.
    noted = identity(deployment) if checkpoint is None and not replayed else None
    ending = _fold(run, watch, ticks, log, viewer, noted)
    verdict = watch.verdict(ending)
    if orders.recorded is not None and verdict.ending is not Ending.EARLY:
        _say_what_is_left(run, orders.recorded, verdict)
    evidence = evolve(
        run.evidence(result=verdict.status.value, exit_code=exit_code(verdict)),
        verdict=verdict,
        samples=log.reference(),
        judged=_judged(run.configuration, automatic, deployment, recorded=replayed),
        deployment=deployment.id if deployment is not None else "",
    )
    if checkpoint is not None and _on_the_way(run, checkpoint, verdict):
        return run.seal(evolve(evidence, result=ON_COURSE, exit_code=checkpoint.exit_code))
    target = named.name if named is not None else None
    sealed = act(run, evidence, verdict, deployment, backup_file=target, recorded=replayed)
    # Only now: killed or kept out before, the next watch replays what was seen, comes to the same verdict, and acts on it.
    note(run, watch, noted, finished=sealed.exit_code != Locked.exit_code)
    return sealed


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
    level = Level.WARNING if checkpoint.exit_code else Level.INFO
    run.tell(ON_COURSE, level, "On course, not decided", checkpoint.text())
    return True


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
    before = killed_before(run, deployment)
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


def _fold(
    run: Guarded, watch: Watch, ticks: Iterator[Tick], log: SampleLog, viewer: Viewer, noted: str | None
) -> Ending | None:
    """Judge tick by tick until the watch has its answer; None where it ended by itself."""
    try:
        for raw in ticks:
            tick = without_secrets(raw, run.redactor)
            with held_off():  # what is judged is recorded, or the evidence could not be recomputed
                log.append(tick)
                report = _observe(watch, tick)
                note(run, watch, noted, finished=False)
            tick_log.write(run, report)
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


def _say_what_is_left(run: Guarded, log: Path, verdict: Verdict) -> None:
    """A log may be longer than the watch; a pipe cannot be asked again."""
    last = recorded.last(log) if log.is_file() else None
    if last is not None and last.at > verdict.ended_at:
        left = format_duration(math.ceil(last.at - verdict.ended_at))
        cure = "give --duration, or judge all of it with `dhash-guard gates backtest`"
        run.say(f"warning: the log goes on for {left} after the end of the watch, which is not judged; {cure}")


def _observe(watch: Watch, tick: Tick) -> TickReport:
    try:
        return watch.observe(tick)
    except ValueError as problem:
        raise UsageProblem(f"the recorded log is not in order: {problem}") from problem


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
