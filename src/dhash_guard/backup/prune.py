"""Removes what the retention does not keep: only after the newest that stays was read back, each removal safe to die in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from attrs import frozen

from dhash_guard.backup import sidecar
from dhash_guard.backup.catalog import listing, path_of
from dhash_guard.backup.drilling import clear_dead, drills_held, under_drill
from dhash_guard.backup.naming import leftovers, named, temporary_path
from dhash_guard.backup.receipts import read_whole, receipts_of
from dhash_guard.backup.restoring.journal import held, read_journal, read_undo
from dhash_guard.backup.retention import Decision, decide
from dhash_guard.backup.settings import Keep
from dhash_guard.errors import Damaged, GuardError
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import Layout
from dhash_guard.records.receipt import Proof
from dhash_guard.system.machine import Machine

Pins = Callable[[Sequence[BackupFacts]], Mapping[str, str]]
"""Names that stay, each with its reason, out of the backups that are good as far as is known."""


@frozen(kw_only=True)
class Pruned:
    """The decision on every backup, oldest first; the names that were removed, and those that could not be, with why."""

    decisions: tuple[Decision, ...]
    removed: tuple[str, ...]
    stuck: tuple[tuple[str, str], ...]


def _no_pins(backups: Sequence[BackupFacts]) -> Mapping[str, str]:
    return {}


def weigh(
    machine: Machine,
    layout: Layout,
    environment: str,
    keep: Keep,
    pins: Pins = _no_pins,
    *,
    needed: Collection[str] = (),
) -> tuple[Decision, ...]:
    """What would become of every backup of `environment`, oldest first; removes nothing. `needed` as for `decide`.

    Where anything would go, the newest backup that stays is read whole, and of the others that stay each that no
    receipt shows to be whole; what does not read back counts for nothing. Raise Damaged where the newest does not.
    """
    backups = listing(layout, environment)
    discounted = {
        facts.name: "its name is not one that this program gives"
        for facts in backups
        if not facts.problem and named(layout, PurePosixPath(facts.name).name) is None
    }
    proven = {facts.name for facts in backups if _proven(layout, facts)}
    under_way = _under_way(layout, backups)
    newest = ""
    while True:
        usable = [facts for facts in backups if not facts.problem and facts.name not in discounted]
        pinned = {**pins(usable), **under_way}
        now = machine.clock.now()
        decisions = decide(backups, environment, keep, now, needed=needed, discounted=discounted, pinned=pinned)
        if all(decision.keep for decision in decisions):
            return decisions
        staying = [decision.backup for decision in decisions if decision.keep and decision.counts]
        if not newest:
            first = [facts for facts in staying if facts.purpose is Purpose.BACKUP][-1]
            newest = first.name
            if problem := _problem(machine, layout, first):
                raise Damaged(
                    f"the newest backup does not read back, nothing was removed: {problem}",
                    where=first.name,
                    cure="Take a new backup, or move this one away.",
                )
            proven.add(newest)
        unread = [facts for facts in staying if facts.name not in proven]
        if not unread:
            return decisions
        for facts in unread:
            if problem := _problem(machine, layout, facts):
                discounted[facts.name] = problem
            proven.add(facts.name)


def prune(
    machine: Machine,
    layout: Layout,
    environment: str,
    keep: Keep,
    pins: Pins = _no_pins,
    *,
    needed: Collection[str] = (),
) -> Pruned:
    """Remove what `weigh` decides against, oldest first; what cannot be removed is skipped and told as `stuck`.

    Raise Damaged where the newest backup that stays does not read back or the record of a restore is damaged, and
    Locked where another backup or restore runs; nothing was removed then.
    """
    clear_dead(machine, layout)
    with held(machine, layout, "a prune"), drills_held(machine, layout):
        for left in leftovers(layout):
            with suppress(OSError):  # they cost room, no more
                machine.files.remove(left)
        decisions = weigh(machine, layout, environment, keep, pins, needed=needed)
        removed, stuck = [], []
        for facts in (decision.backup for decision in decisions if not decision.keep):
            try:
                _remove(machine, layout, facts)
                removed.append(facts.name)
            except OSError as problem:
                stuck.append((facts.name, problem.strerror or str(problem)))
    return Pruned(decisions=decisions, removed=tuple(removed), stuck=tuple(stuck))


def _remove(machine: Machine, layout: Layout, facts: BackupFacts) -> None:
    """Undo the commit: the archive loses its final name first, so that no zip without a checksum file ever shows.

    Whatever a crash leaves are files that `leftovers` collects; a disk that refuses leaves the backup sealed.
    """
    path = path_of(layout, facts)
    aside = temporary_path(path)
    machine.files.rename(path, aside)
    try:
        machine.files.remove(sidecar.path_of(path))
    except OSError:
        machine.files.rename(aside, path)
        raise
    machine.files.remove(aside)
    machine.files.sync_directory(path.parent)


def _proven(layout: Layout, facts: BackupFacts) -> bool:
    """Whether the last that was written of the archive is that it reads back; dates may be those of a wrong clock."""
    read = [receipt for receipt in receipts_of(layout, facts) if receipt.proof is Proof.VERIFIED]
    return bool(read) and read[-1].ok


def _problem(machine: Machine, layout: Layout, facts: BackupFacts) -> str:
    try:
        problems = read_whole(machine, layout, facts).problems
    except GuardError as problem:
        return problem.what
    return problems[0] if problems else ""


def _under_way(layout: Layout, backups: Sequence[BackupFacts]) -> dict[str, str]:
    """What a restore or a drill that has not ended needs, and what the last restore put back."""
    journal, undo = read_journal(layout), read_undo(layout)
    needed = [(drilling.backup, drilling.sha256, "a drill of it is under way") for drilling in under_drill(layout)]
    needed += [(journal.backup, journal.sha256, "a restore of it is not finished")] if journal is not None else []
    needed += [(undo.backup, undo.sha256, "it was restored last")] if undo is not None else []
    found = {}
    for name, sha256, why in needed:
        # Plain copies of one content are several backups, told apart by name alone.
        found.update({f.name: why for f in backups if f.name == name or (f.sequence and f.sha256 == sha256)})
    return found
