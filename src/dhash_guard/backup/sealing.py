"""Gives a written backup its final name, in an order that no crash breaks, or leaves nothing of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.writer import Written
from dhash_guard.backup.naming import folders, temporary_path
from dhash_guard.errors import Damaged, NoGo
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.system.files import only_grows
from dhash_guard.system.machine import Machine

_BLOCK = 1 << 20


def require_renames(layout: Layout) -> None:
    """Raise NoGo where a backup could never be given its final name, before anything is written that could not go again."""
    for folder in folders(layout):
        if only_grows(folder):
            raise NoGo(
                "the directory is append-only: a finished backup could not be given its name",
                where=layout.relative(folder),
                cure=f"Take the attribute off: chattr -a {layout.relative(folder)}",
            )


def seal(machine: Machine, layout: Layout, path: Path, written: Written) -> None:
    """Read back that the disk has what was hashed; then the checksum file, then the final name, which is the commit."""
    temporary, name = temporary_path(path), layout.relative(path)
    if not _reads_back(machine, temporary, written):
        raise Damaged("the archive reads back differently than it was written", where=name, cure="Look at the disk.")
    line = sidecar.line(written.sha256, name)
    machine.files.write_atomic(sidecar.path_of(path), line)
    if sidecar.path_of(path).read_bytes() != line:
        raise Damaged("the checksum file reads back differently than it was written", where=name, cure="Look at the disk.")
    machine.files.rename(temporary, path)
    machine.files.sync_directory(path.parent)


def _reads_back(machine: Machine, path: Path, written: Written) -> bool:
    """Whether the file has the bytes that were hashed on their way to it, told by length and CRC-32."""
    deflate, crc, size = chosen(machine.environ), 0, 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            crc, size = deflate.crc32(block, crc), size + len(block)
    return (size, crc) == (written.size, written.crc)


@contextmanager
def discarded(machine: Machine, path: Path) -> Iterator[None]:
    """Remove what a failed backup wrote; the zip before its checksum file, so that neither order of death unseals."""
    try:
        yield
    except BaseException:
        for leftover in (temporary_path(path), path, sidecar.path_of(path)):
            with suppress(OSError):
                machine.files.remove(leftover)
        raise


@contextmanager
def explained(machine: Machine, layout: Layout, size: int) -> Iterator[None]:
    """Turn what a disk refuses into NoGo; `size` are the bytes that the backup takes at most."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            free = machine.host.free_bytes(layout.root)
            has = "" if free is None else f", {format_bytes(free)} are free"
            raise NoGo(
                f"the disk is full: the backup takes up to {format_bytes(size)}{has}",
                where=str(problem.filename or layout.relative(layout.backups)),
                cure="Make room, for instance with `dhash-guard backup prune`.",
            ) from problem
        raise NoGo(f"the backup could not be written: {problem}", cure="Remove the cause, then take it again.") from problem
