"""Puts a backup back: whole or not at all, with the tree before it kept for an undo."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve

from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.manifest import Header, Kind
from dhash_guard.backup.archive.reader import Archive
from dhash_guard.backup.archive.verify import examine
from dhash_guard.backup.components import covers, require_places
from dhash_guard.backup.names import previous_name, staged_name
from dhash_guard.backup.opening import Reading, opened_archive, opened_sealed
from dhash_guard.backup.restoring.comparing import different_roots, differing_paths
from dhash_guard.backup.restoring.digest import RootSummary, joined, summaries
from dhash_guard.backup.restoring.exchange import conclude, go_back, go_forward
from dhash_guard.backup.restoring.journal import (
    Journal,
    Operation,
    Place,
    State,
    beside,
    held,
    inode,
    read_undo,
    write_journal,
)
from dhash_guard.backup.restoring.loading import load_all, loading
from dhash_guard.backup.restoring.recover import finish_unfinished
from dhash_guard.backup.restoring.staging import stage
from dhash_guard.backup.restoring.unpacking import require_names
from dhash_guard.backup.settings import BackupSettings
from dhash_guard.errors import CannotTell, Damaged, GuardError, NeedsPerson, NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts, Restoration, RestoredRoot
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.layout import Layout
from dhash_guard.records.stage import Change
from dhash_guard.records.units import format_bytes
from dhash_guard.system.files import mounts_in
from dhash_guard.system.machine import Machine

_SPARE = 1.05


def restore(
    machine: Machine, layout: Layout, facts: BackupFacts, settings: BackupSettings, environment: str | None = None
) -> Restoration:
    """Verify the backup, stage it whole, exchange every root, and read it back from its final place.

    `environment` is the one whose files these are, where it is not that of the backup; an undo asks for it.

    Only roots that `settings` name as part of a component are replaced: an archive does not choose its own targets.
    Raise Damaged, UsageProblem, CannotTell or Locked before anything is touched; NoGo where it could not be done and
    everything stands as before; NeedsPerson where not even that could be reached. A tree that reads back differently
    (a service may write at once) is returned as not `identical`; `differences` names the entries.
    """
    began = machine.clock.monotonic()
    with held(machine, layout, "a restore"), opened_sealed(layout, facts, chosen(machine.environ)) as reading:
        archive = reading.archive
        header = _verified(machine, reading, facts, settings)
        finish_unfinished(machine, layout)
        found = summaries(header, archive.contents())
        _preflight(machine, layout, found)
        loads = loading(settings, header)
        planned = _planned(machine, layout, facts, found, tuple(load.path for load in loads))
        journal = evolve(planned, environment=environment or facts.environment)
        written, journal = _staged(machine, layout, journal, archive)
        exchange_all(machine, layout, journal)
        different = _different(machine, layout, archive, found)
        refused = [] if different else load_all(machine, layout, loads)
        close(machine, layout, journal)
    if refused:
        raise NeedsPerson(
            f"the files of {facts.name} are in place, but {'; '.join(refused)}",
            cure="Remove the cause and restore once more; `dhash-guard backup undo` brings back files, not what was loaded.",
        )
    return Restoration(
        backup=facts.name,
        roots=tuple(
            RestoredRoot(
                path=root.path,
                kind=root.kind.value,
                files=root.files,
                digest="" if root.path in different else root.digest,
            )
            for root in found.values()
        ),
        files=sum(root.files for root in found.values()),
        bytes_written=written,
        identical=not different,
        seconds=machine.clock.monotonic() - began,
        unloaded=tuple(load.path for load in loads) if different else (),
    )


def _different(machine: Machine, layout: Layout, archive: Archive, found: Mapping[str, RootSummary]) -> frozenset[str]:
    """Roots that are not known to be identical now; where they cannot be read back, none is."""
    try:
        return different_roots(machine, archive, layout.root, found)
    except (OSError, ValueError, GuardError):
        return frozenset(found)


def rehearse(machine: Machine, layout: Layout, facts: BackupFacts, settings: BackupSettings) -> tuple[str, ...]:
    """The roots that a restore would replace, after every check that comes before its first change; raise as it does."""
    with opened_sealed(layout, facts, chosen(machine.environ)) as reading:
        header = _verified(machine, reading, facts, settings, contents=True)
        _preflight(machine, layout, summaries(header, reading.archive.contents()))
    if machine.plan is not None:
        machine.plan.extend(Change("run", f"{' '.join(load.command)} < {load.path}") for load in loading(settings, header))
    return tuple(root.path for root in header.roots)


def differences(layout: Layout, facts: BackupFacts) -> tuple[str, ...]:
    """Paths of all entries in which the tree on the disk and a backup are not the same, sorted; empty means identical."""
    with opened_archive(layout, facts) as archive:
        return tuple(differing_paths(archive, layout.root))


def exchange_all(machine: Machine, layout: Layout, journal: Journal) -> None:
    """Exchange every root of a prepared journal, or put all back and raise NoGo."""
    try:
        go_forward(machine, layout, journal)
    except OSError as problem:
        go_back(machine, layout, journal)
        raise NoGo(f"the trees could not be exchanged, everything stands as before: {problem}") from problem


def close(machine: Machine, layout: Layout, journal: Journal) -> None:
    """Record what is now in place; raise NeedsPerson where the record cannot be written (the trees are in place then)."""
    try:
        conclude(machine, layout, journal)
    except OSError as problem:
        raise NeedsPerson(
            f"the trees are in place, but that could not be recorded: {problem}",
            cure="Remove the cause, then run `dhash-guard backup recover`.",
        ) from problem


def _verified(
    machine: Machine, reading: Reading, facts: BackupFacts, settings: BackupSettings, *, contents: bool = False
) -> Header:
    """Check hash and structure, and with `contents` every member; a restore checks these while it stages them."""
    found = examine(machine, reading.archive, facts.name, reading.expected, contents=contents)
    problems = list(found.verification.problems)
    if facts.sha256 and reading.stated != facts.sha256:
        problems.append("it is not the archive that was chosen")
    if problems or found.header is None:
        raise Damaged(
            "the backup is damaged, nothing was touched:\n  " + "\n  ".join(problems),
            where=facts.name,
            cure="Choose another backup.",
        )
    foreign = [root.path for root in found.header.roots if not covers(settings.components, root)]
    if foreign:
        raise UsageProblem(
            f"the backup would replace {', '.join(foreign)}, which no component names",
            where=facts.name,
            cure="If that is meant, add the paths to backup.components; nothing was touched.",
        )
    require_names(reading.archive)
    return found.header


def _preflight(machine: Machine, layout: Layout, found: Mapping[str, RootSummary]) -> None:
    """Refuse what is bound to fail while nothing has been touched yet."""
    require_places(layout, list(found))
    needed: Counter[int] = Counter()
    folders: dict[int, Path] = {}
    for path, summary in found.items():
        target = layout.root / path
        folder = next(parent for parent in target.parents if parent.exists())
        if mounted := mounts_in(target):
            # Inside a root it would move with the old tree, and be emptied when that is dropped.
            where = layout.relative(mounted[0]) if mounted[0].is_relative_to(layout.root) else str(mounted[0])
            raise NoGo(f"{where} is a mount point and cannot be exchanged", cure="Back up what is in it instead.")
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise NoGo(f"{folder} does not let a new {path} be made in it")
        device = folder.stat().st_dev
        folders[device] = folder
        needed[device] += summary.bytes
    for device, size in needed.items():
        free = machine.host.free_bytes(folders[device])
        if free is not None and free < size * _SPARE:
            missing = format_bytes(size * _SPARE - free)
            raise NoGo(f"the restore needs {format_bytes(size * _SPARE)}, {missing} more than are free", cure="Make room.")


def _planned(
    machine: Machine, layout: Layout, facts: BackupFacts, found: Mapping[str, RootSummary], loads: tuple[str, ...]
) -> Journal:
    before = read_undo(layout)
    seed = f"{facts.name} {facts.sha256} {machine.clock.now()!r} {os.getpid()} {before.id if before else ''}"
    identity = sha256_hex(seed.encode())[:12]
    places = []
    # What is to be absent first: the log of a database must never be beside the content of another time.
    ordered = sorted(found.values(), key=lambda root: root.kind is not Kind.ABSENT)
    for root in ordered:
        name = root.path.rpartition("/")[2]
        staged, previous = staged_name(name, identity), previous_name(name, identity)
        places.append(Place(path=root.path, kind=root.kind, staged=staged, previous=previous))
    return Journal(
        id=identity,
        operation=Operation.RESTORE,
        state=State.STAGING,
        backup=facts.name,
        sha256=facts.sha256,
        digest=joined(ordered),
        loads=loads,
        places=tuple(places),
        stale=(*before.trees(), *before.stale) if before else (),
    )


def _staged(machine: Machine, layout: Layout, journal: Journal, archive: Archive) -> tuple[int, Journal]:
    """Stage every root and bring it to the disk; the journal that comes back is prepared. On failure nothing stays."""
    try:
        write_journal(machine, layout, journal)
        written = stage(machine, layout, archive, journal.places)
        present = [place for place in journal.places if place.kind is not Kind.ABSENT]
        folders = {parent.stat().st_dev: parent for place in present for parent in [(layout.root / place.path).parent]}
        for folder in folders.values():
            machine.files.sync_filesystem(folder)
        prepared = evolve(journal, state=State.PREPARED, places=tuple(_marked(layout, place) for place in journal.places))
        write_journal(machine, layout, prepared)
    except (OSError, GuardError) as problem:
        go_back(machine, layout, journal)
        raise _explained(problem) from problem
    return written, prepared


def _marked(layout: Layout, place: Place) -> Place:
    staged = None if place.kind is Kind.ABSENT else inode(layout.root / beside(place.path, place.staged))
    return evolve(place, new=staged, old=inode(layout.root / place.path))


def _explained(problem: OSError | GuardError) -> GuardError:
    if isinstance(problem, CannotTell):
        return NoGo(problem.what, where=problem.where)
    if isinstance(problem, GuardError):
        return problem
    full = "the disk is full" if problem.errno in (errno.ENOSPC, errno.EDQUOT) else "the backup could not be staged"
    return NoGo(f"{full}, everything stands as before: {problem}")
