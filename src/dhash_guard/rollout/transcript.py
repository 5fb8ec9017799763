"""Writes down what commands say while a leg runs, so that its log holds the whole of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from dhash_guard.system.process import Finished, How, Processes


class Transcript:
    """Runs programs as `real` does and keeps what they said, as lines of a log."""

    def __init__(self, real: Processes) -> None:
        self._real = real
        self.lines: list[str] = []

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished:
        done = self._real.run(command, **how)
        ending = done.problem or f"exit {done.exit_code}"
        self.lines += [
            f"$ {' '.join(done.command)}",
            *_said(done.output),
            *_said(done.errors),
            f"= {ending} after {done.seconds:.1f} s",
        ]
        return done


def _said(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
