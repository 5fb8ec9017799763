"""Writes down what commands say while a leg runs, so that its log holds the whole of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from dhash_guard.system.process import Finished, Processes


class Transcript:
    """Runs programs as `real` does and keeps what they said, as lines of a log."""

    def __init__(self, real: Processes) -> None:
        self._real = real
        self.lines: list[str] = []

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        timeout: float,
        changes: bool,
        extra_env: Mapping[str, str] | None = None,
        feed: BinaryIO | None = None,
        into: BinaryIO | None = None,
    ) -> Finished:
        done = self._real.run(command, cwd=cwd, timeout=timeout, changes=changes, extra_env=extra_env, feed=feed, into=into)
        how = done.problem or f"exit {done.exit_code}"
        self.lines += [
            f"$ {' '.join(done.command)}",
            *_said(done.output),
            *_said(done.errors),
            f"= {how} after {done.seconds:.1f} s",
        ]
        return done


def _said(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
