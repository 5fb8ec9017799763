"""Takes a backup: plans it untouched, then writes, reads back and seals it in an order that no crash breaks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from dhash_guard import __version__
from dhash_guard.backup.archive.cloning import can_clone
from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.manifest import FORMAT, Header
from dhash_guard.backup.archive.writer import Written, write_archive
from dhash_guard.backup.catalog import facts_of, newest
from dhash_guard.backup.components import Collection, collect, select
from dhash_guard.backup.hooks import quiesced
from dhash_guard.backup.naming import archive_path, leftovers, next_moment, temporary_path
from dhash_guard.backup.numbering import next_number, remember_number
from dhash_guard.backup.restoring.journal import held, require_no_journal, wait_until_free
from dhash_guard.backup.sealing import discarded, explained, require_renames, seal
from dhash_guard.backup.settings import BackupSettings, Component
from dhash_guard.backup.streams import made
from dhash_guard.errors import NoGo
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.system.machine import Machine

_BEST_PACKED = 0.15
"""No less than this is left of what can be packed at all, as far as anybody should hope."""


@frozen(kw_only=True)
class BackupPlan:
    """What a backup would hold. `requested` is the selection as it was asked for, `name` the path that it would get now."""

    environment: str
    requested: tuple[str, ...] | None
    name: str
    collection: Collection
    stands: tuple[tuple[int, int] | None, ...]
    """Which entries stood at the roots when they were looked at."""

    @property
    def bytes(self) -> int:
        """Bytes of all files before compression."""
        return self.collection.size


def plan(
    machine: Machine, layout: Layout, settings: BackupSettings, environment: str, components: tuple[str, ...] | None = None
) -> BackupPlan:
    """Find what a backup of `environment` would hold; reads only.

    Raise UsageProblem for a wrong selection, NoGo naming what cannot be backed up or where it cannot have room, CannotTell
    while a restore is unfinished and Locked while it is running.
    """
    if os.path.lexists(layout.journal):
        wait_until_free(machine, layout, 0.0)  # while the restore is running, that is what is said
    require_no_journal(layout)
    parts = select(settings, components)
    stands = _stands(layout, parts)  # before they are looked at: what changes meanwhile is looked at again
    # A service that is held still before its files are read may have its databases open until then.
    collection = collect(layout, parts, strict=settings.quiesce is None)
    folder = layout.backups if layout.backups.is_dir() else layout.root
    # Whether media can be cloned is only known by writing; what killed backups left goes before the next one is written.
    _require_room(machine, folder, collection, media=0, soon=_bytes_of(leftovers(layout)))
    path = archive_path(layout, environment, Purpose.BACKUP, next_moment(layout, environment, machine.clock.now()))
    return BackupPlan(
        environment=environment, requested=components, name=layout.relative(path), collection=collection, stands=stands
    )


def create(
    machine: Machine,
    layout: Layout,
    settings: BackupSettings,
    plan: BackupPlan,
    purpose: Purpose = Purpose.BACKUP,
    *,
    after: BackupFacts | None = None,
) -> BackupFacts:
    """Back up what `plan` selected, as it stands now, and return the facts of the sealed, read back archive.

    Its number goes on from every one that was given here, and from that of `after`, which lies elsewhere.
    Raise NoGo where a file changed, a hook failed or the disk is full, OutsideSilent for a hook that does not end,
    Damaged where the archive reads back differently, Locked where another backup or restore runs. Whatever is raised,
    no file stays under a final name.
    """
    with held(machine, layout, "a backup"), explained(machine, layout, plan.bytes):
        require_no_journal(layout)
        require_renames(layout)
        for folder in (layout.backups, layout.pre_rollback):
            machine.files.make_directory(folder)
        for left in leftovers(layout):
            machine.files.remove(left)
        at = next_moment(layout, plan.environment, machine.clock.now())
        path = archive_path(layout, plan.environment, purpose, at)
        with discarded(machine, path):
            parts = select(settings, plan.requested)
            # The service stands still only while its files are read.
            with quiesced(machine, layout, settings), made(machine, layout, parts) as streams:
                # A restore may have put other files there since the plan was made, which was before we had the lock.
                unchanged = settings.quiesce is None and not streams and plan.stands == _stands(layout, parts)
                collection = plan.collection if unchanged else collect(layout, parts, streams)
                media = 0 if can_clone(layout.backups) else collection.media
                _require_room(machine, layout.backups, collection, media=media)
                header = header_for(layout, plan.environment, purpose, at, collection, after)
                written = _write(machine, path, header, collection)
            remember_number(machine, layout, plan.environment, header.sequence)
            seal(machine, layout, path, written)
    return facts_of(layout, path)


def _stands(layout: Layout, components: Mapping[str, Component]) -> tuple[tuple[int, int] | None, ...]:
    """Device and inode of what stands at each root, None where nothing does; a restore puts others there."""
    return tuple(_entry(layout.root / path) for part in components.values() for path in part.roots)


def _entry(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _bytes_of(paths: Iterable[Path]) -> int:
    """What removing these files frees; a file that is gone already frees nothing."""
    total = 0
    for path in paths:
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _require_room(machine: Machine, folder: Path, collection: Collection, *, media: int, soon: int = 0) -> None:
    """Refuse what is bound to fill the disk of `folder`; whether packing saves enough is only known afterwards.

    `media` are the bytes of media that will be copied, `soon` those that will be free when it begins.
    """
    free = machine.host.free_bytes(folder)
    least = media + (collection.size - collection.media) * _BEST_PACKED
    if free is not None and free + soon < least:
        raise NoGo(
            f"the backup takes at least {format_bytes(least)}, {format_bytes(least - free - soon)} more than are free",
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
            advance=lambda done: machine.progress("backing up", done, collection.size),
        )
        machine.files.finish(file)
    finally:
        with suppress(OSError):  # after a full disk, closing flushes and fails once more
            file.close()
    return written


def header_for(
    layout: Layout,
    environment: str,
    purpose: Purpose,
    at: float,
    collection: Collection,
    after: BackupFacts | None = None,
) -> Header:
    """The manifest's first line: the next sequence number, and the archive before this one."""
    before = max(filter(None, (newest(layout, environment), after)), key=lambda facts: facts.sequence, default=None)
    return Header(
        format=FORMAT,
        tool=__version__,
        service=layout.service,
        environment=environment,
        purpose=purpose,
        sequence=next_number(layout, environment, after),
        created_at=at,
        sealed_at=at,
        components=collection.components,
        roots=collection.roots,
        left_out=collection.left_out,
        previous_sha256=before.sha256 if before else "",
    )
