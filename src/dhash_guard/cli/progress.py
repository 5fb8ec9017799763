"""Shows how far long work has come: one line on a terminal that is written over, and nothing anywhere else."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from attrs import define

from dhash_guard.records.units import format_bytes

_APART = 0.2
"""Seconds between two lines."""

_FIRST = 0.5
"""Seconds after which work counts as long, where nobody says otherwise."""


@define
class Line:
    """One line of a terminal; nothing is shown where nobody looks."""

    quiet: bool = False
    first: float = _FIRST
    _next: float = 0.0
    _shown: bool = False

    def due(self) -> bool:
        """Whether it is time to show something again."""
        now = time.monotonic()
        if not self._next:
            self._next = now + self.first
        if now < self._next or not self._seen():
            return False
        self._next = now + _APART
        return True

    def show(self, text: str) -> None:
        """Write over what was shown before."""
        self._shown = True
        self._write(f"\r\033[2K{text}")

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._shown:
            self._write("\r\033[2K")
        self._shown, self._next = False, 0.0

    def _seen(self) -> bool:
        return not self.quiet and sys.stderr.isatty() and os.environ.get("GITHUB_ACTIONS") != "true"

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a reader that has gone stops nothing
            sys.stderr.write(text)
            sys.stderr.flush()


@define
class Meter:
    """`compared 1200 of about 20000 entries, 3.4 GiB read`; call it with both numbers as often as you like."""

    does: str
    expected: int
    line: Line

    def __call__(self, entries: int, read: int) -> None:
        if self.line.due():
            total = f" of about {self.expected}" if self.expected >= entries else ""
            self.line.show(f"{self.does} {entries}{total} entries, {format_bytes(read)} read")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.line.clear()


@define
class Bar:
    """`backing up 43 %, 1.2 GiB of 2.8 GiB`: what the machine tells of long work."""

    line: Line

    def __call__(self, work: str, done: int, total: int) -> None:
        if done >= total:
            self.line.clear()
        elif self.line.due():
            self.line.show(f"{work} {100 * done // total} %, {format_bytes(done)} of {format_bytes(total)}")
