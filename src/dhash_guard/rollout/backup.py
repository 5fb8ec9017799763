"""Takes a backup because somebody asked for one."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.backup.settings import Keep
from dhash_guard.errors import Damaged, GuardError
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.prune import prune_stage
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.vault import Taken


def take(run: Guarded, components: Sequence[str] | None, keep: Keep | None = None, *, verified: bool = False) -> Evidence:
    """The `backup create` verb; `verified` reads every member back; retention follows with `keep`, and fails as `prune`."""
    held: list[Taken] = []

    def work() -> str:
        taken = run.vault.take(Purpose.BACKUP, components)
        held.append(taken)
        for path in taken.missing:
            run.say(f"warning: {path} does not exist: the backup holds that nothing stands there")
        return taken.text + (f"; left out: {', '.join(taken.left_out)}" if taken.left_out else "")

    run.stage("backup", work)
    fresh = held[0].facts
    if verified and fresh is not None:
        run.stage("verify", lambda: _proof(run, fresh))
    ended: GuardError | None = None
    if keep is not None:
        try:
            with run.machine.files.lock(run.configuration.layout.lock(run.environment), f"prune {run.facts.id}"):
                prune_stage(run, keep, [])
        except GuardError as problem:
            run.say(str(problem))
            ended = problem
    result = ended.code if ended is not None else "sealed" if fresh is not None else "planned"
    evidence = run.evidence(result=result, exit_code=ended.exit_code if ended is not None else 0)
    return run.seal(evolve(evidence, backup=fresh.name if fresh is not None else ""))


def _proof(run: Guarded, fresh: BackupFacts) -> str:
    found = run.vault.verify(fresh)
    if found.problems:
        raise Damaged("; ".join(found.problems[:3]), where=fresh.name, cure="Look at the disk.")
    return f"{found.members} entries read back, {format_bytes(found.bytes_read)}"
