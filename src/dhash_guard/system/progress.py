"""Who is told how far long work has come."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then while something takes its time: what is being done, and bytes done of all bytes.

    It may be called thousands of times a second; whoever shows it decides when.
    """

    def __call__(self, work: str, done: int, total: int, /) -> None: ...


def unseen(work: str, done: int, total: int) -> None:
    """Nobody looks."""
