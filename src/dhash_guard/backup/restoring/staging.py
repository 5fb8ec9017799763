"""Unpacks an archive beside its targets: fresh, private, every hash checked while writing, nothing old touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from dhash_guard.backup.archive.manifest import Kind, Member
from dhash_guard.backup.archive.reader import Archive
from dhash_guard.backup.archive.writer import BLOCK
from dhash_guard.backup.names import is_stage
from dhash_guard.backup.restoring.digest import is_left_out, restorable_mode
from dhash_guard.backup.restoring.journal import Place, beside
from dhash_guard.errors import NoGo
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine

_PRIVATE_DIRECTORY = 0o700
_PRIVATE_FILE = 0o600


def stage(machine: Machine, layout: Layout, archive: Archive, place: Place, members: Sequence[Member]) -> int:
    """Unpack the members of one root under its staged name; return the bytes written.

    Raise Damaged naming a member that is not what the manifest says, OSError where writing fails.
    """
    target, top = layout.root / place.path, layout.root / beside(place.path, place.staged)
    if os.path.lexists(top):
        raise NoGo(f"{top.name} is already there", cure="Try again.")
    written = 0
    for member in members:
        location = _below(top, place, member)
        if member.kind is Kind.DIRECTORY:
            machine.files.make_directory(location, _PRIVATE_DIRECTORY)
        elif member.kind is Kind.LINK:
            machine.files.link_symbolic(location, member.link)
            _set_times(machine, location, member)
        else:
            written += _write(machine, archive, location, member)
    if place.kind is Kind.DIRECTORY:
        written += _carry_over(machine, target, top)
    # Only now, and from below, because each new entry changes its folder's time and may need its folder's permission.
    for member in reversed(members):
        if member.kind is Kind.DIRECTORY:
            _finish(machine, _below(top, place, member), member)
    return written


def _below(top: Path, place: Place, member: Member) -> Path:
    return top / member.path[len(place.path) + 1 :] if member.path != place.path else top


def _write(machine: Machine, archive: Archive, location: Path, member: Member) -> int:
    with machine.files.create(location, _PRIVATE_FILE) as file:
        for block in archive.stream(member):
            file.write(block)
    _finish(machine, location, member)
    return member.size


def _finish(machine: Machine, location: Path, member: Member) -> None:
    machine.files.set_mode(location, restorable_mode(member.kind, member.mode))
    _set_times(machine, location, member)


def _set_times(machine: Machine, location: Path, member: Member) -> None:
    machine.files.set_times(location, member.mtime_ns)


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
            source, copy = Path(folder, name), beside_new / name
            status = source.lstat()
            if is_stage(name) or not is_left_out(name, directory=stat.S_ISDIR(status.st_mode)) or os.path.lexists(copy):
                continue
            if stat.S_ISLNK(status.st_mode):
                machine.files.link_symbolic(copy, os.readlink(source))
            elif stat.S_ISREG(status.st_mode):
                written += _copy(machine, source, copy, status)
    return written


def _copy(machine: Machine, source: Path, copy: Path, status: os.stat_result) -> int:
    with source.open("rb") as reading, machine.files.create(copy, _PRIVATE_FILE) as writing:
        while block := reading.read(BLOCK):
            writing.write(block)
    machine.files.set_mode(copy, stat.S_IMODE(status.st_mode) & 0o777)
    machine.files.set_times(copy, status.st_mtime_ns)
    return status.st_size


def _is_real_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
