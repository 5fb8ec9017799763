"""The migrate verb: a migration by itself is the beginning of a deployment, and as guarded as one."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from dhash_guard.errors import GuardError
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout.automatic import automatic_by_configuration
from dhash_guard.rollout.changing import begin, fall_back, interrupted, new_deployment, take_baseline
from dhash_guard.rollout.freeze import refuse_frozen
from dhash_guard.rollout.hold import held
from dhash_guard.rollout.maintenance_mode import in_maintenance, longest, require_hooks
from dhash_guard.rollout.migrate import migration, plan_migration, require_migration, run_migration
from dhash_guard.rollout.run import Guarded
from dhash_guard.system.interrupt import Interrupted


def migrate(run: Guarded, *, source: str | None, output: Path | None) -> Evidence:
    """Migrate under the environment's lock, or with a dry run only plan it; a deployment that follows goes on from here."""
    if run.machine.dry:
        run.stage("migrate plan", lambda: plan_migration(run, source, output))
        return run.seal(run.evidence(result="planned", exit_code=0))
    settings = migration(run.configuration)
    require_migration(run, source)
    require_hooks(run)
    refuse_frozen(run)
    local = run.machine.files.lock(run.configuration.layout.lock(run.environment), f"migrate {run.facts.id}")
    with local, held(run, "migrate") as hold:
        baseline = take_baseline(run) if run.configuration.environment.base_url is not None else None
        fresh = new_deployment(run, "", "", baseline)
        hold.check(lasting=longest(run) + settings.timeout)
        begun = begin(run, evolve(fresh, migrated=True, fencing=hold.fencing))
        try:
            with in_maintenance(run):
                run.stage("migrate", lambda: run_migration(run, source))
        except GuardError as problem:
            failed = problem
        except (KeyboardInterrupt, Interrupted):
            return interrupted(run, begun)
        else:
            return run.seal(evolve(run.evidence(result="migrated", exit_code=0), deployment=begun.id))
    why = f"the migration failed: {failed.what}"
    return fall_back(run, begun, failed, why, automatic=automatic_by_configuration(run.configuration))
