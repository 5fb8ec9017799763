"""Does the routine tasks of a day, week, month or quarter in one run: each is tried, and the worst answer is the run's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.errors import (
    Bug,
    CannotTell,
    Damaged,
    GuardError,
    Locked,
    NeedsPerson,
    NoGo,
    OutsideSilent,
    UsageProblem,
)
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.period import Period
from dhash_guard.rollout.drill import newest, prove_restorable
from dhash_guard.rollout.logs import prove_logs
from dhash_guard.rollout.prune import Fate, prove_pruned
from dhash_guard.rollout.routine import (
    prove_backed_up,
    prove_channels,
    prove_up,
    prove_watched,
    review_gates,
    tell_holder,
)
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.smoke import prove_smoke
from dhash_guard.rollout.verify import prove_stored, prove_whole

DAYS = 7
"""How many days of backups a week's maintenance reads."""

_WORST_FIRST = tuple(
    kind.exit_code for kind in (Bug, NeedsPerson, Damaged, NoGo, Locked, UsageProblem, OutsideSilent, CannotTell)
)
"""What was found wrong before what could not be looked at."""


@frozen
class Task:
    """One routine task: its stage's name, and what it does; raises GuardError where it is not shown to be well."""

    name: str
    work: Callable[[], str | Done]


Tell = Callable[[Evidence], str]
"""Brings the record so far to where people see it, and says what became of that."""


def maintain(run: Guarded, period: Period, known: Path | None = None, tell: Tell | None = None) -> Evidence:
    """The `maintain` verb: every task in order, whatever became of the one before; the exit code is that of the worst.

    `known` are the labels of recorded runs. `tell` comes last; that it fails counts as much as any other task.
    """
    problems: list[GuardError] = []
    for task in tasks(run, period, known):
        _tried(run, task, problems)
    if tell is not None:
        told = tell
        _tried(run, Task("checklist", lambda: told(_so_far(run, problems))), problems)
    return run.seal(_so_far(run, problems))


def tasks(run: Guarded, period: Period, known: Path | None = None) -> Iterator[Task]:
    """The tasks of the period, in order."""
    environment = run.configuration.environment
    match period:
        case Period.DAILY:
            yield Task("health", lambda: prove_up(run))
            yield Task("backup", lambda: prove_backed_up(run))
            yield Task("watch", lambda: prove_watched(run))
            yield Task("holder", lambda: tell_holder(run))
        case Period.WEEKLY:
            store, fates = environment.backup.store, list[Fate]()
            if isinstance(store, ObjectStore):
                yield Task("backup store", lambda: prove_stored(run, store, DAYS))
            yield Task("backup verify", lambda: prove_whole(run, DAYS))
            yield Task("prune", lambda: prove_pruned(run, environment.backup.keep, fates))
            yield Task("logging", lambda: prove_logs(run))
        case Period.MONTHLY:
            yield Task("gates", lambda: review_gates(run, known))
            yield Task("smoke", lambda: prove_smoke(run, quick=False))
            yield Task("notification", lambda: prove_channels(run))
        case Period.QUARTERLY:
            yield Task("drill", lambda: prove_restorable(run, run.vault.find(newest(run).name)))


def worst(problems: Sequence[GuardError]) -> GuardError | None:
    """The one that the exit code stands for, the first of several alike; None where there is none."""
    return min(problems, key=_rank, default=None)


def _rank(problem: GuardError) -> int:
    return _WORST_FIRST.index(problem.exit_code) if problem.exit_code in _WORST_FIRST else 0


def _tried(run: Guarded, task: Task, problems: list[GuardError]) -> None:
    try:
        run.stage(task.name, task.work)
    except GuardError as problem:
        run.say(f"{task.name}: {problem}")
        problems.append(problem)


def _so_far(run: Guarded, problems: Sequence[GuardError]) -> Evidence:
    """The record with the stages that there are; sealing completes it."""
    problem = worst(problems)
    if problem is not None:
        found = run.evidence(result=problem.code, exit_code=problem.exit_code)
    else:
        found = run.evidence(result="planned" if run.machine.dry else "maintained", exit_code=0)
    return evolve(found, stages=tuple(run.stages))
