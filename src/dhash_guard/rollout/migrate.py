"""Runs the project's migration command, or its plan, and checks that what comes out is readable."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dhash_guard.config import Configuration
from dhash_guard.config.verbs import MigrateSettings
from dhash_guard.errors import NoGo, UsageProblem
from dhash_guard.records.canonical import loads
from dhash_guard.rollout.commands import require_filled, run_command
from dhash_guard.rollout.run import Guarded
from dhash_guard.system.files import inside


def migration(configuration: Configuration) -> MigrateSettings:
    """The project's migration; raise UsageProblem where it has none."""
    settings = configuration.environment.migrate
    if settings is None:
        what, where = f"environment {configuration.name} has no migrate section", str(configuration.path)
        raise UsageProblem(what, where=where, cure="Give migrate: {run: […]}.")
    return settings


def require_migration(run: Guarded, source: str | None = None, *, tag: str = "") -> None:
    """Raise UsageProblem where the command that will be run (in a dry run the plan) cannot be filled."""
    settings = migration(run.configuration)
    values = {"input": source or settings.input or "", "tag": tag}
    if run.machine.dry:
        require_filled(run, [settings.plan], values | {"output": "a file"})
    else:
        require_filled(run, [settings.run], values)


def run_migration(run: Guarded, source: str | None = None) -> str:
    """Migrate, then read the result; raise NoGo where the command fails or leaves something unreadable."""
    settings = migration(run.configuration)
    given = source or settings.input or ""
    finished = run_command(run, settings.run, {"input": given, "tag": run.facts.tag}, timeout=settings.timeout)
    if run.machine.dry:
        return f"would run {' '.join(finished.command)}"
    checked = _integrity(inside(run.configuration.layout.root, given)) if given else ""
    return f"{' '.join(finished.command)}{checked}"


def plan_migration(run: Guarded, source: str | None, output: Path | None) -> str:
    """Run the migration's plan, which changes nothing but writes `output`; raise NoGo where the result is unreadable."""
    settings = migration(run.configuration)
    if settings.plan is None:
        raise UsageProblem("the migration has no plan command", cure="Give migrate.plan, a command that changes nothing.")
    with tempfile.TemporaryDirectory(prefix="dhash-guard-") as scratch:
        target = (output or Path(scratch) / "migrate-dryrun.json").absolute()
        values = {"input": source or settings.input or "", "output": str(target), "tag": run.facts.tag}
        finished = run_command(run, settings.plan, values, timeout=settings.timeout, changes=False)
        integrity = _integrity(target) if target.exists() else ""
    said = finished.output.strip().splitlines()
    return f"{said[-1] if said else 'planned'}{integrity}"


def _integrity(path: Path) -> str:
    """JSON that is there must be whole; other formats are the project's own to check."""
    if path.suffix != ".json":
        return ""
    try:
        loads(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise NoGo(f"the migration left no readable JSON: {problem}", where=str(path)) from problem
    return f", {path.name} is readable JSON"
