"""Remembers a restore or an undo that is under way, so that whoever comes after a crash can end it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Literal, TypeVar

from attrs import frozen

from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_json, to_data
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine

T = TypeVar("T")


class State(Enum):
    """How far it got: staging (nothing was exchanged), prepared (everything new is on the disk), abandoned (going back)."""

    STAGING = "staging"
    PREPARED = "prepared"
    ABANDONED = "abandoned"


class Operation(Enum):
    """What is under way. A staged tree of a restore is a copy; that of an undo is the only one of its kind."""

    RESTORE = "restore"
    UNDO = "undo"


@frozen(kw_only=True)
class Inode:
    """What a name stood for when the journal was written."""

    device: int
    number: int


@frozen(kw_only=True)
class Place:
    """One root: its path, and what its new and its old tree are called beside it.

    `new` is None where nothing shall stand at the path, `old` where nothing stood there.
    """

    path: str
    kind: Kind
    staged: str
    previous: str
    new: Inode | None = None
    old: Inode | None = None


@frozen(kw_only=True)
class Journal:
    """The record in `layout.journal`. `environment` is the one whose roots these are, `stale` are paths of the trees that
    the restore before this had kept, `loads` those of files that are given to a command once they are in place.
    """

    version: Literal[1] = 1
    id: str
    operation: Operation
    state: State
    backup: str
    sha256: str
    digest: str
    places: tuple[Place, ...]
    stale: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    environment: str = ""


@frozen(kw_only=True)
class Kept:
    """A root whose earlier tree is kept; `previous` is empty where nothing stood there before."""

    path: str
    previous: str


@frozen(kw_only=True)
class UndoRecord:
    """The record in `layout.undo`: which trees the last restore replaced, and whether that was undone since.

    `environment` is the one it was for; records of earlier versions do not say. `stale` are trees of restores before it
    that were to go; what is still there of them goes with the next.
    """

    version: Literal[1] = 1
    id: str
    backup: str
    sha256: str
    undone: bool
    roots: tuple[Kept, ...]
    stale: tuple[str, ...] = ()
    environment: str = ""

    def trees(self) -> tuple[str, ...]:
        """Paths of the kept trees, relative to the project root."""
        return tuple(beside(kept.path, kept.previous) for kept in self.roots if kept.previous)


def beside(path: str, name: str) -> str:
    """The path of `name` in the folder of `path`."""
    return "/".join([*path.split("/")[:-1], name])


def inode(path: Path) -> Inode | None:
    """What stands at `path` itself, links not followed; None where nothing does."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return Inode(device=status.st_dev, number=status.st_ino)


def same(one: Inode | None, other: Inode | None) -> bool:
    """Whether both are there and are one thing; numbers of devices are not compared, because a restart may change them,
    and the names that are compared lie in one folder anyway."""
    return one is not None and other is not None and one.number == other.number


def read_journal(layout: Layout) -> Journal | None:
    """The journal; None where nothing is under way. Raise Damaged where it cannot be understood."""
    return _read(Journal, layout.journal)


def read_undo(layout: Layout) -> UndoRecord | None:
    """What the last restore replaced; None where there was none. Raise Damaged where it cannot be understood."""
    return _read(UndoRecord, layout.undo)


def write_journal(machine: Machine, layout: Layout, journal: Journal) -> None:
    """One crash step: afterwards, the journal is on the disk."""
    machine.files.write_atomic(layout.journal, canonical(to_data(journal)) + b"\n")


def write_undo(machine: Machine, layout: Layout, record: UndoRecord) -> None:
    """One crash step: afterwards, the record is on the disk."""
    machine.files.write_atomic(layout.undo, canonical(to_data(record)) + b"\n")


def remove_journal(machine: Machine, layout: Layout) -> None:
    """End what was under way."""
    machine.files.remove(layout.journal)
    machine.files.sync_directory(layout.journal.parent)


def require_no_journal(layout: Layout) -> None:
    """Raise CannotTell while a restore is unfinished: the tree may be of two minds."""
    if os.path.lexists(layout.journal):
        raise CannotTell("an interrupted restore is not finished", cure="Run `dhash-guard backup recover` first.")


@contextmanager
def held(machine: Machine, layout: Layout, what: str, *, wait: float = 0.0) -> Iterator[None]:
    """The one lock under which backups are written and restored; raise Locked where somebody holds it after `wait` s."""
    machine.files.make_directory(layout.state)
    path = layout.state / "locks" / "backup-restore.lock"
    with machine.files.lock(path, f"{what}, process {os.getpid()}", wait=wait):
        yield


def wait_until_free(machine: Machine, layout: Layout, patience: float) -> None:
    """Let a backup that is under way come to its end; raise Locked where it does not within `patience` seconds."""
    with held(machine, layout, "a look", wait=patience):
        pass


def _read(kind: type[T], path: Path) -> T | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return from_json(kind, content)
    except ValueError as problem:
        raise Damaged(
            f"the record of a restore cannot be understood: {problem}",
            where=str(path),
            cure="A person must look at the trees named *.dhash-new-* and *.dhash-prev-* beside the restored paths.",
        ) from problem
