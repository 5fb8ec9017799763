"""Puts the service into maintenance while a release changes it, and takes it out again whatever happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dhash_guard.backup.settings import Hook
from dhash_guard.errors import GuardError
from dhash_guard.records.event import Level
from dhash_guard.rollout.commands import require_filled, run_command
from dhash_guard.rollout.run import Guarded
from dhash_guard.system.interrupt import held_off


def longest(run: Guarded) -> float:
    """Seconds that the commands around the change may take."""
    settings = run.configuration.environment.maintenance
    return sum(hook.timeout for hook in (settings.enter, settings.leave) if hook is not None)


def require_hooks(run: Guarded, *, tag: str = "") -> None:
    """Raise UsageProblem where the commands around the change cannot be filled."""
    settings = run.configuration.environment.maintenance
    require_filled(run, [hook.run for hook in (settings.enter, settings.leave) if hook is not None], {"tag": tag})


@contextmanager
def in_maintenance(run: Guarded) -> Iterator[None]:
    """Around the changing commands, announced to people; raise NoGo where the service did not come out of it again."""
    settings = run.configuration.environment.maintenance
    if settings.enter is None and settings.leave is None:
        yield
        return
    run.tell("maintenance-begun", Level.INFO, "Maintenance begins", f"{run.environment}: {run.facts.tag or 'a migration'}")
    try:
        if settings.enter is not None:
            _stage(run, "maintenance enter", settings.enter)
        yield
    except BaseException:
        _leave_anyway(run, settings.leave)
        raise
    if settings.leave is not None:
        with held_off():  # who is told to end in the middle of it would leave the service in maintenance
            _stage(run, "maintenance leave", settings.leave)
    run.tell("maintenance-over", Level.INFO, "Maintenance is over", run.environment)


def _leave_anyway(run: Guarded, leave: Hook | None) -> None:
    """After a failure: that one is told, and what goes wrong here stands beside it."""
    if leave is None:
        return
    try:
        with held_off():  # a job that is cancelled is told so twice
            _stage(run, "maintenance leave", leave)
    except GuardError as problem:
        run.say(f"warning: the service may still be in maintenance: {problem.what}")
        run.tell("maintenance-stays", Level.ERROR, "The service may still be in maintenance", problem.what)


def _stage(run: Guarded, name: str, hook: Hook) -> None:
    def work() -> str:
        finished = run_command(run, hook.run, {"tag": run.facts.tag}, timeout=hook.timeout)
        return f"{'would run ' if run.machine.dry else ''}{' '.join(finished.command)}"

    run.stage(name, work)
