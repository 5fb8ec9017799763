"""Records a watch's ticks, each line chained to the one before, so that a changed line can be named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dhash_guard.records.canonical import canonical, loads
from dhash_guard.records.evidence import Samples
from dhash_guard.records.sample import Tick
from dhash_guard.system.files import Files

_START = "0" * 16


class SampleLog:
    """The samples.jsonl of one run; `link` in each line is 16 hex digits over the previous link and the line."""

    def __init__(self, path: Path, files: Files) -> None:
        self.path = path
        self._files = files
        self._link = _START
        self._digest = hashlib.sha256()
        self._count = 0
        files.make_directory(path.parent)

    def append(self, tick: Tick) -> None:
        """Write one tick; a crash leaves whole lines and at most one torn one at the end."""
        data = tick.to_data()
        self._link = link_after(self._link, data)
        line = canonical(data | {"link": self._link}) + b"\n"
        self._files.append(self.path, line)
        self._digest.update(line)
        self._count += 1

    def reference(self) -> Samples:
        """What the evidence says of this file."""
        return Samples(file=self.path.name, sha256=self._digest.hexdigest(), count=self._count)


def link_after(previous: str, data: dict[str, Any]) -> str:
    """The link of a tick record that follows `previous`."""
    return hashlib.sha256(previous.encode("ascii") + canonical(data)).hexdigest()[:16]


def read_linked(path: Path) -> Iterator[Tick]:
    """The ticks of a recorded file; raise ValueError naming the first line that was changed."""
    with path.open("rb") as lines:
        yield from linked(lines, path.name)


def linked(lines: Iterable[bytes], name: str) -> Iterator[Tick]:
    """The ticks of these lines, each with its end; raise ValueError naming the first line of `name` that was changed."""
    link = _START
    for number, line in enumerate(lines, start=1):
        try:
            data = loads(line)
            claimed = data.pop("link")
            link = link_after(link, data)
            intact = claimed == link and canonical(data | {"link": link}) + b"\n" == line
            tick = Tick.from_data(data)
        except (ValueError, KeyError, AttributeError, TypeError):
            intact = False
        if not intact:
            raise ValueError(f"{name}:{number} was changed")
        yield tick
