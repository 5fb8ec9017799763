"""Judges recorded runs again, each by the gates of a configuration and look by look."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from attrs import evolve, frozen

from dhash_guard.config import Configuration
from dhash_guard.errors import UsageProblem
from dhash_guard.gates.backtest import Replay, fault_time, replay_of
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.watch import Watch, judge
from dhash_guard.gates.way import Way
from dhash_guard.records.codec import from_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso
from dhash_guard.records.outcome import Ending, Verdict
from dhash_guard.records.sample import Tick
from dhash_guard.records.units import Seconds
from dhash_guard.rollout.automatic import automatic_by_configuration
from dhash_guard.rollout.checkpoint import ON_COURSE
from dhash_guard.rollout.killed import state_in
from dhash_guard.rollout.labels import Known
from dhash_guard.rollout.recordings import Log
from dhash_guard.signals import recorded


@frozen(kw_only=True)
class Opened:
    """A log whose first look is known, with a watch ready to judge it."""

    watch: Watch
    ticks: Iterator[Tick]
    then: Verdict | None
    known_from: str
    environment: str


@frozen(kw_only=True)
class PassedOver:
    """A log that was not replayed, and why."""

    name: str
    why: str


def replay(log: Log, configuration: Configuration, known: Known | None) -> Replay | PassedOver:
    """Judge one log by the configuration's gates, look by look; raise UsageProblem with file:line where it is broken."""
    opened = open_log(log, configuration)
    if isinstance(opened, PassedOver):
        return opened
    label = known.label if known is not None else None
    moments: list[float] = []
    ticks = opened.ticks if label is None or label.look is None else _noting(opened.ticks, label.look, moments)
    now = _judged(log, ticks, opened)
    fault_at = None
    if known is not None and not known.label.clean:
        fault_at = fault_time(known.label, opened.watch.started_at, moments[0] if moments else None)
        _check_fault(known, fault_at, now)
    return replay_of(
        log.name,
        now,
        environment=opened.environment,
        then=opened.then,
        known_from=opened.known_from,
        label=label,
        fault_at=fault_at,
    )


def open_log(log: Log, configuration: Configuration) -> Opened | PassedOver:
    """Begin to read a log: with what its evidence says of the watch, else with its first look and our plan."""
    evidence = _evidence(log.evidence) if log.evidence is not None else None
    if evidence is not None and evidence.run.environment != configuration.name and not log.named:
        return PassedOver(name=log.name, why=f"is of {evidence.run.environment}")
    if not log.samples.is_file():
        if evidence is not None and evidence.samples is not None:
            raise UsageProblem("the samples that the evidence speaks of are gone", where=str(log.samples))
        return PassedOver(name=log.name, why="has no samples")
    ticks = recorded.ticks(log.samples)
    first = next(ticks, None)
    if first is None:
        return PassedOver(name=log.name, why="has no looks")
    watch, then = _watch(log, evidence, configuration, first.at)
    known_from = "evidence" if then is not None else "log"
    environment = evidence.run.environment if evidence is not None else ""
    return Opened(watch=watch, ticks=chain([first], ticks), then=then, known_from=known_from, environment=environment)


def _watch(
    log: Log, evidence: Evidence | None, configuration: Configuration, first_at: float
) -> tuple[Watch, Verdict | None]:
    environment = configuration.environment
    if evidence is None or evidence.verdict is None or evidence.judged is None:
        automatic = automatic_by_configuration(configuration)
        last = recorded.last(log.samples)
        plan = _as_long(environment.monitor, last.at - first_at if last is not None else 0.0)
        return Watch(environment.gates, plan, started_at=first_at, automatic=automatic), None
    try:
        plan = from_data(WatchPlan, evidence.judged.plan)
    except ValueError as problem:
        raise UsageProblem(str(problem), where=f"{log.evidence}:1") from problem
    watch = Watch(
        environment.gates,
        plan,
        started_at=evidence.verdict.started_at,
        automatic=evidence.judged.automatic,
        baseline=evidence.judged.baseline,
    )
    return watch, evidence.verdict


def _as_long(plan: WatchPlan, seconds: float) -> WatchPlan:
    """The plan, and where the log goes beyond it, one as long as the log: what is not judged is not clean either."""
    return plan if seconds < plan.duration else evolve(plan, duration=Seconds(seconds), extend_by=Seconds(0.0))


def _evidence(path: Path) -> Evidence:
    try:
        return from_data(Evidence, json.loads(path.read_bytes()))
    except OSError as problem:
        raise UsageProblem(f"cannot read the evidence: {problem.strerror}", where=str(path)) from problem
    except json.JSONDecodeError as problem:
        raise UsageProblem(f"is no JSON: {problem.msg}", where=f"{path}:{problem.lineno}") from problem
    except ValueError as problem:
        raise UsageProblem(str(problem), where=f"{path}:1") from problem


def _judged(log: Log, ticks: Iterator[Tick], opened: Opened) -> Verdict:
    ending = opened.then.ending if opened.then is not None else Ending.CUT_SHORT
    try:
        return judge(ticks, opened.watch, ending)
    except ValueError as problem:
        raise UsageProblem(f"cannot be judged: {problem}", where=str(log.samples)) from problem


def _noting(ticks: Iterator[Tick], look: int, moments: list[float]) -> Iterator[Tick]:
    """The same ticks; the moment of the one with that number is put down."""
    for tick in ticks:
        if tick.index == look and not moments:
            moments.append(tick.at)
        yield tick


def _check_fault(known: Known, fault_at: float | None, now: Verdict) -> None:
    """A fault outside of what was watched is a slip of the label: it could not have been seen, and would count as missed."""
    if fault_at is not None and fault_at < now.started_at - 1e-3:
        cure = "Write 0s for a fault that was there from the start."
        raise UsageProblem(
            f"the fault lies before the watch, which began at {iso(now.started_at)}", where=known.where, cure=cure
        )
    if now.ending is not Ending.EARLY and (fault_at is None or fault_at > now.ended_at):
        cure = "A run that was over before its fault is clean."
        raise UsageProblem(f"the fault lies after the last look, at {iso(now.ended_at)}", where=known.where, cure=cure)


def way(log: Log, configuration: Configuration, names: Sequence[str]) -> list[Way]:
    """How each of these gates went through the log; raise UsageProblem where there is nothing to go through."""
    opened = open_log(log, configuration)
    if isinstance(opened, PassedOver):
        raise UsageProblem(opened.why, where=log.name)
    ways = [Way(rule) for rule in opened.watch.rules if rule.name in names]
    for tick in opened.ticks:
        ending = opened.watch.observe(tick).ending
        for one in ways:
            one.observe(tick, opened.watch.started_at)
        if ending is not None:
            break
    return ways


def replays(
    logs: Sequence[Log], configuration: Configuration, known: Mapping[str, Known]
) -> tuple[list[Replay], list[PassedOver]]:
    """Every log, in order; a watch counts once, however many runs it took."""
    over = _parts(logs)
    told = [
        PassedOver(name=log.name, why=over[log]) if log in over else replay(log, configuration, known.get(log.name))
        for log in logs
    ]
    done = [one for one in told if isinstance(one, Replay)]
    return done, [one for one in told if isinstance(one, PassedOver)]


def _parts(logs: Sequence[Log]) -> dict[Log, str]:
    """Why a log is no run of its own: it is a look on the way to a verdict, or a later run went on with the same watch."""
    over: dict[Log, str] = {}
    watches: dict[tuple[object, object], list[Log]] = {}
    for log in logs:
        evidence = _evidence(log.evidence) if log.evidence is not None else None
        if evidence is not None and evidence.result == ON_COURSE:
            over[log] = "is on course, which is no verdict"
        elif (watch := _identity(log, evidence)) is not None:
            watches.setdefault(watch, []).append(log)
    for same in watches.values():
        last = max(same, key=lambda log: (log.evidence is not None, log.name))
        over |= {log: f"is a part of the watch of {last.name}" for log in same if log is not last}
    return over


def _identity(log: Log, evidence: Evidence | None) -> tuple[object, object] | None:
    """Deployment and start of the watch that a run took part in; None for a log that was only judged again."""
    if evidence is None:
        state = state_in(log.samples.parent)
        return (state.get("deployment"), state["started_at"]) if "started_at" in state else None
    if evidence.verdict is None or evidence.judged is None or evidence.judged.recorded:
        return None
    return evidence.deployment, evidence.verdict.started_at
