"""Puts new trees in place of old ones, forward or back, judging from inode numbers how far it had come."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from enum import Enum
from pathlib import Path

from attrs import evolve

from dhash_guard.backup.restoring.journal import (
    Journal,
    Kept,
    Operation,
    Place,
    State,
    UndoRecord,
    beside,
    inode,
    remove_journal,
    same,
    write_journal,
    write_undo,
)
from dhash_guard.errors import NeedsPerson
from dhash_guard.records.layout import Layout
from dhash_guard.system.files import Files
from dhash_guard.system.machine import Machine

_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, getattr(errno, "ENOTSUP", errno.ENOSYS)}


class Position(Enum):
    """Where a root stands: its new tree waits, is in place, or is gone."""

    WAITING = "waiting"
    IN_PLACE = "in place"
    LOST = "lost"


def position(layout: Layout, place: Place) -> Position:
    """Judge one root.

    What stands at the target itself decides nothing as long as the new tree can be found: a running service may have
    replaced its file since.
    """
    target, staged, previous = _names(layout, place)
    if place.new is None:
        waits = place.old is not None and inode(previous) is None and inode(target) is not None
        return Position.WAITING if waits else Position.IN_PLACE
    if same(inode(staged), place.new):
        return Position.WAITING
    # Only an exchange puts anything there, whoever had replaced the old tree before it.
    moved = inode(previous) is not None or inode(staged) is not None or same(inode(target), place.new)
    if moved or (place.old is None and inode(target) is not None):
        return Position.IN_PLACE
    return Position.LOST


def all_can_go_forward(layout: Layout, journal: Journal) -> bool:
    """Whether no new tree is lost."""
    return all(position(layout, place) is not Position.LOST for place in journal.places)


def go_forward(machine: Machine, layout: Layout, journal: Journal) -> None:
    """Put every new tree in place and keep the old ones; may be called again after any crash. Raise OSError."""
    for place in journal.places:
        _forward(machine.files, layout, place)
    _sync_folders(machine, layout, journal)


def conclude(machine: Machine, layout: Layout, journal: Journal) -> None:
    """Remember the old trees for an undo, drop those that the restore before had kept, and close the journal.

    A tree that cannot be dropped (a folder in it is somebody else's) stays for the next restore to try: what was restored
    is in place, and nobody may be kept from the next backup by it.
    """
    kept = tuple(
        Kept(path=place.path, previous=place.previous if inode(_names(layout, place)[2]) else "") for place in journal.places
    )
    undone = journal.operation is Operation.UNDO
    record = UndoRecord(
        id=journal.id,
        backup=journal.backup,
        sha256=journal.sha256,
        undone=undone,
        roots=kept,
        stale=journal.stale,
        environment=journal.environment,
    )
    write_undo(machine, layout, record)
    for stale in journal.stale:
        with suppress(OSError):
            machine.files.remove_tree(layout.root / stale)
    remove_journal(machine, layout)


def go_back(machine: Machine, layout: Layout, journal: Journal) -> None:
    """Put every old tree back, drop staged copies, and close the journal; may be called again after any crash.

    Raise NeedsPerson where even that fails; the journal stays then.
    """
    try:
        if journal.state is State.PREPARED:
            journal = evolve(journal, state=State.ABANDONED)
            write_journal(machine, layout, journal)
        for place in journal.places:
            if journal.state is not State.STAGING:
                _backward(machine.files, layout, place, journal.operation)
            if journal.operation is Operation.RESTORE:
                machine.files.remove_tree(_names(layout, place)[1])
        _sync_folders(machine, layout, journal)
        remove_journal(machine, layout)
    except OSError as problem:
        raise NeedsPerson(
            f"the trees before the {journal.operation.value} could not all be put back: {problem}",
            where=str(layout.journal),
            cure="Remove the cause, then run `dhash-guard backup recover`.",
        ) from problem


def _forward(files: Files, layout: Layout, place: Place) -> None:
    target, staged, previous = _names(layout, place)
    if position(layout, place) is Position.WAITING:
        if place.new is None:
            files.rename(target, previous)
        elif inode(target) is None:
            files.rename(staged, target)
        else:
            _trade(files, staged, target, previous)
    if place.new is not None and inode(staged) is not None:
        files.rename(staged, _aside(previous))


def _trade(files: Files, staged: Path, target: Path, previous: Path) -> None:
    """One step where the system can exchange names, else two with the journal between them."""
    try:
        files.exchange(staged, target)
    except OSError as problem:
        if problem.errno not in _NO_EXCHANGE:
            raise
        files.rename(target, _aside(previous))
        files.rename(staged, target)


def _backward(files: Files, layout: Layout, place: Place, operation: Operation) -> None:
    """Put the old tree of a root back; what a service has made at the bare target since is laid aside for it."""
    target, staged, previous = _names(layout, place)
    if inode(staged) is not None and not same(inode(staged), place.new):
        files.rename(staged, _aside(previous))  # the old tree, or what a service had put in its place
    here = inode(target)
    # What an undo had put there is the only one of its kind, also where a service has replaced it since.
    only = operation is Operation.UNDO and place.new is not None and inode(staged) is None
    if here is not None and (same(here, place.new) or only):
        files.rename(target, staged)
    elif here is not None and inode(previous) is not None:
        files.rename(target, _aside(previous))
    if inode(previous) is not None and inode(target) is None:
        files.rename(previous, target)


def _aside(previous: Path) -> Path:
    """The name for what is taken from a target: that of the previous tree, or, where this is taken, one like it.

    What a service made at the bare target between two steps is neither old nor new, but it is not ours to drop.
    """
    while inode(previous) is not None:
        previous = previous.with_name(previous.name + "0")
    return previous


def _names(layout: Layout, place: Place) -> tuple[Path, Path, Path]:
    """Target, staged and previous path of a root."""
    root = layout.root
    return root / place.path, root / beside(place.path, place.staged), root / beside(place.path, place.previous)


def _sync_folders(machine: Machine, layout: Layout, journal: Journal) -> None:
    for folder in sorted({os.path.dirname(layout.root / place.path) for place in journal.places}):
        if os.path.isdir(folder):
            machine.files.sync_directory(Path(folder))
