"""Turns the termination signal into an exception, so that a watch that is told to stop can still write its record."""

from __future__ import annotations

import signal
from types import FrameType


class Interrupted(BaseException):
    """The process was asked to end (TERM); like KeyboardInterrupt, no ordinary handler may swallow it."""


def _raise(number: int, frame: FrameType | None) -> None:
    raise Interrupted


def install() -> None:
    """From now on TERM raises Interrupted in the main thread."""
    signal.signal(signal.SIGTERM, _raise)
