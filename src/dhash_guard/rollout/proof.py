"""Proves that the project's files can be backed up and restored: done for real, in a scratch copy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.archive.manifest import Kind, Root
from dhash_guard.backup.databases import copy_database, sides_of
from dhash_guard.backup.settings import BackupSettings, Component
from dhash_guard.errors import CannotTell, Damaged, NoGo
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.report.words import plural
from dhash_guard.rollout.run import Guarded

_SHOWN = 3


def prove_backup(run: Guarded) -> str:
    """Copy what a backup covers, back the copy up, lose it, restore it, and compare every byte; raise Damaged otherwise."""
    configuration = run.configuration
    settings = _in_a_copy(configuration.environment.backup)
    with tempfile.TemporaryDirectory(prefix="dhash-guard-") as scratch:
        _require_room(run, Path(scratch))
        try:
            layout = _copied(configuration.layout, settings, Path(scratch))
        except shutil.Error as problem:
            why = "; ".join(reason for *_, reason in problem.args[0][:_SHOWN])
            raise NoGo(f"the scratch copy could not be made: {why}", cure="Let this user read it.") from problem
        _put_at_rest(configuration.layout.root, layout.root, configuration.environment.backup)
        plan = backup.plan(run.machine, layout, settings, configuration.name)
        facts = backup.create(run.machine, layout, settings, plan)
        before = backup.tree_digest(layout.root, [root.path for root in plan.collection.roots])
        for root in plan.collection.roots:
            run.machine.files.remove_tree(layout.root / root.path)
        done = backup.restore(run.machine, layout, facts, settings)
        after = backup.tree_digest(layout.root, [root.path for root in plan.collection.roots])
    if not done.identical or before != after:
        raise Damaged("what came back is not what was backed up", where=facts.name)
    nothing = _empty(plan.collection.roots)
    names = ", ".join(name for name in plan.collection.components if name not in nothing)
    told = f"{plural(done.files, 'file')} of {names} backed up, lost, restored and compared byte for byte"
    return f"{told}; nothing is there of {', '.join(nothing)}" if nothing else told


def _empty(roots: Iterable[Root]) -> list[str]:
    """The components of which nothing is there; one whose paths lie in another's has no root of its own."""
    there = {root.component for root in roots if root.kind is not Kind.ABSENT}
    return [name for name in dict.fromkeys(root.component for root in roots) if name not in there]


def _require_room(run: Guarded, scratch: Path) -> None:
    """Say what the copy costs; raise as a backup of the real files would, and NoGo where they cannot fit."""
    settings = run.configuration.environment.backup
    real = evolve(settings, components=_without_commands(settings))
    found = backup.plan(run.machine, run.configuration.layout, real, run.configuration.name).collection
    backup.require_present(run.configuration.layout, {name: settings.components[name] for name in found.components})
    run.say(f"copying {format_bytes(found.size)} to {scratch}, and its backup beside it")
    free, least = run.machine.host.free_bytes(scratch), found.size + found.media
    if free is not None and free < least:
        raise NoGo(
            f"the scratch copy and its backup take at least {format_bytes(least)}, {format_bytes(least - free)} more than "
            f"are free in {scratch.parent}",
            cure="Set TMPDIR to a directory with room.",
        )


def _without_commands(settings: BackupSettings) -> dict[str, Component]:
    return {name: part for name, part in settings.components.items() if not part.run}


def _in_a_copy(settings: BackupSettings) -> BackupSettings:
    """The settings for the scratch copy: no command may touch what is real, and databases are at rest there."""
    parts = _without_commands(settings)
    if settings.components and not parts:
        raise CannotTell("every component is a command's output, which no scratch copy can prove", cure="Drill a backup.")
    folders = [path for part in parts.values() for path in part.paths]
    resting = {
        name: evolve(part, paths=(*part.paths, *(path for path in part.sqlite if not _below(path, folders))), sqlite=())
        for name, part in parts.items()
    }
    return evolve(settings, components=resting, quiesce=None, resume=None)


def _below(path: str, folders: list[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _put_at_rest(real: Path, scratch: Path, settings: BackupSettings) -> None:
    """Replace raw copies of databases, which may be in use, by consistent ones."""
    for part in settings.components.values():
        for path in part.sqlite:
            if (real / path).is_file():
                for left in (path, *sides_of(path)):
                    (scratch / left).unlink(missing_ok=True)
                (scratch / path).touch()
                copy_database(real / path, scratch / path, float(part.timeout))


def _copied(layout: Layout, settings: BackupSettings, scratch: Path) -> Layout:
    """A project that holds only what the components name; links stay links."""
    for component in settings.components.values():
        for path in component.paths:
            source, target = layout.root / path, scratch / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink() or source.is_file():
                shutil.copy2(source, target, follow_symlinks=False)
            elif source.is_dir():
                shutil.copytree(source, target, symlinks=True)
    inside = {name: scratch / getattr(layout, name).relative_to(layout.root) for name in ("backups", "logs", "artifacts")}
    return evolve(layout, root=scratch, **inside)
