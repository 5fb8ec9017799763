"""Copies SQLite databases that are in use, whole and checked, and knows the files that SQLite keeps beside them."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from attrs import field, frozen

from dhash_guard.backup.archive.sources import Source
from dhash_guard.errors import NoGo

SIDES = ("-journal", "-shm", "-wal")
"""Endings of the files beside a database: what is in them belongs to that one content of it, and to no other."""

_MAGIC = b"SQLite format 3\x00"
_WAL_VERSION = 2
_HEAD = 20
_NAP = 0.05
"""Seconds between two attempts at a database that is locked."""
_SHOWN = 3


@frozen
class Databases:
    """The paths of databases, relative to the project; `copies` stand for those that were made already, and `strict` says
    that a raw copy of any other database in use is refused."""

    paths: frozenset[str] = frozenset()
    copies: Mapping[str, Source] = field(factory=dict)
    strict: bool = True

    def besides(self, path: str) -> bool:
        """Whether this is a file that SQLite keeps beside one of them."""
        return any(path.endswith(side) and path.removesuffix(side) in self.paths for side in SIDES)

    def aside(self, folder: str, names: Sequence[str]) -> dict[str, Source | None]:
        """The names in a folder that are not read as they are: the copies in their place, None for what is passed over."""
        found: dict[str, Source | None] = {}
        if self.paths:
            found = {name: None for name in names if self.besides(f"{folder}/{name}")}
        if self.copies:
            found |= {name: self.copies[path] for name in names if (path := f"{folder}/{name}") in self.copies}
        return found

    def problems(self, project: Path, folder: str, names: Sequence[str]) -> Iterator[str]:
        """Why files in a folder cannot be copied as they are."""
        for name in names:
            if name.endswith("-wal") and (reason := self.problem(project, f"{folder}/{name.removesuffix('-wal')}")):
                yield reason

    def problem(self, project: Path, path: str) -> str:
        """Why a file cannot be copied as it is; empty where it can."""
        wal = path + "-wal"
        if not self.strict or path in self.paths or not os.path.lexists(project / wal):
            return ""
        try:
            if not is_database(project / path):
                return ""
        except OSError:  # not there, or told when it is read
            return ""
        return (
            f"{path!r} is an SQLite database in use ({wal!r} is beside it): "
            f"name it in a component of its own, `sqlite: [{path}]`"
        )


def is_database(path: Path) -> bool:
    """Whether a file begins as SQLite databases do; raise OSError where it cannot be read."""
    return _head(path).startswith(_MAGIC)


def sides_of(path: str) -> Iterator[str]:
    """The paths of the files that SQLite may keep beside a database."""
    for side in SIDES:
        yield path + side


def copy_database(source: Path, target: Path, patience: float) -> None:
    """Copy the database `source` into the new file `target`, consistent whoever writes meanwhile, and check the copy.

    Raise NoGo naming what SQLite said, or the first faults that it finds in the copy; `patience` is how many seconds to
    wait for a lock.
    """
    try:
        if not stat.S_ISREG(source.lstat().st_mode) or not is_database(source):
            raise NoGo(f"{source} is no SQLite database")
        if not _copied_at_rest(source, target):
            _copy(source, "mode=ro", target, patience)
        with closing(sqlite3.connect(target)) as copy:
            faults = [row[0] for row in copy.execute("PRAGMA integrity_check(10)")]
    except (sqlite3.Error, OSError) as problem:
        raise NoGo(
            f"{source} cannot be copied: {problem}", cure="Let its service open it once, so that it ends what was begun."
        ) from problem
    if faults != ["ok"]:
        raise NoGo(
            f"{source} is damaged: {'; '.join(str(fault) for fault in faults[:_SHOWN])}",
            cure="Repair the database, or restore it, before it is backed up.",
        )


def _copied_at_rest(source: Path, target: Path) -> bool:
    """Copy a database that nobody has open without opening it for SQLite's own locks, which would leave files beside it.

    False where somebody has it open, or opened it meanwhile: then the copy means nothing.
    """
    before = source.stat()
    if _head(source)[18:19] != bytes([_WAL_VERSION]) or _in_use(source):
        return False
    try:
        _copy(source, "immutable=1", target, 0.0)
    except sqlite3.Error:
        return False
    after = source.stat()
    same = (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)
    return same and not _in_use(source)


def _copy(source: Path, how: str, target: Path, patience: float) -> None:
    naps = 0

    def wait(status: int, remaining: int, total: int) -> None:
        """Python tries again for ever, and SQLite's own timeout would let no signal through."""
        nonlocal naps
        if status not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return
        naps += 1
        if naps * _NAP > patience:
            raise NoGo(
                f"{source} stayed locked for {patience:g} s",
                cure="End what holds it, quiesce it, or give its component a longer timeout.",
            )

    with (
        closing(sqlite3.connect(f"file:{quote(str(source))}?{how}", uri=True, timeout=0)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        # In one step: what others write meanwhile begins it anew otherwise.
        live.backup(copy, progress=wait, sleep=_NAP)


def _in_use(source: Path) -> bool:
    return any(os.path.lexists(str(source) + side) for side in ("-wal", "-journal"))


def _head(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(_HEAD)
