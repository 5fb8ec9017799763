"""Takes a backup because somebody asked for one."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.backup.settings import Keep
from dhash_guard.errors import GuardError
from dhash_guard.records.backup import Purpose
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout.prune import prune_stage
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.vault import Taken


def take(run: Guarded, components: Sequence[str] | None, keep: Keep | None = None) -> Evidence:
    """The `backup create` verb; with `keep` retention follows once it is sealed, and fails as `prune` does."""
    held: list[Taken] = []

    def work() -> str:
        taken = run.vault.take(Purpose.BACKUP, components)
        held.append(taken)
        return taken.text + (f"; left out: {', '.join(taken.left_out)}" if taken.left_out else "")

    run.stage("backup", work)
    ended: GuardError | None = None
    if keep is not None:
        try:
            with run.machine.files.lock(run.configuration.layout.lock(run.environment), f"prune {run.facts.id}"):
                prune_stage(run, keep, [])
        except GuardError as problem:
            run.say(str(problem))
            ended = problem
    facts = held[0].facts
    result = ended.code if ended is not None else "sealed" if facts is not None else "planned"
    evidence = run.evidence(result=result, exit_code=ended.exit_code if ended is not None else 0)
    return run.seal(evolve(evidence, backup=facts.name if facts is not None else ""))
