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


@define
class Meter:
    """`compared 1200 of about 20000 entries, 3.4 GiB read`; call it with both numbers as often as you like."""

    does: str
    expected: int
    quiet: bool = False
    _next: float = 0.0
    _shown: bool = False

    def __call__(self, entries: int, read: int) -> None:
        now = time.monotonic()
        if now < self._next or not self._seen():
            return
        self._next = now + _APART
        self._shown = True
        total = f" of about {self.expected}" if self.expected >= entries else ""
        self._write(f"\r\033[2K{self.does} {entries}{total} entries, {format_bytes(read)} read")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._shown:
            self._write("\r\033[2K")

    def _seen(self) -> bool:
        return not self.quiet and sys.stderr.isatty() and os.environ.get("GITHUB_ACTIONS") != "true"

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a reader that has gone stops nothing
            sys.stderr.write(text)
            sys.stderr.flush()
