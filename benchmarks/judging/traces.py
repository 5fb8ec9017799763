"""A labelled watch, what every rule sees of it, and the reader of real ones: JSON lines, one watch per line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Value

FORMAT = """\
Files *.jsonl, one watch per line: {"name": text, "family": "latency" | "errors", "before": [...], "after": [...],
"onset": look | null, "kind": text (may be missing)}. A value is a number (latency: seconds; errors: a share 0-1),
[failed, whole], or null where there was none. "onset" counts from 0 in "after"; null: the deployment broke nothing."""

FAMILIES = ("latency", "errors")
GAP = Absence(AbsenceKind.TIMEOUT, "no answer")

Reading = float | None
"""A value as a query returns it: NaN where nothing was requested (0/0), None where there was no answer."""


@dataclass(frozen=True)
class Trace:
    """One watch: looks a minute apart before and after the deployment, latency in seconds or failed of whole requests.

    `onset` is the look of `after` at which the deployment's fault begins; None where a rollback would be false.
    """

    name: str
    family: str
    before: tuple[Value, ...]
    after: tuple[Value, ...]
    onset: int | None
    kind: str

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The looks after the deployment as numbers."""
        return tuple(reading(value) for value in self.after)

    @cached_property
    def memory(self) -> dict[object, tuple[Any, ...]]:
        """What was reckoned once: hundreds of settings ask for the same few pools and comparisons."""
        return {}

    @cached_property
    def numbers_before(self) -> tuple[float, ...]:
        """What was measured before the deployment, without gaps."""
        found = [reading(value) for value in self.before]
        return tuple(number for number in found if number is not None and not math.isnan(number))

    @cached_property
    def usual(self) -> float | None:
        """The median latency before (seconds), or the share of all requests before that failed."""
        counts = [value for value in self.before if isinstance(value, Counts)]
        if counts:
            whole = math.fsum(count.whole for count in counts)
            return math.fsum(count.part for count in counts) / whole if whole else None
        return median(self.numbers_before) if self.numbers_before else None


def reading(value: Value) -> Reading:
    """One value as the peers' queries see it."""
    if isinstance(value, Counts):
        return value.part / value.whole if value.whole else math.nan
    return value if isinstance(value, float) else None


def load(folder: Path) -> list[Trace]:
    """Every watch of every `*.jsonl` in `folder`, in order of names; raise ValueError naming the line that is none."""
    found = [trace for path in sorted(folder.glob("*.jsonl")) for trace in _lines(path)]
    if not found:
        raise ValueError(f"{folder} holds no watch; {FORMAT}")
    return found


def _lines(path: Path) -> Iterator[Trace]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield from_data(json.loads(line))
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"{path.name}:{number}: {problem}; {FORMAT}") from problem


def from_data(data: Mapping[str, Any]) -> Trace:
    """Read one line; raise ValueError, TypeError or KeyError where it is no watch."""
    family, onset = data["family"], data["onset"]
    before, after = (tuple(_value(entry) for entry in data[key]) for key in ("before", "after"))
    if family not in FAMILIES:
        raise ValueError(f"family {family!r} is none of {', '.join(FAMILIES)}")
    if onset is not None and not (type(onset) is int and 0 <= onset < len(after)):
        raise ValueError(f"onset {onset!r} is no look of the {len(after)} after the deployment")
    return Trace(str(data["name"]), family, before, after, onset, str(data.get("kind", "given")))


def _value(entry: object) -> Value:
    match entry:
        case None:
            return GAP
        case bool():
            raise ValueError(f"{entry!r} is no value")
        case int() | float() if math.isfinite(entry) and entry >= 0:
            return float(entry)
        case [int() | float() as part, int() | float() as whole] if 0 <= part <= whole < math.inf:
            return Counts(float(part), float(whole))
    raise ValueError(f"{entry!r} is no value")
