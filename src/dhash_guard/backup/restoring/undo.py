"""Puts back, once, the trees that the last restore replaced."""

from __future__ import annotations

import os

from attrs import frozen

from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.names import previous_name, staged_name
from dhash_guard.backup.restoring.journal import (
    Journal,
    Kept,
    Operation,
    Place,
    State,
    UndoRecord,
    beside,
    held,
    inode,
    read_undo,
    require_no_journal,
    write_journal,
)
from dhash_guard.backup.restoring.recover import finish_unfinished
from dhash_guard.backup.restoring.restore import close, exchange_all
from dhash_guard.errors import CannotTell, NoGo, UsageProblem
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.layout import Layout
from dhash_guard.system.files import mounts_in
from dhash_guard.system.machine import Machine


@frozen(kw_only=True)
class Undone:
    """The restore of `backup` was taken back; the trees that it had made are kept until the next restore."""

    backup: str
    roots: tuple[str, ...]


def undo(machine: Machine, layout: Layout, environment: str | None = None) -> Undone:
    """Exchange the trees of the last restore with those before it, at the price of renames.

    Raise UsageProblem where that restore was for another than this `environment`: its locks are not held.

    Raise CannotTell where there is nothing to undo or the earlier trees are gone, NoGo where it could not be done and
    everything stands as before, NeedsPerson where not even that, Locked where a backup or restore runs.
    """
    with held(machine, layout, "an undo"):
        finish_unfinished(machine, layout)
        record = _undoable(layout, environment)
        journal = _prepared(layout, record)
        try:
            write_journal(machine, layout, journal)
        except OSError as problem:
            raise NoGo(f"the undo could not begin: {problem}") from problem
        exchange_all(machine, layout, journal)
        close(machine, layout, journal)
    return _undone(record)


def rehearse_undo(layout: Layout, environment: str | None = None) -> Undone:
    """What `undo` would take back; reads only. Raise as it does, and CannotTell while a restore is unfinished."""
    require_no_journal(layout)
    return _undone(_undoable(layout, environment))


def _undoable(layout: Layout, environment: str | None) -> UndoRecord:
    """The record of the last restore, after every check that comes before the first change."""
    record = read_undo(layout)
    if record is None or record.undone:
        raise CannotTell("there is no restore to undo" if record is None else "the last restore was undone already")
    if environment is not None and record.environment not in ("", environment):
        raise UsageProblem(
            f"the last restore was one of {record.environment}, not of {environment}",
            cure=f"Where that is meant: dhash-guard backup undo --env {record.environment}",
        )
    gone = [tree for tree in record.trees() if not os.path.lexists(layout.root / tree)]
    if gone:
        raise CannotTell("the trees before the restore are gone: " + ", ".join(gone))
    if mounted := [place for kept in record.roots for place in mounts_in(layout.root / kept.path)]:
        raise NoGo(f"{mounted[0]} is a mount point and cannot be exchanged", cure="Unmount it, then undo.")
    return record


def _undone(record: UndoRecord) -> Undone:
    return Undone(backup=record.backup, roots=tuple(kept.path for kept in record.roots))


def _prepared(layout: Layout, record: UndoRecord) -> Journal:
    identity = sha256_hex(f"undo {record.id}".encode())[:12]
    return Journal(
        id=identity,
        operation=Operation.UNDO,
        state=State.PREPARED,
        backup=record.backup,
        sha256=record.sha256,
        digest="",
        # Backwards: a database is back before the log that belongs to it.
        places=tuple(_place(layout, kept, identity) for kept in reversed(record.roots)),
        stale=record.stale,
        environment=record.environment,
    )


def _place(layout: Layout, kept: Kept, identity: str) -> Place:
    name = kept.path.rpartition("/")[2]
    tree = inode(layout.root / beside(kept.path, kept.previous)) if kept.previous else None
    return Place(
        path=kept.path,
        kind=Kind.ABSENT if tree is None else Kind.DIRECTORY,
        # Without an earlier tree nothing is ever staged; the name only has to be nobody's.
        staged=kept.previous or staged_name(name, identity),
        previous=previous_name(name, identity),
        new=tree,
        old=inode(layout.root / kept.path),
    )
