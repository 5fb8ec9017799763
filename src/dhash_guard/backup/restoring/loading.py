"""Gives files that were put back to the commands that load them, such as a dump to its database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from attrs import frozen

from dhash_guard.backup.archive.manifest import Header, Kind
from dhash_guard.backup.settings import BackupSettings
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine


@frozen(kw_only=True)
class Load:
    """A command that reads the file at `path` from its standard input; `timeout` in seconds."""

    component: str
    path: str
    command: tuple[str, ...]
    timeout: float


def loading(settings: BackupSettings, header: Header) -> tuple[Load, ...]:
    """What is to be loaded of an archive: of the files in it, those whose component says how."""
    files = {root.path for root in header.roots if root.kind is Kind.FILE}
    return tuple(
        Load(component=name, path=path, command=part.restore, timeout=float(part.timeout))
        for name, part in settings.components.items()
        if part.restore and part.to is not None and (path := PurePosixPath(part.to).as_posix()) in files
    )


def load_all(machine: Machine, layout: Layout, loads: Sequence[Load]) -> list[str]:
    """Run every command, also after one that failed; return what failed, naming component and command."""
    refused = []
    for load in loads:
        try:
            with (layout.root / load.path).open("rb") as file:
                ended = machine.processes.run(load.command, cwd=layout.root, timeout=load.timeout, changes=True, feed=file)
        except OSError as problem:
            refused.append(f"component {load.component}: {load.path} cannot be read: {problem.strerror}")
            continue
        if not ended.ok:
            refused.append(f"component {load.component}: {ended.explain()}")
    return refused
