"""Decides what a rollback goes back to: the newest verified backup from before the deployment; says why no other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum

from attrs import frozen

from dhash_guard.backup.retention import SLACK
from dhash_guard.records.backup import BackupFacts, Purpose, Verification
from dhash_guard.records.deployment import Deployment
from dhash_guard.records.stage import Finding, StageStatus


class Chance(Enum):
    """How a backup stands as the target of a rollback that names none."""

    TARGET = "target"
    USABLE = "usable"
    """Nothing is known against it, but a newer one is taken; it was not read."""
    REFUSED = "refused"
    SNAPSHOT = "snapshot"
    """Taken by a rollback of what it replaced; only whoever names it goes back to it."""


@frozen(kw_only=True)
class Candidate:
    """A backup, how it stands, and why."""

    facts: BackupFacts
    chance: Chance
    reason: str


@frozen(kw_only=True)
class Choice:
    """The backup to go back to (None: there is none), how every other stands, newest first, and what to warn of.

    `proof` says what was done to find the target sound.
    """

    target: BackupFacts | None
    candidates: tuple[Candidate, ...]
    warnings: tuple[str, ...] = ()
    proof: str = ""

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """Name and reason of each backup that cannot be the target."""
        return tuple((one.facts.name, one.reason) for one in self.candidates if one.chance is Chance.REFUSED)

    def findings(self) -> tuple[Finding, ...]:
        """Every candidate that counted, for the record: the target, and the refused ones with their reason."""
        return tuple(
            Finding(
                check=one.facts.name,
                status=StageStatus.PASSED if one.chance is Chance.TARGET else StageStatus.SKIPPED,
                text=one.reason,
            )
            for one in self.candidates
            if one.chance in (Chance.TARGET, Chance.REFUSED)
        )


def choose(
    backups: Sequence[BackupFacts],
    deployment: Deployment | None,
    verify: Callable[[BackupFacts], Verification],
    needed: Collection[str] = (),
) -> Choice:
    """Pick from the catalogue (any order); `verify` is asked only for candidates, newest first, until one is sound.

    `needed` are the components that belong to every backup: one without them would bring back half a version.
    """
    proofs: list[str] = []

    def proven(facts: BackupFacts) -> Verification:
        found = verify(facts)
        proofs.append(found.proof)
        return found

    found = tuple(
        _judged(sorted(backups, key=lambda facts: (-facts.sequence, -facts.sealed_at)), deployment, proven, needed)
    )
    warnings = () if deployment is not None else ("no deployment is recorded; taking the newest verified backup",)
    target = next((one.facts for one in found if one.chance is Chance.TARGET), None)
    return Choice(target=target, candidates=found, warnings=warnings, proof=proofs[-1] if target is not None else "")


def _judged(
    backups: Sequence[BackupFacts],
    deployment: Deployment | None,
    verify: Callable[[BackupFacts], Verification],
    needed: Collection[str],
) -> Iterator[Candidate]:
    taken = False
    for facts in backups:
        if facts.purpose is not Purpose.BACKUP:
            reason = facts.problem or "a snapshot from before a rollback; --backup names it"
            yield Candidate(facts=facts, chance=Chance.SNAPSHOT, reason=reason)
        elif against := _against(facts, deployment, needed):
            yield Candidate(facts=facts, chance=Chance.REFUSED, reason=against)
        elif taken:
            yield Candidate(facts=facts, chance=Chance.USABLE, reason="older than the target; not read")
        elif (found := verify(facts)).problems:
            yield Candidate(facts=facts, chance=Chance.REFUSED, reason=found.problems[0])
        else:
            taken = True
            when = "the newest" if deployment is None else "the newest from before the deployment"
            yield Candidate(facts=facts, chance=Chance.TARGET, reason=f"{when}, {found.proof}")


def on_its_word(facts: BackupFacts) -> Verification:
    """What a backup says of itself in the place of reading it, where only which one would be chosen is asked."""
    return Verification(name=facts.name, sha256=facts.sha256, members=facts.members, bytes_read=0)


def _against(facts: BackupFacts, deployment: Deployment | None, needed: Collection[str]) -> str:
    """What speaks against a backup without reading it; empty where nothing does."""
    if facts.problem:
        return facts.problem
    if deployment is not None and _is_later(facts, deployment):
        return "taken after the deployment began" if deployment.begun_at else "not known to be from before the deployment"
    lacking = facts.lacking(needed)
    return f"does not hold {', '.join(lacking)}" if lacking else ""


def _is_later(facts: BackupFacts, deployment: Deployment) -> bool:
    """Whether it was not taken before the deployment; one without a number tells by its name, to whole seconds.

    A number may have been given twice, by another machine for instance: then its date tells. Clocks differ a little.
    """
    if not facts.sequence:
        return facts.sealed_at + 1 > deployment.begun_at
    dated_later = facts.sealed_at > deployment.begun_at + SLACK and facts.name != deployment.backup
    return facts.sequence > deployment.newest_sequence or dated_later


def warnings_for(explicit: BackupFacts, deployment: Deployment | None, needed: Collection[str] = ()) -> tuple[str, ...]:
    """What to say of a backup that a person named."""
    found = []
    if deployment is not None and _is_later(explicit, deployment):
        found.append(f"{explicit.name} was taken after the deployment began; it may hold what is to be undone")
    if lacking := [name for name in needed if name not in explicit.components]:
        found.append(f"{explicit.name} does not hold {', '.join(lacking)}; that stays as it is")
    return tuple(found)
