"""Takes a backup: plans it untouched, then writes, reads back and seals it in an order that no crash breaks."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import frozen

from dhash_guard import __version__
from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.manifest import FORMAT, Header
from dhash_guard.backup.archive.verify import examine
from dhash_guard.backup.archive.writer import write_archive
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
                collection = collect(layout, select(settings, plan.requested))
                _write(machine, path, header_for(layout, plan.environment, purpose, at, collection), collection)
            _seal(machine, layout, path)
    return facts_of(layout, path)


def _write(machine: Machine, path: Path, header: Header, collection: Collection) -> None:
    file = machine.files.create(temporary_path(path))
    try:
        write_archive(file, machine.clock, header, collection.sources)
        machine.files.finish(file)
    finally:
        with suppress(OSError):  # after a full disk, closing flushes and fails once more
            file.close()


def _seal(machine: Machine, layout: Layout, path: Path) -> None:
    """Read the archive back; then its checksum file, then its final name, which is the commit."""
    temporary, name = temporary_path(path), layout.relative(path)
    read, _ = examine(temporary, name, expected=None)
    if not read.ok:
        raise Damaged("the archive reads back differently: " + "; ".join(read.problems), where=name)
    machine.files.write_atomic(sidecar.path_of(path), sidecar.line(read.sha256, name))
    machine.files.rename(temporary, path)
    machine.files.sync_directory(path.parent)


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
