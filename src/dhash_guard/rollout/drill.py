"""Rehearses the disaster: a backup restored to a scratch directory, looked at by the project's own probe, and timed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.settings import Drill
from dhash_guard.errors import CannotTell, Damaged, GuardError, NoGo, OutsideSilent
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.commands import filled
from dhash_guard.rollout.run import Guarded


def drill(run: Guarded, reference: str | None, into: Path | None) -> Evidence:
    """The `backup drill` verb: 0 restored and found good, 1 the probe failed or there is no room, 4 damaged.

    Raise CannotTell where there is no backup, UsageProblem where the named one or `into` (default: the system's
    directory for temporary files) is none.
    """
    facts = run.vault.find(newest(run).name if reference is None else reference)  # finding fetches what lies elsewhere
    try:
        run.stage("drill", lambda: prove_restorable(run, facts, into))
    except GuardError as problem:
        run.say(str(problem))
        return run.seal(evolve(run.evidence(result=problem.code, exit_code=problem.exit_code), backup=facts.name))
    result = "planned" if run.machine.dry else "drilled"
    return run.seal(evolve(run.evidence(result=result, exit_code=0), backup=facts.name))


def prove_restorable(run: Guarded, facts: BackupFacts, into: Path | None = None) -> str:
    """What the stage does: restore it below `into`, compare and probe; a dry run reads it and leaves everything else."""
    above = Path(tempfile.gettempdir()) if into is None else into
    if run.machine.dry:
        return _rehearsed(run, facts, above)
    return _drilled(run, facts, above, run.configuration.environment.backup.drill)


def newest(run: Guarded) -> BackupFacts:
    """The newest backup, known to be bad or not; raise CannotTell where there is none."""
    found = backup.last_taken(run.vault.listing())
    if found is None:
        raise CannotTell(f"no backup of {run.environment} to drill", cure="dhash-guard backup create")
    return found


def _drilled(run: Guarded, facts: BackupFacts, above: Path, settings: Drill | None) -> str:
    def probe(scratch: Path) -> str:
        assert settings is not None
        return _probed(run, facts, settings, scratch)

    done = backup.drill(
        run.machine,
        run.configuration.layout,
        facts,
        above,
        None if settings is None else probe,
        "" if settings is None else " ".join(settings.run),
    )
    restored = (
        f"{done.backup}: {done.files} files, {format_bytes(done.bytes)} restored in {done.seconds:.1f} s, every hash agrees"
    )
    return f"{restored}; {done.probe or 'no probe was run (backup.drill names none)'}"


def _rehearsed(run: Guarded, facts: BackupFacts, above: Path) -> str:
    found = backup.rehearse_drill(run.machine, run.configuration.layout, facts, above)
    if found.problems:
        raise Damaged(f"the backup is damaged: {'; '.join(found.problems[:3])}", where=facts.name)
    return f"would restore {found.members} entries of {facts.name}, {format_bytes(found.bytes_read)}, below {above}"


def _probed(run: Guarded, facts: BackupFacts, settings: Drill, scratch: Path) -> str:
    """Run the probe in the scratch directory; raise NoGo where it fails and OutsideSilent where it never ends."""
    values = {"env": run.environment, "commit": run.facts.commit, "backup": facts.name, "scratch": str(scratch)}
    ended = run.machine.processes.run(filled(settings.run, values), cwd=scratch, timeout=settings.timeout, changes=True)
    for name, text in (("output", ended.output), ("errors", ended.errors)):
        if text.strip():
            run.log.line("info", f"probe {name}: {text.strip()[-4000:]}")
    if ended.timed_out:
        raise OutsideSilent(f"the probe of the drill never ended: {ended.explain()}")
    if not ended.ok:
        raise NoGo(f"the probe of the drill failed: {ended.explain()}", cure="The backup restores, but is of no use to it.")
    return f"the probe passed in {ended.seconds:.1f} s"
