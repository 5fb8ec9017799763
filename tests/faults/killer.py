"""Runs one operation on a project and kills this very process before or after its N-th step on the disk.

    <project> restore|create|undo|recover|prune [--kill-at N --when before|after] [--no-exchange]
    [--in-worker] [--names FILE] [--workers N] [--copy DISK --into DIR --copy-at N,N,…]

Every call of the `Files` protocol is one step. Without --kill-at the operation runs to its end and the number of
steps is printed; --names keeps what each of them was. With --in-worker, steps are counted in each worker process and
only those are killed. --copy takes a copy of a disk image before these steps, as a power cut at that moment leaves it.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.settings import BackupSettings, Component, Keep
from dhash_guard.records.layout import Layout
from dhash_guard.system import this_machine
from dhash_guard.system.files import Files, SystemFiles
from support.forks import serve

T = TypeVar("T")

SETTINGS = BackupSettings(
    components={
        "database": Component(paths=("library.json",)),
        "config": Component(paths=("config/",)),
        "release": Component(paths=("current",)),
        "absent": Component(paths=("leftover",), optional=True),
        "gone": Component(paths=("gone",), optional=True),
    }
)


_ROLES = {
    ".partial": "archive",
    ".zip": "archive",
    ".sha256": "checksum file",
    "restore.json": "journal",
    "undo.json": "undo record",
    ".lock": "lock",
    "backups": "backups",
}


def role(path: Path | str) -> str:
    """What a path is for, told by its name."""
    text = str(path)
    for part, said in ((".dhash-new-", "staged tree"), (".dhash-prev-", "previous tree")):
        if part in text:
            return said
    return next((said for end, said in _ROLES.items() if text.endswith(end)), "other")


class KillingFiles:
    """The real disk, for as long as it lasts."""

    def __init__(self, real: Files, dies: Callable[[int, str], bool], *, exchanges: bool = True) -> None:
        self._real = real
        self._dies = dies
        self._exchanges = exchanges
        self._process = os.getpid()
        self.names: list[str] = []

    def _step(self, action: Callable[[], T], what: str, path: Path | str) -> T:
        if self._process != os.getpid():  # a worker: it counts its own
            self._process, self.names = os.getpid(), []
        self.names.append(f"{what} {role(path)}")
        if self._dies(len(self.names), "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = action()
        if self._dies(len(self.names), "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def make_directory(self, path: Path, mode: int = 0o750) -> None:
        self._step(lambda: self._real.make_directory(path, mode), "make", path)

    def create(self, path: Path, mode: int = 0o640) -> BinaryIO:
        return self._step(lambda: self._real.create(path, mode), "create", path)

    def finish(self, file: BinaryIO) -> None:
        self._step(lambda: self._real.finish(file), "sync", Path(".partial"))

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        self._step(lambda: self._real.write_atomic(path, content, mode), "replace", path)

    def append(self, path: Path, content: bytes, *, durable: bool = False) -> None:
        self._step(lambda: self._real.append(path, content, durable=durable), "append to", path)

    def rename(self, source: Path, target: Path) -> None:
        self._step(lambda: self._real.rename(source, target), "rename", source)

    def exchange(self, one: Path, other: Path) -> None:
        if not self._exchanges:
            raise OSError(errno.ENOSYS, "this disk cannot exchange names")
        self._step(lambda: self._real.exchange(one, other), "exchange", one)

    def write_new(self, path: Path | str, blocks: Iterable[bytes | memoryview], mode: int, mtime_ns: int) -> None:
        self._step(lambda: self._real.write_new(path, blocks, mode, mtime_ns), "write", path)

    def link_symbolic(self, path: Path, target: str) -> None:
        self._step(lambda: self._real.link_symbolic(path, target), "link", path)

    def set_times(self, path: Path, mtime_ns: int) -> None:
        self._step(lambda: self._real.set_times(path, mtime_ns), "set times of", path)

    def set_mode(self, path: Path, mode: int) -> None:
        self._step(lambda: self._real.set_mode(path, mode), "set mode of", path)

    def remove(self, path: Path) -> None:
        self._step(lambda: self._real.remove(path), "remove", path)

    def remove_tree(self, path: Path) -> None:
        self._step(lambda: self._real.remove_tree(path), "remove tree", path)

    def sync_directory(self, path: Path) -> None:
        self._step(lambda: self._real.sync_directory(path), "sync folder of", path)

    def sync_filesystem(self, path: Path) -> None:
        self._step(lambda: self._real.sync_filesystem(path), "sync file system of", path)

    @contextmanager
    def lock(self, path: Path, holder: str, *, wait: float = 0.0) -> Iterator[None]:
        self._step(lambda: None, "take", path)
        with self._real.lock(path, holder, wait=wait):
            self._step(lambda: None, "hold", path)
            yield


def layout_of(root: Path) -> Layout:
    return Layout(
        root=root,
        service="dhash",
        backups=root / "backups",
        logs=root / "monitor_logs",
        artifacts=root / "premerge_artifacts",
    )


def operate(operation: str, root: Path, files: Files, workers: int) -> None:
    """Do what is asked for with the newest backup of production."""
    machine, layout = evolve(this_machine({}), files=files, workers=workers), layout_of(root)
    if operation == "create":
        backup.create(machine, layout, SETTINGS, backup.plan(machine, layout, SETTINGS, "production"))
    elif operation == "restore":
        # The oldest, so that it stays the same however many the test has taken since.
        done = backup.restore(machine, layout, backup.listing(layout, "production")[0], SETTINGS)
        assert done.identical
    elif operation == "undo":
        backup.undo(machine, layout)
    elif operation == "prune":
        backup.prune(machine, layout, "production", Keep(last=1))
    else:
        backup.recover(machine, layout)


class Copying:
    """Copies a disk image before chosen steps, as it is: nothing is synced for it."""

    def __init__(self, image: Path, into: Path, steps: frozenset[int]) -> None:
        self._image = image
        self._into = into
        self._steps = steps

    def __call__(self, step: int, when: str) -> bool:
        if when == "before" and step in self._steps:
            copy = ["cp", "--sparse=always", "--reflink=never", str(self._image), str(self._into / f"{step}.img")]
            subprocess.run(copy, check=True)
        return False


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("operation", choices=["restore", "create", "undo", "recover", "prune"])
    parser.add_argument("--kill-at", type=int, default=0)
    parser.add_argument("--when", choices=["before", "after"], default="before")
    parser.add_argument("--no-exchange", action="store_true")
    parser.add_argument("--in-worker", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--copy", type=Path)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--copy-at", type=lambda text: frozenset(map(int, text.split(","))), default=frozenset())
    given = parser.parse_args(arguments)
    main_process = os.getpid()

    def dies(step: int, when: str) -> bool:
        return (step, when) == (given.kill_at, given.when) and (not given.in_worker or os.getpid() != main_process)

    files = KillingFiles(
        SystemFiles(),
        Copying(given.copy, given.into, given.copy_at) if given.copy else dies,
        exchanges=not given.no_exchange,
    )
    operate(given.operation, given.project, files, given.workers)
    if given.copy:  # one more than there are steps: when the user was told that it is done
        Copying(given.copy, given.into, given.copy_at)(len(files.names) + 1, "before")
    if given.names:
        given.names.write_text("\n".join(files.names), "utf-8")
    sys.stdout.write(f"{len(files.names)}\n")
    return 0


if __name__ == "__main__":
    serve(main)
