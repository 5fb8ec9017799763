"""Makes what a backup cannot find on the disk: the output of commands and copies of databases, in private files."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from dhash_guard.backup.archive.sources import Source, source_of
from dhash_guard.backup.databases import copy_database
from dhash_guard.backup.settings import Component
from dhash_guard.errors import NoGo, OutsideSilent
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.system.machine import Machine

_FOLDER = "made"
_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


@contextmanager
def made(machine: Machine, layout: Layout, components: Mapping[str, Component]) -> Iterator[dict[str, Source]]:
    """What the components make, by path, as long as the block takes; afterwards nothing of it is on the disk any more.

    For those who hold the lock of backups: whatever a killed run left is removed first. Raise NoGo naming component and
    command where one fails or gives too little, OutsideSilent where one does not end, and OSError.
    """
    folder = layout.state / _FOLDER
    machine.files.remove_tree(folder)
    if not any(part.made for part in components.values()):
        yield {}
        return
    machine.files.make_directory(layout.state)
    machine.files.make_directory(folder, _PRIVATE_FOLDER)
    try:
        yield dict(_made(machine, layout, components, folder))
    finally:
        with suppress(OSError):  # the next run removes it
            machine.files.remove_tree(folder)


def planned(components: Mapping[str, Component]) -> dict[str, Source]:
    """Empty stand-ins for the output of commands, by path: what comes is known once they ran."""
    return {
        _normal(part.to): Source(_normal(part.to), stat.S_IFREG | _PRIVATE_FILE, 0, 0, 0, 0)
        for part in components.values()
        if part.run and part.to is not None
    }


def databases_of(components: Mapping[str, Component]) -> frozenset[str]:
    """The paths of all databases that the components name."""
    return frozenset(_normal(path) for part in components.values() for path in part.sqlite)


def _made(
    machine: Machine, layout: Layout, components: Mapping[str, Component], folder: Path
) -> Iterator[tuple[str, Source]]:
    for number, (name, part) in enumerate(components.items()):
        if part.run and part.to is not None:
            yield _normal(part.to), _output(machine, layout, name, part, folder / f"{number}")
        for place, path in enumerate(part.sqlite):
            if (layout.root / path).exists() or (layout.root / path).is_symlink():
                copy = folder / f"{number}-{place}"
                yield _normal(path), _database(machine, layout, name, part, _normal(path), copy)


def _output(machine: Machine, layout: Layout, name: str, part: Component, location: Path) -> Source:
    assert part.run is not None and part.to is not None
    file = machine.files.create(location, _PRIVATE_FILE)
    with file:
        ended = machine.processes.run(part.run, cwd=layout.root, timeout=part.timeout, changes=True, into=file)
    if not ended.ok:
        kind = OutsideSilent if ended.timed_out else NoGo
        raise kind(f"component {name}: {ended.explain()}", cure="Nothing was sealed; see what the command needs.")
    size = location.stat().st_size
    if size < max(part.min_bytes, 1):
        gave = f"only {format_bytes(size)} where min_bytes is {part.min_bytes}" if size else "nothing"
        said = ended.errors.strip().splitlines()[-1:]
        raise NoGo(
            f"component {name}: {' '.join(part.run)} gave {gave}" + (f" ({said[0][:300]})" if said else ""),
            cure="Nothing was sealed; a command that fails must not look like a backup.",
        )
    return source_of(_normal(part.to), location.stat())._replace(location=str(location))


def _database(machine: Machine, layout: Layout, name: str, part: Component, path: str, location: Path) -> Source:
    machine.files.create(location, _PRIVATE_FILE).close()
    try:
        copy_database(layout.root / path, location, part.timeout)
    except NoGo as problem:
        raise NoGo(f"component {name}: {problem.what}", cure=problem.cure) from problem
    mode = (layout.root / path).lstat().st_mode
    return source_of(path, location.stat())._replace(location=str(location), mode=mode)


def _normal(path: str) -> str:
    return PurePosixPath(path).as_posix()
