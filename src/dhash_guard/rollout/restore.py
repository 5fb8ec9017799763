"""Puts files back, or takes that back again, without anything around it."""

from __future__ import annotations

from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.errors import NeedsPerson
from dhash_guard.records.backup import Restoration
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout import deployments
from dhash_guard.rollout.run import Guarded


def restore(run: Guarded, reference: str, from_environment: str | None) -> Evidence:
    """The `backup restore` verb."""
    facts = run.vault.find(reference, from_environment)
    held: list[Restoration | None] = []

    def work() -> str:
        done = run.vault.restore(facts)
        held.append(done.restoration)
        require_identical(done.restoration)
        return done.text

    with run.machine.files.lock(run.configuration.layout.lock(run.environment), f"restore {run.facts.id}"):
        deployments.restored(run, "")
        run.stage("restore", work)
        deployments.restored(run, facts.name)
    result = "planned" if run.machine.dry else "restored"
    return run.seal(evolve(run.evidence(result=result, exit_code=0), backup=facts.name, restoration=held[0]))


def require_identical(done: Restoration | None) -> None:
    """Raise NeedsPerson where what was put back reads back differently; what was not loaded for that is named."""
    if done is None or done.identical:
        return
    unloaded = f", and {', '.join(done.unloaded)} was not loaded" if done.unloaded else ""
    again = " Stop that, then restore once more." if done.unloaded else ""
    raise NeedsPerson(
        f"what stands there now is not what {done.backup} holds{unloaded}", cure=f"Something else writes there.{again}"
    )


def undo(run: Guarded) -> Evidence:
    """The `backup undo` verb."""

    def work() -> str:
        layout = run.configuration.layout
        if run.machine.dry:
            planned = backup.rehearse_undo(layout, run.environment)
            return f"would take the restore of {planned.backup} back: {', '.join(planned.roots)}"
        done = backup.undo(run.machine, layout, run.environment)
        return f"the restore of {done.backup} was taken back: {', '.join(done.roots)}"

    with run.machine.files.lock(run.configuration.layout.lock(run.environment), f"undo {run.facts.id}"):
        run.stage("undo", work)
        deployments.restored(run, "")
    return run.seal(run.evidence(result="planned" if run.machine.dry else "undone", exit_code=0))
