"""Unpacks an archive beside its targets: fresh, private, every hash checked while writing, nothing old touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.archive.reader import Archive
from dhash_guard.backup.archive.sources import kind_of
from dhash_guard.backup.names import is_stage
from dhash_guard.backup.restoring.journal import Place, beside
from dhash_guard.backup.restoring.unpacking import Targets, finish_folders, unpack
from dhash_guard.backup.walk import is_left_out
from dhash_guard.errors import NoGo
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine

_BLOCK = 1 << 20


def stage(machine: Machine, layout: Layout, archive: Archive, places: Iterable[Place]) -> int:
    """Unpack the members of all `places` under their staged names; return the bytes written.

    Raise Damaged naming a member that is not what the manifest says, OSError where writing fails.
    """
    tops = {place.path: layout.root / beside(place.path, place.staged) for place in places if place.kind is not Kind.ABSENT}
    for path, top in tops.items():
        if os.path.lexists(top):
            raise NoGo(f"{top.name} is already there", cure="Try again.")
        machine.files.make_directory((layout.root / path).parent)
    targets = Targets({path: str(top) for path, top in tops.items()})
    _, written = unpack(machine, archive, targets)
    for place in places:
        if place.kind is Kind.DIRECTORY:
            written += _carry_over(machine, layout.root / place.path, tops[place.path])
    finish_folders(machine, archive, targets)
    return written


def _carry_over(machine: Machine, live: Path, top: Path) -> int:
    """Copy environment files of the living tree into the new one: backups leave them out, the service needs them."""
    written = 0
    for folder, directories, files in os.walk(live):
        beside_new = top / Path(folder).relative_to(live)
        if not _is_real_directory(beside_new):
            directories.clear()  # nothing is written below a folder that is not ours, a link above all
            continue
        directories[:] = [name for name in directories if not is_stage(name)]
        for name in (*directories, *files):
            if not name.startswith("."):
                continue
            source, copy = Path(folder, name), beside_new / name
            status = source.lstat()
            if is_stage(name) or not is_left_out(name, kind_of(status.st_mode)) or os.path.lexists(copy):
                continue
            if stat.S_ISLNK(status.st_mode):
                machine.files.link_symbolic(copy, os.readlink(source))
            elif stat.S_ISREG(status.st_mode):
                machine.files.write_new(copy, _content(source), stat.S_IMODE(status.st_mode) & 0o777, status.st_mtime_ns)
                written += status.st_size
    return written


def _content(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _is_real_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
