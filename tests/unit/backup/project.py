"""A small real project on the disk, with a clock that the test moves."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import define, evolve, field

from dhash_guard.backup import facade as backup
from dhash_guard.backup.settings import BackupSettings, Component, When
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import Layout
from dhash_guard.system import Machine, this_machine
from support.world import SleptClock

NOON = 1_790_000_000.0


class HandClock(SleptClock):
    """Time that begins at noon."""

    def __init__(self, at: float = NOON) -> None:
        super().__init__(at)


@define
class Project:
    """A project below `layout.root` and what a test does with it."""

    layout: Layout
    clock: HandClock
    machine: Machine
    settings: BackupSettings = field(factory=BackupSettings)

    @property
    def root(self) -> Path:
        return self.layout.root

    def put(self, path: str, content: bytes | str = b"x", mode: int = 0o640) -> Path:
        location = self.root / path
        location.parent.mkdir(parents=True, exist_ok=True)
        location.write_bytes(content.encode() if isinstance(content, str) else content)
        location.chmod(mode)
        return location

    def components(self, **paths: tuple[str, ...]) -> None:
        self.settings = BackupSettings(components={name: Component(paths=each) for name, each in paths.items()})

    def create(
        self, environment: str = "production", purpose: Purpose = Purpose.BACKUP, components: tuple[str, ...] | None = None
    ) -> BackupFacts:
        plan = backup.plan(self.machine, self.layout, self.settings, environment, components)
        return backup.create(self.machine, self.layout, self.settings, plan, purpose)

    def restore(self, facts: BackupFacts) -> object:
        return backup.restore(self.machine, self.layout, facts, self.settings)

    def snapshot(self) -> dict[str, object]:
        """Everything in the project but backups and state: kind, mode, content; `dhash-` names only counted by their end."""
        found: dict[str, object] = {}
        for folder, directories, files in os.walk(self.root):
            directories[:] = [name for name in directories if name not in ("backups", ".dhash-guard")]
            for name in (*directories, *files):
                path = Path(folder, name)
                if ".dhash-" in str(path.relative_to(self.root)):
                    continue
                status = path.lstat()
                content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
                found[path.relative_to(self.root).as_posix()] = (oct(status.st_mode), content)
        return found

    def stray(self) -> list[str]:
        """Names of staged and previous trees."""
        return sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob(".*.dhash-*"))


def dhash_project(above: Path) -> Project:
    """A project of every kind of root in a new folder below `above`."""
    root = above / "project"
    root.mkdir()
    layout = Layout(
        root=root,
        service="dhash",
        backups=root / "backups",
        logs=root / "monitor_logs",
        artifacts=root / "premerge_artifacts",
    )
    clock = HandClock()
    made = Project(layout, clock, evolve(this_machine({}), clock=clock))
    made.put("library.json", '{"images": []}')
    made.put("config/app.yml", "a: 1")
    made.put("config/scripts/run.sh", "#!/bin/sh\n", mode=0o755)
    made.put("config/.env", "SECRET=1", mode=0o600)
    made.put("uploads/one.png", os.urandom(100))
    (root / "releases/v1").mkdir(parents=True)
    (root / "releases/current").symlink_to("v1")
    made.settings = BackupSettings(
        components={
            "database": Component(paths=("library.json",)),
            "config": Component(paths=("config/", "releases/current")),
            "artifacts": Component(paths=("uploads/", "absent/thing")),
            "logs": Component(paths=("logs/",), grows=True, when=When.REQUESTED),
        }
    )
    return made
