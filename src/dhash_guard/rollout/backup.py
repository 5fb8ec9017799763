"""Takes a backup because somebody asked for one."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.records.backup import Purpose
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.vault import Taken


def take(run: Guarded, components: Sequence[str] | None) -> Evidence:
    """The `backup create` verb."""
    held: list[Taken] = []

    def work() -> str:
        taken = run.vault.take(Purpose.BACKUP, components)
        held.append(taken)
        return taken.text + (f"; left out: {', '.join(taken.left_out)}" if taken.left_out else "")

    run.stage("backup", work)
    facts = held[0].facts
    evidence = run.evidence(result="sealed" if facts is not None else "planned", exit_code=0)
    return run.seal(evolve(evidence, backup=facts.name if facts is not None else ""))
