"""A machine for tests: its time passes only in sleep, its network is one function, its disk is real but not waited for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Unpack
from urllib.parse import urlsplit

from attrs import evolve

from dhash_guard.system import Machine, this_machine
from dhash_guard.system.files import PRIVATE_FILE, Files, SystemFiles
from dhash_guard.system.http import Answer, NoAnswer
from dhash_guard.system.process import Finished, How

Said = Answer | NoAnswer
Web = Callable[[str, float], Said]
"""What the network answers, by what is asked for (path and query) and moment (UTC seconds)."""


def said(body: Any, status: int = 200) -> Answer:
    """An answer with these bytes or this JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={"content-type": "application/json"}, body=content, seconds=0.02)


class SleptClock:
    """Time that passes only while somebody sleeps; how long each slept is in `slept`."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at = round(self.at + max(seconds, 0.0), 6)


class OneFunction:
    """The network as one function of path and time."""

    def __init__(self, web: Web, clock: SleptClock) -> None:
        self._web = web
        self._clock = clock

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
    ) -> Said:
        parts = urlsplit(url)
        return self._web(f"{parts.path}?{parts.query}" if parts.query else parts.path, self._clock.now())


class UnsyncedFiles(SystemFiles):
    """The real disk without waiting for it: a process that is killed between two calls loses nothing that it has written."""

    def write_atomic(self, path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
        path.unlink(missing_ok=True)  # some file systems wait for the disk when a file is replaced or cut
        path.write_bytes(content)

    def finish(self, file: BinaryIO) -> None:
        file.close()

    def append(self, path: Path, content: bytes, *, durable: bool = False) -> None:
        super().append(path, content)

    def sync_directory(self, path: Path) -> None:
        pass

    def sync_filesystem(self, path: Path) -> None:
        pass


class NoPrograms:
    """A machine without any program, not even git."""

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished:
        return Finished(command=tuple(command), exit_code=None, output="", errors="", seconds=0.0, problem="not found")


def world(web: Web, at: float, files: Files | None = None) -> tuple[Machine, SleptClock]:
    """A machine at this moment, and its clock."""
    clock = SleptClock(at)
    machine = evolve(
        this_machine({}),
        clock=clock,
        http=OneFunction(web, clock),
        files=files or UnsyncedFiles(),
        processes=NoPrograms(),
    )
    return machine, clock
