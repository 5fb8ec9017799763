"""Reads ticks back from a recorded log, and says where the log is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from dhash_guard.errors import UsageProblem
from dhash_guard.records.sample import Tick


def ticks(path: Path) -> Iterator[Tick]:
    """The ticks of a `samples.jsonl`; raise UsageProblem with file:line for a line that is none.

    A last line without its line end is what a killed writer leaves; it is no evidence and ends the log.
    """
    try:
        lines = path.open("rb")
    except OSError as problem:
        raise UsageProblem(f"cannot read the recorded log: {problem.strerror}", where=str(path)) from problem
    with lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Tick.from_data(json.loads(line))
            except ValueError as problem:
                raise UsageProblem(str(problem), where=f"{path}:{number}", cure="Each line is one tick.") from problem
