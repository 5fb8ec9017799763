"""Takes the plain copy of one file because somebody asked for one."""

from __future__ import annotations

from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.stage import Change
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.run import Guarded


def take_single(run: Guarded, path: str) -> Evidence:
    """The `backup create --single` verb; `path` may be empty where the components name only one file."""
    configuration, settings = run.configuration, run.configuration.environment.backup
    held: list[BackupFacts] = []

    def work() -> str:
        plan = backup.plan_single(run.machine, configuration.layout, settings, configuration.name, path)
        if run.machine.dry:
            what = f"{plan.path}, {format_bytes(plan.size)}, to {plan.name}"
            if run.machine.plan is not None:
                run.machine.plan.append(Change("copy", what))
            return f"would copy {what}"
        facts = backup.create_single(run.machine, configuration.layout, settings, plan)
        held.append(facts)
        only = "; it stays here, a store takes archives" if isinstance(settings.store, ObjectStore) else ""
        return f"{facts.name}, {format_bytes(facts.size)} of {plan.path}, sha256 {facts.sha256[:12]}…, read back{only}"

    run.stage("backup", work)
    evidence = run.evidence(result="sealed" if held else "planned", exit_code=0)
    return run.seal(evolve(evidence, backup=held[0].name if held else ""))
