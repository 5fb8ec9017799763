"""Applies the retention: what the rules do not keep goes, except what a rollback, a restore or the store still needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from dhash_guard.backup import facade as backup
from dhash_guard.backup.settings import Keep
from dhash_guard.errors import CannotTell, GuardError, NoGo
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.stage import Change, Finding, StageStatus
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.pins import pinned_by_deployment
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.safety import belonging


class NotAllRemoved(NoGo):
    """Some backups could not be removed; the others were. `findings` has every decision."""

    code = "not-all-removed"


@frozen(kw_only=True)
class Fate:
    """What became of one backup: `action` is keep, delete (in a dry run: would be), deleted or stuck; and why."""

    backup: str
    action: str
    size: int
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        """One line for people."""
        return f"{self.action}: {'; '.join(self.reasons)}"


def prune(run: Guarded, keep: Keep) -> tuple[Evidence, tuple[Fate, ...]]:
    """The `backup prune` verb and what became of every backup: exit 0, 1 where some could not be removed, 4 where the
    newest does not read back and nothing was removed. Raise Locked where a deployment or restore is under way."""
    fates: list[Fate] = []
    with run.machine.files.lock(run.configuration.layout.lock(run.environment), f"prune {run.facts.id}"):
        try:
            prune_stage(run, keep, fates)
        except GuardError as problem:
            run.say(str(problem))
            return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code)), tuple(fates)
    return run.seal(run.evidence(result="planned" if run.machine.dry else "pruned", exit_code=0)), tuple(fates)


def prune_stage(run: Guarded, keep: Keep, fates: list[Fate]) -> None:
    """The one stage of it, for verbs that hold the environment's lock; adds to `fates` and raises as the verb ends."""
    run.stage("prune", lambda: _pruned(run, keep, fates))


def prove_pruned(run: Guarded, keep: Keep, fates: list[Fate]) -> Done:
    """What that stage does, for verbs that do not hold the environment's lock, and where there has to be a backup.

    Raise Locked where somebody else holds it, CannotTell where there is none.
    """
    with run.machine.files.lock(run.configuration.layout.lock(run.environment), f"prune {run.facts.id}"):
        done = _pruned(run, keep, fates)
    if not fates:
        raise CannotTell(f"there is no backup of {run.environment} that could be old", cure="dhash-guard backup create")
    return done


def _pruned(run: Guarded, keep: Keep, fates: list[Fate]) -> Done:
    machine, configuration = run.machine, run.configuration
    unsent, needed = run.vault.unsent(), belonging(configuration)

    def pins(usable: Sequence[BackupFacts]) -> Mapping[str, str]:
        return {**unsent, **pinned_by_deployment(configuration, usable)}

    if machine.plan is not None:
        weighed = backup.weigh(machine, configuration.layout, run.environment, keep, pins, needed=needed)
        done = backup.Pruned(decisions=weighed, removed=(), stuck=())
        machine.plan.extend(Change("remove", decision.backup.name) for decision in weighed if not decision.keep)
    else:
        done = backup.prune(machine, configuration.layout, run.environment, keep, pins, needed=needed)
    fates += fates_of(done, dry=machine.dry)
    findings = tuple(_finding(fate) for fate in fates)
    going = [fate for fate in fates if fate.action in ("delete", "deleted")]
    what = f"{'would remove' if machine.dry else 'removed'} {len(going)} of {len(fates)} backups"
    text = f"{what}, {format_bytes(sum(fate.size for fate in going))}"
    stuck = [fate for fate in fates if fate.action == "stuck"]
    if stuck:
        names = "; ".join(f"{fate.backup} ({fate.reasons[0]})" for fate in stuck)
        raise NotAllRemoved(f"{text}; could not remove {names}", cure="Look at their attributes.", findings=findings)
    return Done(text, findings)


def fates_of(done: backup.Pruned, *, dry: bool) -> list[Fate]:
    """What became of every backup, oldest first."""
    stuck = dict(done.stuck)
    fates = []
    for decision in done.decisions:
        name, reasons = decision.backup.name, decision.reasons
        if name in stuck:
            action, reasons = "stuck", (f"it could not be removed: {stuck[name]}", *reasons)
        else:
            action = "keep" if decision.keep else "delete" if dry else "deleted"
        fates.append(Fate(backup=name, action=action, size=decision.backup.size, reasons=reasons))
    return fates


def _finding(fate: Fate) -> Finding:
    status = StageStatus.FAILED if fate.action == "stuck" else StageStatus.PASSED
    return Finding(check=fate.backup, status=status, text=fate.text)
