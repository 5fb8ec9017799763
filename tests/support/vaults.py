"""What no command does in a moment: backups of other days, and a restore that dies between two roots."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.config import Configuration, load
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.layout import Layout
from dhash_guard.system import Machine, this_machine
from dhash_guard.system.files import SystemFiles
from support.project import Project
from support.world import SleptClock


class Died(BaseException):
    """The process is gone at this moment; nothing of it cleans up."""


class DyingFiles(SystemFiles):
    """The real disk until names are exchanged the n-th time, or for 0 until all is staged."""

    def __init__(self, at: int) -> None:
        self._left = at

    def sync_filesystem(self, path: Path) -> None:
        if self._left == 0:
            raise Died
        super().sync_filesystem(path)

    def exchange(self, one: Path, other: Path) -> None:
        self._left -= 1
        if self._left == 0:
            raise Died
        super().exchange(one, other)


def sealed_at(project: Project, *moments: float) -> list[BackupFacts]:
    """One backup for each of these moments (UTC epoch seconds), in their order."""
    found = _configured(project)
    settings = found.environment.backup
    taken = []
    for at in moments:
        machine = evolve(this_machine({}), clock=SleptClock(at))
        plan = backup.plan(machine, found.layout, settings, found.name)
        taken.append(backup.create(machine, found.layout, settings, plan))
    return taken


def restore_until(project: Project, facts: BackupFacts, exchange: int) -> None:
    """Restore a backup and die before this exchange; for 0 before everything is staged."""
    found = _configured(project)
    machine: Machine = evolve(this_machine({}), files=DyingFiles(exchange))
    try:
        backup.restore(machine, found.layout, facts, found.environment.backup)
    except Died:
        assert found.layout.journal.exists()
        return
    raise AssertionError("the restore came to its end")


def layout_of(project: Project) -> Layout:
    """Where the project's files lie."""
    return _configured(project).layout


def _configured(project: Project) -> Configuration:
    return load(None, project.root, {})
