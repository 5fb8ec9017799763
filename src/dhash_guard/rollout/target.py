"""Decides what a rollback goes back to: the newest verified backup from before the deployment; says why no other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from attrs import frozen

from dhash_guard.records.backup import BackupFacts, Purpose, Verification
from dhash_guard.records.deployment import Deployment


@frozen(kw_only=True)
class Choice:
    """The backup to go back to (None: there is none), why the others were refused, and what to warn of."""

    target: BackupFacts | None
    refused: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()


def choose(
    backups: Sequence[BackupFacts],
    deployment: Deployment | None,
    verify: Callable[[BackupFacts], Verification],
    needed: Collection[str] = (),
) -> Choice:
    """Pick from the catalogue (any order); `verify` is asked only for candidates, newest first.

    `needed` are the components that belong to every backup: one without them would bring back half a version.
    """
    refused: list[tuple[str, str]] = []
    warnings = () if deployment is not None else ("no deployment is recorded; taking the newest verified backup",)
    for candidate in sorted(backups, key=lambda facts: -facts.sequence):
        if candidate.purpose is not Purpose.BACKUP:
            continue
        if candidate.problem:
            refused.append((candidate.name, candidate.problem))
        elif deployment is not None and candidate.sequence > deployment.newest_sequence:
            refused.append((candidate.name, "taken after the deployment began"))
        elif lacking := [name for name in needed if name not in candidate.components]:
            refused.append((candidate.name, f"does not hold {', '.join(lacking)}"))
        elif problems := verify(candidate).problems:
            refused.append((candidate.name, problems[0]))
        else:
            return Choice(target=candidate, refused=tuple(refused), warnings=warnings)
    return Choice(target=None, refused=tuple(refused), warnings=warnings)


def warnings_for(explicit: BackupFacts, deployment: Deployment | None, needed: Collection[str] = ()) -> tuple[str, ...]:
    """What to say of a backup that a person named."""
    found = []
    if deployment is not None and explicit.sequence > deployment.newest_sequence:
        found.append(f"{explicit.name} was taken after the deployment began; it may hold what is to be undone")
    if lacking := [name for name in needed if name not in explicit.components]:
        found.append(f"{explicit.name} does not hold {', '.join(lacking)}; that stays as it is")
    return tuple(found)
