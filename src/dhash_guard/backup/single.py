"""Takes the plain copy of one file: `library.json.bak.<UTC>` and its checksum, sealed in the same order as archives."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from attrs import frozen

from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.archive.packing import opened, require_unchanged
from dhash_guard.backup.archive.sources import Source, source_of
from dhash_guard.backup.archive.writer import Written
from dhash_guard.backup.catalog import facts_of
from dhash_guard.backup.databases import Databases
from dhash_guard.backup.foreign.reading import json_problem
from dhash_guard.backup.hooks import quiesced
from dhash_guard.backup.naming import files_called, leftovers, next_moment, single_path, temporary_path
from dhash_guard.backup.restoring.journal import held, require_no_journal
from dhash_guard.backup.sealing import discarded, explained, require_renames, seal
from dhash_guard.backup.settings import BackupSettings, Component
from dhash_guard.errors import NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.system.files import mounts_in
from dhash_guard.system.machine import Machine

_BLOCK = 1 << 20


@frozen(kw_only=True)
class SinglePlan:
    """What is copied: the file at `path`, which has `size` bytes, under the `name` that the copy would get now."""

    environment: str
    path: str
    size: int
    name: str


def plan_single(machine: Machine, layout: Layout, settings: BackupSettings, environment: str, path: str = "") -> SinglePlan:
    """Choose the file: `path`, or the only one that the components name; reads only.

    Raise UsageProblem where it is not one of theirs, or none or several could be meant, or the copy's name would not tell
    where it belongs; NoGo where it cannot be copied.
    """
    require_no_journal(layout)
    chosen_one = _chosen(layout, settings.components, path)
    if environment != layout.unnamed:
        raise UsageProblem(
            f"the name of a plain copy tells no environment, and {environment} is not the default one",
            cure="Take an archive (`backup create`), or write default_environment.",
        )
    base = PurePosixPath(chosen_one).name
    if len(alike := files_called(layout, base)) > 1:
        raise UsageProblem(
            f"{' and '.join(alike)} have one name, a plain copy would not tell which it is", cure="Take an archive."
        )
    source = _source(layout, chosen_one, strict=settings.quiesce is None)
    at = next_moment(layout, environment, machine.clock.now())
    name = layout.relative(single_path(layout, base, at))
    return SinglePlan(environment=environment, path=chosen_one, size=source.size, name=name)


def create_single(machine: Machine, layout: Layout, settings: BackupSettings, plan: SinglePlan) -> BackupFacts:
    """Copy the planned file, seal the copy, and return its facts; raise as `create` does.

    A .json file that is no JSON document is refused: such a copy could never be verified.
    """
    with held(machine, layout, "a backup"), explained(machine, layout, plan.size):
        require_no_journal(layout)
        require_renames(layout)
        machine.files.make_directory(layout.backups)
        for left in leftovers(layout):
            machine.files.remove(left)
        at = next_moment(layout, plan.environment, machine.clock.now())
        path = single_path(layout, PurePosixPath(plan.path).name, at)
        with discarded(machine, path):
            with quiesced(machine, layout, settings):
                written = _written(machine, layout, _source(layout, plan.path, strict=True), path)
            if plan.path.endswith(".json"):
                with temporary_path(path).open("rb") as file:
                    if problem := json_problem(file, written.size):
                        raise NoGo(f"{plan.path} is {problem}", cure="Repair the file before it is backed up.")
            seal(machine, layout, path, written)
    return facts_of(layout, path)


def _chosen(layout: Layout, components: Mapping[str, Component], path: str) -> str:
    named = [PurePosixPath(each).as_posix() for part in components.values() for each in part.paths]
    files = [each for each in named if (layout.root / each).is_file() and not (layout.root / each).is_symlink()]
    if path:
        wanted = PurePosixPath(path).as_posix()
        if wanted not in files:
            raise UsageProblem(
                f"{path!r} is no file that a component names", cure=f"Name one of {', '.join(files) or 'backup.components'}."
            )
        return wanted
    if len(files) != 1:
        raise UsageProblem(
            f"the components name {len(files)} single files" + (f": {', '.join(files)}" if files else ""),
            cure="Say which with --single PATH." if files else "Name the file under backup.components.",
        )
    return files[0]


def _source(layout: Layout, path: str, *, strict: bool) -> Source:
    try:
        if problem := Databases(strict=strict).problem(layout.root, path):
            raise NoGo(problem)
        if mounts_in(layout.root / path):
            raise NoGo(f"{path} is a mount point, which no restore can exchange", cure="Back up the folder it lies in.")
        source = source_of(path, (layout.root / path).lstat())
    except OSError as problem:
        raise NoGo(f"{path} cannot be read: {problem.strerror}") from problem
    if source.kind is not Kind.FILE:
        raise NoGo(f"{path} is no file any more")
    return source


def _written(machine: Machine, layout: Layout, source: Source, path: Path) -> Written:
    free = machine.host.free_bytes(layout.backups)
    if free is not None and free < source.size:
        raise NoGo(f"the copy takes {format_bytes(source.size)}, {format_bytes(free)} are free", cure="Make room.")
    deflate, digest, crc, size = chosen(machine.environ), hashlib.sha256(), 0, 0
    file = machine.files.create(temporary_path(path))
    try:
        with opened(str(layout.root), source) as descriptor:
            while block := os.read(descriptor, _BLOCK):
                digest.update(block)
                crc, size = deflate.crc32(block, crc), size + len(block)
                file.write(block)
            require_unchanged(source, descriptor)
        machine.files.finish(file)
    finally:
        with suppress(OSError):  # after a full disk, closing flushes and fails once more
            file.close()
    if size != source.size:
        raise NoGo(f"{source.path} changed while it was backed up", cure="Quiesce the service, or try again.")
    return Written(members=1, plain=size, size=size, sha256=digest.hexdigest(), crc=crc)
