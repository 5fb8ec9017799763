"""What a signal said at one moment: a number, counts, a word, or a typed absence; and the tick that gathers them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import frozen


class AbsenceKind(Enum):
    """Why there is no value; each kind is told apart from every other."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    HTTP_STATUS = "http-status"
    NOT_JSON = "not-json"
    MISSING_PATH = "missing-path"
    NOT_A_NUMBER = "not-a-number"
    OUT_OF_RANGE = "out-of-range"
    STALE = "stale"
    EMPTY = "empty"


class Health(Enum):
    """The state of a service as its health probe saw it."""

    HEALTHY = "healthy"
    WARNING = "warning"
    UNHEALTHY = "unhealthy"


@frozen
class Absence:
    """No value, and why: the kind decides, the detail explains; `unhealthy` where the project declared that it means so."""

    kind: AbsenceKind
    detail: str = ""
    unhealthy: bool = False

    def __str__(self) -> str:
        return f"{self.kind.value} ({self.detail})" if self.detail else self.kind.value


@frozen
class Counts:
    """A ratio kept as numerator and denominator, so that small numbers stay visible.

    `running` says that both have been added up since the watch began (a window then takes differences); otherwise
    they are the events of this look alone.
    """

    part: float
    whole: float
    running: bool = False

    @property
    def ratio(self) -> float | None:
        return self.part / self.whole if self.whole > 0 else None


Value = float | Counts | Health | Absence


@frozen
class Tick:
    """All samples of one look: `at` is UTC seconds since the epoch, `index` counts from 0."""

    index: int
    at: float
    samples: Mapping[str, Value]

    def to_data(self) -> dict[str, Any]:
        """The line of samples.jsonl: `{"tick", "at", "samples": {name: number | {…}}}`."""
        return {
            "tick": self.index,
            "at": self.at,
            "samples": {name: value_to_data(value) for name, value in self.samples.items()},
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Tick:
        """Read a line of samples.jsonl; raise ValueError where it is not one."""
        try:
            samples = {str(name): value_from_data(value) for name, value in data["samples"].items()}
            index, at = data["tick"], data["at"]
        except (KeyError, AttributeError, TypeError) as problem:
            raise ValueError(f"no tick record: {problem!r}") from problem
        if isinstance(index, bool) or not isinstance(index, int) or not _is_number(at):
            raise ValueError("no tick record: tick must be an integer and at a number")
        return cls(index, float(at), samples)


def value_to_data(value: Value) -> Any:
    """A number stays a number; everything else becomes a small tagged mapping."""
    match value:
        case Counts(part, whole, running):
            return {"part": part, "whole": whole} | ({"running": True} if running else {})
        case Health():
            return {"health": value.value}
        case Absence(kind, detail, unhealthy):
            return {"absent": kind.value, "detail": detail} | ({"unhealthy": True} if unhealthy else {})
        case _:
            return value


def value_from_data(data: Any) -> Value:
    """Read what `value_to_data` wrote; raise ValueError for anything else (an unknown shape is no value)."""
    if _is_number(data):
        return float(data)
    if isinstance(data, dict):
        keys = set(data)
        if keys - {"running"} == {"part", "whole"} and _is_number(data["part"]) and _is_number(data["whole"]):
            return Counts(float(data["part"]), float(data["whole"]), data.get("running") is True)
        if keys == {"health"}:
            return Health(data["health"])
        if keys <= {"absent", "detail", "unhealthy"} and "absent" in keys:
            return Absence(AbsenceKind(data["absent"]), str(data.get("detail", "")), data.get("unhealthy") is True)
    raise ValueError(f"no sample value: {data!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) != float("inf") and value == value
