"""Turns the signals that ask a process to end into an exception, so that a watch can still write its record."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """The process was asked to end (TERM, or HUP: its terminal has gone); no ordinary handler may swallow it."""


def _raise(number: int, frame: FrameType | None) -> None:
    raise Interrupted


@contextmanager
def held_off(*, then_raise: bool = True) -> Iterator[None]:
    """Until the block ends INT, TERM and HUP wait, so that nothing is left half done; then they are raised, or forgotten.

    They are forgotten where the block was the last thing to do anyway and its result still has to be told.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {kind: signal.signal(kind, lambda number, _: came.append(number)) for kind in _asking(signal.SIGINT)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
    if came and then_raise:
        raise Interrupted


def install() -> None:
    """From now on TERM and HUP raise Interrupted in the main thread."""
    for kind in _asking():
        signal.signal(kind, _raise)


def _asking(*more: signal.Signals) -> list[signal.Signals]:
    """The signals that ask to end, but for HUP where it is ignored (`nohup`) or unknown (Windows)."""
    hangup = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []
    return [*more, signal.SIGTERM, *(kind for kind in hangup if signal.getsignal(kind) is not signal.SIG_IGN)]
