"""The writers of a dry run: they change nothing and write down what would have happened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Unpack

from dhash_guard.records.stage import Change
from dhash_guard.system.files import PRIVATE_DIRECTORY, PRIVATE_FILE
from dhash_guard.system.process import Finished, How, Processes


class DryFiles:
    """A disk that takes every order and does nothing; only what a person would care about enters the plan."""

    def __init__(self, plan: list[Change]) -> None:
        self._plan = plan

    def make_directory(self, path: Path, mode: int = PRIVATE_DIRECTORY) -> None: ...

    def create(self, path: Path, mode: int = PRIVATE_FILE) -> BinaryIO:
        self._plan.append(Change("create", str(path)))
        return Path(os.devnull).open("w+b")

    def finish(self, file: BinaryIO) -> None:
        file.close()

    def write_atomic(self, path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
        self._plan.append(Change("write", str(path)))

    def append(self, path: Path, content: bytes, *, durable: bool = False) -> None: ...

    def rename(self, source: Path, target: Path) -> None:
        self._plan.append(Change("rename", f"{source} to {target}"))

    def exchange(self, one: Path, other: Path) -> None:
        self._plan.append(Change("replace", str(other)))

    def write_new(self, path: Path | str, blocks: Iterable[bytes | memoryview], mode: int, mtime_ns: int) -> None:
        self._plan.append(Change("write", str(path)))

    def link_symbolic(self, path: Path, target: str) -> None:
        self._plan.append(Change("link", f"{path} to {target}"))

    def set_times(self, path: Path, mtime_ns: int) -> None: ...

    def set_mode(self, path: Path, mode: int) -> None: ...

    def remove(self, path: Path) -> None:
        self._plan.append(Change("remove", str(path)))

    def remove_tree(self, path: Path) -> None:
        self._plan.append(Change("remove", str(path)))

    def sync_directory(self, path: Path) -> None: ...

    def sync_filesystem(self, path: Path) -> None: ...

    @contextmanager
    def lock(self, path: Path, holder: str, *, wait: float = 0.0) -> Iterator[None]:
        yield


class DryProcesses:
    """Runs programs that only look; plans those that change something and answers for them with success."""

    def __init__(self, real: Processes, plan: list[Change]) -> None:
        self._real = real
        self._plan = plan

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished:
        if not how["changes"]:
            return self._real.run(command, **how)
        self._plan.append(Change("run", " ".join(command)))
        return Finished(command=tuple(command), exit_code=0, output="", errors="", seconds=0.0)
