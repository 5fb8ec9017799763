"""Tells the time and waits, so that nothing else needs a global clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Time as the rooms see it.

    `now` is UTC seconds since the epoch, `monotonic` never goes back, `sleep` waits at least that long.
    """

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)
