"""Takes a backup: plans it untouched, then writes, reads back and seals it in an order that no crash breaks."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import frozen

from dhash_guard import __version__
from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.cloning import can_clone
from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.manifest import FORMAT, Header
from dhash_guard.backup.archive.writer import Written, write_archive
from dhash_guard.backup.catalog import facts_of, listing, newest
from dhash_guard.backup.components import Collection, collect, select
from dhash_guard.backup.hooks import quiesced
from dhash_guard.backup.naming import archive_path, leftovers, next_moment, temporary_path
from dhash_guard.backup.restoring.journal import held, require_no_journal
from dhash_guard.backup.settings import BackupSettings
from dhash_guard.errors import Damaged, NoGo
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.system.machine import Machine

_BLOCK = 1 << 20
_BEST_PACKED = 0.15
"""No less than this is left of what can be packed at all, as far as anybody should hope."""


@frozen(kw_only=True)
class BackupPlan:
    """What a backup would hold. `requested` is the selection as it was asked for, `name` the path that it would get now."""

    environment: str
    requested: tuple[str, ...] | None
    name: str
    collection: Collection

    @property
    def bytes(self) -> int:
        """Bytes of all files before compression."""
        return self.collection.size


def plan(
    machine: Machine, layout: Layout, settings: BackupSettings, environment: str, components: tuple[str, ...] | None = None
) -> BackupPlan:
    """Find what a backup of `environment` would hold; reads only.

    Raise UsageProblem for a wrong selection, NoGo naming what cannot be backed up, CannotTell while a restore is unfinished.
    """
    require_no_journal(layout)
    collection = collect(layout, select(settings, components))
    path = archive_path(layout, environment, Purpose.BACKUP, next_moment(layout, environment, machine.clock.now()))
    return BackupPlan(environment=environment, requested=components, name=layout.relative(path), collection=collection)


def create(
    machine: Machine, layout: Layout, settings: BackupSettings, plan: BackupPlan, purpose: Purpose = Purpose.BACKUP
) -> BackupFacts:
    """Back up what `plan` selected, as it stands now, and return the facts of the sealed, read back archive.

    Raise NoGo where a file changed, a hook failed or the disk is full, OutsideSilent for a hook that does not end,
    Damaged where the archive reads back differently, Locked where another backup or restore runs. Whatever is raised,
    no file stays under a final name.
    """
    with held(machine, layout, "a backup"), _explained(machine, layout, plan):
        require_no_journal(layout)
        for folder in (layout.backups, layout.pre_rollback):
            machine.files.make_directory(folder)
        for left in leftovers(layout):
            machine.files.remove(left)
        at = next_moment(layout, plan.environment, machine.clock.now())
        path = archive_path(layout, plan.environment, purpose, at)
        with _discarded(machine, path):
            with quiesced(machine, layout, settings):  # the service stands still only while its files are read
                collection = (
                    plan.collection if settings.quiesce is None else collect(layout, select(settings, plan.requested))
                )
                _require_room(machine, layout, collection)
                header = header_for(layout, plan.environment, purpose, at, collection)
                written = _write(machine, path, header, collection)
            _seal(machine, layout, path, written)
    return facts_of(layout, path)


def _require_room(machine: Machine, layout: Layout, collection: Collection) -> None:
    """Refuse what is bound to fill the disk, before it does; whether packing saves enough is only known afterwards."""
    free = machine.host.free_bytes(layout.backups)
    media = 0 if can_clone(layout.backups) else collection.media
    least = media + (collection.size - collection.media) * _BEST_PACKED
    if free is not None and free < least:
        raise NoGo(
            f"the backup takes at least {format_bytes(least)}, {format_bytes(least - free)} more than are free",
            cure="Make room, for instance with `dhash-guard backup prune`.",
        )


def _write(machine: Machine, path: Path, header: Header, collection: Collection) -> Written:
    file = machine.files.create(temporary_path(path))
    try:
        written = write_archive(
            file,
            machine.clock,
            header,
            collection.project,
            collection.sources(),
            folder=path.parent,
            workers=machine.workers,
            deflate=chosen(machine.environ),
        )
        machine.files.finish(file)
    finally:
        with suppress(OSError):  # after a full disk, closing flushes and fails once more
            file.close()
    return written


def _seal(machine: Machine, layout: Layout, path: Path, written: Written) -> None:
    """Read back that the disk has what was hashed; then the checksum file, then the final name, which is the commit."""
    temporary, name = temporary_path(path), layout.relative(path)
    if not _reads_back(machine, temporary, written):
        raise Damaged("the archive reads back differently than it was written", where=name, cure="Look at the disk.")
    machine.files.write_atomic(sidecar.path_of(path), sidecar.line(written.sha256, name))
    machine.files.rename(temporary, path)
    machine.files.sync_directory(path.parent)


def _reads_back(machine: Machine, path: Path, written: Written) -> bool:
    """Whether the file has the bytes that were hashed on their way to it, told by length and CRC-32."""
    deflate, crc, size = chosen(machine.environ), 0, 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            crc, size = deflate.crc32(block, crc), size + len(block)
    return (size, crc) == (written.size, written.crc)


def header_for(layout: Layout, environment: str, purpose: Purpose, at: float, collection: Collection) -> Header:
    """The manifest's first line: the next sequence number, and the archive before this one."""
    before = newest(layout, environment)
    return Header(
        format=FORMAT,
        tool=__version__,
        service=layout.service,
        environment=environment,
        purpose=purpose,
        sequence=1 + max((facts.sequence for facts in listing(layout, environment)), default=0),
        created_at=at,
        sealed_at=at,
        components=collection.components,
        roots=collection.roots,
        left_out=collection.left_out,
        previous_sha256=before.sha256 if before else "",
    )


@contextmanager
def _discarded(machine: Machine, path: Path) -> Iterator[None]:
    """Remove what a failed backup wrote; the zip before its checksum file, so that neither order of death unseals."""
    try:
        yield
    except BaseException:
        for leftover in (temporary_path(path), path, sidecar.path_of(path)):
            with suppress(OSError):
                machine.files.remove(leftover)
        raise


@contextmanager
def _explained(machine: Machine, layout: Layout, plan: BackupPlan) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            free = machine.host.free_bytes(layout.root)
            has = "" if free is None else f", {format_bytes(free)} are free"
            raise NoGo(f"the disk is full: the backup takes up to {format_bytes(plan.bytes)}{has}") from problem
        raise NoGo(f"the backup could not be written: {problem}") from problem
