"""Runs one operation on a project and kills this very process before or after its N-th step on the disk.

    python killer.py <project> restore|create|undo|recover [--kill-at N --when before|after] [--no-exchange]

Every call of the `Files` protocol is one step. Without --kill-at the operation runs to its end and the number of
steps is printed.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from attrs import evolve

from dhash_guard import backup
from dhash_guard.backup.settings import BackupSettings, Component
from dhash_guard.records.layout import Layout
from dhash_guard.system import this_machine
from dhash_guard.system.files import Files, SystemFiles

T = TypeVar("T")

SETTINGS = BackupSettings(
    components={
        "database": Component(paths=("library.json",)),
        "config": Component(paths=("config/",)),
        "release": Component(paths=("current",)),
        "absent": Component(paths=("leftover",)),
        "gone": Component(paths=("gone",)),
    }
)


class KillingFiles:
    """The real disk, for as long as it lasts."""

    def __init__(self, real: Files, kill_at: int, when: str, *, exchanges: bool = True) -> None:
        self._real = real
        self._kill_at = kill_at
        self._when = when
        self._exchanges = exchanges
        self.steps = 0

    def _step(self, action: Callable[[], T]) -> T:
        self.steps += 1
        now = self.steps == self._kill_at
        if now and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = action()
        if now:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def make_directory(self, path: Path, mode: int = 0o750) -> None:
        self._step(lambda: self._real.make_directory(path, mode))

    def create(self, path: Path, mode: int = 0o640) -> BinaryIO:
        return self._step(lambda: self._real.create(path, mode))

    def finish(self, file: BinaryIO) -> None:
        self._step(lambda: self._real.finish(file))

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        self._step(lambda: self._real.write_atomic(path, content, mode))

    def append(self, path: Path, content: bytes, *, durable: bool = False) -> None:
        self._step(lambda: self._real.append(path, content, durable=durable))

    def rename(self, source: Path, target: Path) -> None:
        self._step(lambda: self._real.rename(source, target))

    def exchange(self, one: Path, other: Path) -> None:
        if not self._exchanges:
            raise OSError(errno.ENOSYS, "this disk cannot exchange names")
        self._step(lambda: self._real.exchange(one, other))

    def link_symbolic(self, path: Path, target: str) -> None:
        self._step(lambda: self._real.link_symbolic(path, target))

    def set_times(self, path: Path, mtime_ns: int) -> None:
        self._step(lambda: self._real.set_times(path, mtime_ns))

    def set_mode(self, path: Path, mode: int) -> None:
        self._step(lambda: self._real.set_mode(path, mode))

    def remove(self, path: Path) -> None:
        self._step(lambda: self._real.remove(path))

    def remove_tree(self, path: Path) -> None:
        self._step(lambda: self._real.remove_tree(path))

    def sync_directory(self, path: Path) -> None:
        self._step(lambda: self._real.sync_directory(path))

    def sync_filesystem(self, path: Path) -> None:
        self._step(lambda: self._real.sync_filesystem(path))

    @contextmanager
    def lock(self, path: Path, holder: str, *, wait: float = 0.0) -> Iterator[None]:
        self._step(lambda: None)
        with self._real.lock(path, holder, wait=wait):
            self._step(lambda: None)
            yield


def layout_of(root: Path) -> Layout:
    return Layout(
        root=root,
        service="dhash",
        backups=root / "backups",
        logs=root / "monitor_logs",
        artifacts=root / "premerge_artifacts",
    )


def operate(operation: str, root: Path, files: Files) -> None:
    """Do what is asked for with the newest backup of production."""
    machine, layout = evolve(this_machine({}), files=files), layout_of(root)
    if operation == "create":
        backup.create(machine, layout, SETTINGS, backup.plan(machine, layout, SETTINGS, "production"))
    elif operation == "restore":
        # The oldest, so that it stays the same however many the test has taken since.
        done = backup.restore(machine, layout, backup.listing(layout, "production")[0], SETTINGS)
        assert done.identical
    elif operation == "undo":
        backup.undo(machine, layout)
    else:
        backup.recover(machine, layout)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("operation", choices=["restore", "create", "undo", "recover"])
    parser.add_argument("--kill-at", type=int, default=0)
    parser.add_argument("--when", choices=["before", "after"], default="before")
    parser.add_argument("--no-exchange", action="store_true")
    given = parser.parse_args(arguments)
    files = KillingFiles(SystemFiles(), given.kill_at, given.when, exchanges=not given.no_exchange)
    operate(given.operation, given.project, files)
    sys.stdout.write(f"{files.steps}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
