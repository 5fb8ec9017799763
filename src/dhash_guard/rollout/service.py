"""Stops, starts and restarts the guarded service with the project's own commands."""

from __future__ import annotations

from dhash_guard.errors import UsageProblem
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout.commands import run_command
from dhash_guard.rollout.run import Guarded


def control(run: Guarded, order: str) -> str:
    """Carry out `stop`, `start` or `restart`; raise UsageProblem where the project has no commands for it."""
    settings = run.configuration.environment.service_control
    if settings is None:
        raise UsageProblem("no service_control in the configuration", cure="Give service_control: {stop: […], start: […]}.")
    if order == "restart" and settings.restart is None:
        steps = [settings.stop, settings.start]
    else:
        steps = [getattr(settings, order)]
    for command in steps:
        run_command(run, command, {}, timeout=settings.timeout)
    done = {"stop": "stopped", "start": "started", "restart": "restarted"}[order]
    return f"would be {done}" if run.machine.dry else done


def service(run: Guarded, order: str) -> Evidence:
    """The `service` verb."""
    run.stage(f"service {order}", lambda: control(run, order))
    return run.seal(run.evidence(result="done", exit_code=0))
