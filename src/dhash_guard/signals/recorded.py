"""Reads ticks back from a recorded log, fast and one at a time, and says where the log is broken."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from dhash_guard.errors import UsageProblem
from dhash_guard.records.sample import Tick, Value, value_from_data


def ticks(path: Path) -> Iterator[Tick]:
    """The ticks of a `samples.jsonl`; raise UsageProblem with file:line for a line that is none.

    A last line without its line end is what a killed writer leaves; it is no evidence and ends the log. The links of
    a sealed log are not looked at.
    """
    try:
        lines = path.open("rb")
    except OSError as problem:
        raise UsageProblem(f"cannot read the recorded log: {problem.strerror}", where=str(path)) from problem
    decode = json.JSONDecoder(parse_constant=_refuse).decode
    before = -math.inf
    with lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                tick = _tick(decode(line.decode("utf-8", "surrogatepass")))
                if tick.at <= before:
                    raise ValueError("this look is not later than the one before it; the log is not in order")
            except (ValueError, RecursionError) as problem:
                raise UsageProblem(str(problem), where=f"{path}:{number}", cure="Each line is one tick.") from problem
            before = tick.at
            yield tick


def last(path: Path) -> Tick | None:
    """The last tick of a log, read from its end, None where there is none; raises as `ticks` does."""
    size, reach = path.stat().st_size, 1 << 16
    while True:
        with path.open("rb") as log:
            log.seek(max(size - reach, 0))
            whole = log.read().rpartition(b"\n")[0].rpartition(b"\n")
        if whole[1] or reach >= size:
            break
        reach *= 2
    try:
        return _tick(json.JSONDecoder(parse_constant=_refuse).decode(whole[2].decode("utf-8", "surrogatepass")))
    except (ValueError, RecursionError):
        return next(iter(deque(ticks(path), maxlen=1)), None)  # which says where it is broken


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _tick(data: Any) -> Tick:
    """What `Tick.from_data` makes of it, without its cost where a line is of the plain shape that we write."""
    if type(data) is not dict:
        return Tick.from_data(data)
    index, at, samples = data.get("tick"), data.get("at"), data.get("samples")
    if type(index) is int and type(at) is float and type(samples) is dict and math.isfinite(at):
        return Tick(index, at, _values(samples))
    return Tick.from_data(data)


def _values(samples: dict[str, Any]) -> dict[str, Value]:
    """The values in place: only what is no float costs a conversion, and one sum shows that every float is finite."""
    total = 0.0
    for name, value in samples.items():
        if type(value) is float:
            total += value
        else:
            samples[name] = value_from_data(value)
    if not math.isfinite(total):  # 1e999 is read as infinite; but finite values may also add up to it
        for value in samples.values():
            if type(value) is float:
                value_from_data(value)
    return samples
