"""Brings a backup back from a store and gives it its name last, as a backup that is taken here gets it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from dhash_guard.backup import sidecar
from dhash_guard.backup.naming import named, temporary_path
from dhash_guard.backup.restoring.journal import held
from dhash_guard.backup.stores.store import Store
from dhash_guard.errors import NoGo
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.system.machine import Machine

_PATIENCE = 300.0
"""Seconds to wait for a backup or restore that is under way."""


def place_of(layout: Layout, name: str) -> Path | None:
    """Where a stored backup lies once it is here; None for a name that is no backup of this service."""
    folder, _, base = name.rpartition("/")
    place = {"": layout.backups, layout.pre_rollback.name: layout.pre_rollback}.get(folder)
    return place / base if place is not None and "\\" not in base and named(layout, base) else None


def name_in_store(layout: Layout, path: Path) -> str:
    """What the store calls the archive at `path`."""
    return path.relative_to(layout.backups).as_posix()


def fetch(machine: Machine, layout: Layout, store: Store, name: str, size: int) -> Path:
    """Fetch `name` of `size` bytes, compare it with the hash that was sealed, and return where it lies now.

    Raise Damaged, CannotTell or StoreSilent as the store does, NoGo where the disk is too small, Locked where a backup or
    a restore goes on too long. Whatever is raised, nothing stays under a final name.
    """
    path = place_of(layout, name)
    assert path is not None, name
    with held(machine, layout, "a fetch", wait=_PATIENCE):
        if path.is_file() and sidecar.path_of(path).is_file():
            return path
        free = machine.host.free_bytes(layout.root)
        if free is not None and free < size:
            raise NoGo(f"fetching {name} takes {format_bytes(size)}, {format_bytes(free)} are free", where=str(path.parent))
        machine.files.make_directory(path.parent)
        temporary = temporary_path(path)
        machine.files.remove(temporary)
        try:
            sha256 = _written(machine, store, name, size, temporary)
            machine.files.write_atomic(sidecar.path_of(path), sidecar.line(sha256, layout.relative(path)))
            machine.files.rename(temporary, path)
            machine.files.sync_directory(path.parent)
        except BaseException:
            # The archive before its checksum file, so that neither order of death leaves one that is half sealed.
            for leftover in (temporary, path, sidecar.path_of(path)):
                with suppress(OSError):
                    machine.files.remove(leftover)
            raise
    return path


def _written(machine: Machine, store: Store, name: str, size: int, temporary: Path) -> str:
    file = machine.files.create(temporary)
    try:
        sha256 = store.fetch(name, size, file.write)
        machine.files.finish(file)
    finally:
        with suppress(OSError):  # after a full disk, closing flushes and fails once more
            file.close()
    return sha256
