"""Ends a restore or an undo that was interrupted: every root entirely new where all was staged, else entirely old."""

from __future__ import annotations

import os

from attrs import frozen

from dhash_guard.backup.restoring.digest import tree_digest
from dhash_guard.backup.restoring.exchange import all_can_go_forward, conclude, go_back, go_forward
from dhash_guard.backup.restoring.journal import Journal, Operation, State, held, read_journal
from dhash_guard.errors import NeedsPerson
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine


@frozen(kw_only=True)
class Recovery:
    """How an interrupted `operation` (restore or undo) was ended.

    `forward` means that every root is new now, else every root is old. `identical` tells for a restore whether the
    roots have the digest of the backup; it is None where there is nothing to compare with. `unloaded` are files that are in
    place and were perhaps not given to the command that loads them: restoring once more does that.
    """

    operation: str
    backup: str
    forward: bool
    roots: tuple[str, ...]
    identical: bool | None
    unloaded: tuple[str, ...] = ()


def recover(machine: Machine, layout: Layout) -> Recovery | None:
    """End what was interrupted; None where nothing was. May itself be killed and called again.

    Raise Locked while the restore is still running, Damaged for a journal that cannot be understood, and NeedsPerson
    where neither way could be gone.
    """
    if not os.path.lexists(layout.journal):
        return None
    with held(machine, layout, "a recovery"):
        return finish_unfinished(machine, layout)


def finish_unfinished(machine: Machine, layout: Layout) -> Recovery | None:
    """What `recover` does, for callers that hold the lock already."""
    journal = read_journal(layout)
    if journal is None:
        return None
    forward = _whole(layout, journal) and _forward(machine, layout, journal)
    if not forward:
        go_back(machine, layout, journal)
    same = _identical(layout, journal) if forward and journal.operation is Operation.RESTORE else None
    return _told(journal, forward=forward, identical=same)


def foreseen(layout: Layout) -> Recovery | None:
    """How `recover` would end what was interrupted; reads only. None where nothing was, Damaged as there."""
    journal = read_journal(layout)
    return None if journal is None else _told(journal, forward=_whole(layout, journal), identical=None)


def _whole(layout: Layout, journal: Journal) -> bool:
    """Whether everything new is there."""
    return journal.state is State.PREPARED and all_can_go_forward(layout, journal)


def _told(journal: Journal, *, forward: bool, identical: bool | None) -> Recovery:
    return Recovery(
        operation=journal.operation.value,
        backup=journal.backup,
        forward=forward,
        roots=tuple(place.path for place in journal.places),
        identical=identical,
        unloaded=journal.loads if forward else (),
    )


def _forward(machine: Machine, layout: Layout, journal: Journal) -> bool:
    try:
        go_forward(machine, layout, journal)
    except OSError:
        return False
    try:
        conclude(machine, layout, journal)
    except OSError as problem:
        raise NeedsPerson(
            f"the trees are in place, but that could not be recorded: {problem}",
            cure="Remove the cause, then run `dhash-guard backup recover`.",
        ) from problem
    return True


def _identical(layout: Layout, journal: Journal) -> bool:
    try:
        return tree_digest(layout.root, [place.path for place in journal.places]) == journal.digest
    except OSError:
        return False
