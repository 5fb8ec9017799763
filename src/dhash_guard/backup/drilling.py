"""Keeps a backup while a drill of it is under way, and removes the scratch directories of drills that were killed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from attrs import frozen

from dhash_guard.backup.catalog import path_of
from dhash_guard.errors import CannotTell, Locked
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_json, to_data
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine

_PREFIX = "dhash-drill-"
_PATIENCE = 300.0
"""Seconds that a drill waits for a prune that is under way, and a prune for a drill to begin."""


@frozen(kw_only=True)
class Drilling:
    """The record of a drill under way: its backup, and the directory that it restores to."""

    version: Literal[1] = 1
    backup: str
    sha256: str
    scratch: str


@contextmanager
def scratch_for(machine: Machine, layout: Layout, facts: BackupFacts, above: Path) -> Iterator[Path]:
    """The path of a scratch directory below `above`, not made yet, for as long as the block takes; removed after it.

    Retention keeps the backup meanwhile. A drill that is killed leaves the record, and a lock that died with it: the next
    drill or prune of the project clears up. Raise CannotTell where the backup is gone.
    """
    name = _PREFIX + secrets.token_hex(6)
    scratch, record = above.resolve() / name, _records(layout) / f"{name}.json"
    with machine.files.lock(record.with_suffix(".lock"), f"a drill of {facts.name}"):
        with drills_held(machine, layout):  # a prune has ended before this, or sees it
            if not path_of(layout, facts).is_file():
                raise CannotTell("the backup is gone", where=facts.name, cure="Drill another one.")
            told = Drilling(backup=facts.name, sha256=facts.sha256, scratch=str(scratch))
            machine.files.write_atomic(record, canonical(to_data(told)) + b"\n")
        try:
            yield scratch
        finally:
            machine.files.remove_tree(scratch)
            machine.files.remove(record)
    machine.files.remove(record.with_suffix(".lock"))


@contextmanager
def drills_held(machine: Machine, layout: Layout) -> Iterator[None]:
    """Keep drills from beginning; raise Locked where somebody else keeps them from it for minutes."""
    lock = layout.state / "locks" / "drills.lock"
    with machine.files.lock(lock, "a drill that begins, or a prune", wait=_PATIENCE):
        yield


def clear_dead(machine: Machine, layout: Layout) -> None:
    """Remove what drills left that were killed: whoever gets the lock of a drill knows that it is dead."""
    for path in _found(layout):
        with suppress(Locked, OSError), machine.files.lock(path.with_suffix(".lock"), "clearing up"):
            drilling = _read(path)
            if drilling is not None and Path(drilling.scratch).name == path.stem:
                machine.files.remove_tree(Path(drilling.scratch))
            machine.files.remove(path)
            machine.files.remove(path.with_suffix(".lock"))


def under_drill(layout: Layout) -> tuple[Drilling, ...]:
    """Every drill that is under way, or was killed and not cleared up yet."""
    return tuple(drilling for drilling in map(_read, _found(layout)) if drilling is not None)


def _records(layout: Layout) -> Path:
    return layout.state / "drills"


def _found(layout: Layout) -> list[Path]:
    return sorted(_records(layout).glob(f"{_PREFIX}*.json"))


def _read(path: Path) -> Drilling | None:
    try:
        return from_json(Drilling, path.read_bytes())
    except (OSError, ValueError):
        return None
