"""Decides how long a breach must last where looks are counted: a run of ticks, or M of the last N."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from attrs import define, field

from dhash_guard.gates.reading import Level, Limits, plain
from dhash_guard.gates.standing import Folded, Standing, unknown
from dhash_guard.records.sample import Absence, Counts, Health, Value


@define
class Size:
    """How much was seen: looks with a value or a declared breach, and for a ratio kept as counts its denominator."""

    looks: int = 0
    _whole: int | None = None

    def take(self, value: Value, reduced: float | Health | Absence) -> None:
        """Take in a look; one without a value keeps the denominator of the last that had one."""
        self.looks += 1
        if not isinstance(reduced, Absence):
            self._whole = int(value.whole) if isinstance(value, Counts) else None

    def skim(self, looks: int) -> None:
        """Take in so many looks at bare numbers or words."""
        self.looks += looks
        self._whole = None

    @property
    def samples(self) -> int:
        """What `min_samples` asks for."""
        return self.looks if self._whole is None else self._whole


@define
class Consecutive:
    """`needed` breaches in a row; an absence neither counts nor resets, `needed` absences in a row say nothing."""

    needed: int
    min_samples: int
    limits: Limits
    _run: int = 0
    _absent_run: int = 0
    _size: Size = field(factory=Size)
    _value: Value | None = None
    _level: Level = Level.FINE
    _absence: Absence | None = None

    def observe(self, at: float, interval: float, value: Value) -> Level | None:
        reduced = plain(value)
        if isinstance(reduced, Absence) and not reduced.unhealthy:
            self._absent_run += 1
            self._absence = reduced
            return self._told()
        self._absent_run = 0
        self._size.take(value, reduced)
        self._value = value
        self._level = level_of(value, reduced, self.limits)
        self._run = self._run + 1 if self._level is Level.FAIL else 0
        return self._told()

    def calm(self, times: Sequence[float], values: Sequence[float | Health]) -> bool:
        return self._size.looks >= self.min_samples and self.limits.all_fine(values)

    def skim(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> None:
        self._size.skim(len(values))
        self._run = self._absent_run = 0
        self._value, self._level = values[-1], Level.FINE

    def fold(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> Folded:
        told: set[Level] = set()
        self._absent_run, level, taken = 0, self._level, 0
        for taken, value in enumerate(values, 1):
            level = self.limits.level(value)
            self._run = self._run + 1 if level is Level.FAIL else 0
            if level is Level.FINE or self._size.looks + taken < self.min_samples:
                continue
            told.add(Level.SHORT if level is Level.FAIL and self._run < self.needed else level)
            if self._run >= self.needed:
                break
        self._size.skim(taken)
        self._value, self._level = values[taken - 1], level
        return taken, told

    def _told(self) -> Level | None:
        if self._value is None or self._absent_run >= self.needed or self._size.samples < self.min_samples:
            return None
        if self._run >= self.needed:
            return Level.FAIL
        return Level.SHORT if self._level is Level.FAIL else self._level

    def standing(self) -> Standing:
        level, samples = self._told(), self._size.samples
        if level is None and (self._value is None or self._absent_run >= self.needed):
            assert self._absence is not None
            text = f"{self._absence}, {self._absent_run} in a row"
            return unknown(f"absent-{self._absence.kind.value}", text, self._size.looks)
        assert self._value is not None
        if level is None:
            return unknown("too-few-samples", f"n={samples}, needs {self.min_samples}", samples)
        how = f", {self._run} in a row (limit {self.needed})" if self._run and self.needed > 1 else ""
        return Standing(
            level=level,
            text=f"{shown(self._value, self.limits)}{how}, n={samples}",
            observed=observed(self._value),
            samples=samples,
            strikes=(self._run, self.needed),
        )


@define
class OfLast:
    """`needed` breaches among the last `among` looks; absences that could have been the missing ones say nothing."""

    needed: int
    among: int
    min_samples: int
    limits: Limits
    _recent: deque[Level | None] = field(factory=deque)
    _fails: int = 0
    _unknown: int = 0
    _size: Size = field(factory=Size)
    _value: Value | None = None

    def observe(self, at: float, interval: float, value: Value) -> Level | None:
        reduced = plain(value)
        absent = isinstance(reduced, Absence) and not reduced.unhealthy
        self._push(None if absent else level_of(value, reduced, self.limits))
        if not absent:
            self._size.take(value, reduced)
        self._value = value
        return self._told()

    def _push(self, level: Level | None) -> None:
        if len(self._recent) == self.among:
            self._count(self._recent.popleft(), -1)
        self._recent.append(level)
        self._count(level, 1)

    def _count(self, level: Level | None, step: int) -> None:
        if level is Level.FAIL:
            self._fails += step
        elif level is None:
            self._unknown += step

    def calm(self, times: Sequence[float], values: Sequence[float | Health]) -> bool:
        known = not self._fails and not self._unknown and self._size.looks >= self.min_samples
        return known and self.limits.all_fine(values)

    def skim(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> None:
        for _ in values[: self.among]:
            self._push(Level.FINE)
        self._size.skim(len(values))
        self._value = values[-1]

    def fold(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> Folded:
        told: set[Level] = set()
        for taken, value in enumerate(values, 1):
            self._push(self.limits.level(value))
            self._size.skim(1)
            self._value = value
            level = self._told()
            if level is not None and level is not Level.FINE:
                told.add(level)
            if level is Level.FAIL:
                return taken, told
        return len(values), told

    def _told(self) -> Level | None:
        if self._size.samples < self.min_samples:
            return None
        if self._fails >= self.needed:
            return Level.FAIL
        if self._unknown and self._fails + self._unknown >= self.needed:
            return None
        return Level.SHORT if self._fails else self._recent[-1] or Level.FINE

    def standing(self) -> Standing:
        assert self._value is not None
        level, samples = self._told(), self._size.samples
        if level is None and samples < self.min_samples:
            return unknown("too-few-samples", f"n={samples}, needs {self.min_samples}", samples)
        if level is None:
            text = f"{self._unknown} of the last {self.among} looks had no value"
            return unknown("absent-in-window", text, self._size.looks)
        return Standing(
            level=level,
            text=f"{shown(self._value, self.limits)}, {self._fails} of the last {self.among} (limit {self.needed})",
            observed=observed(self._value),
            samples=self._size.looks,
            strikes=(self._fails, self.needed),
        )


def level_of(value: Value, reduced: float | Health | Absence, limits: Limits) -> Level:
    """Where one look stands; an absence that gets here was declared to mean unhealthy."""
    if isinstance(reduced, Absence):
        return Level.FAIL
    if isinstance(value, Counts) and isinstance(reduced, float):
        return limits.level_of(value, reduced)
    return limits.level(reduced)


def shown(value: Value, limits: Limits) -> str:
    """A look as people read it."""
    reduced = plain(value)
    if isinstance(reduced, float):
        return limits.compare(reduced, value if isinstance(value, Counts) else None)
    return reduced.value if isinstance(reduced, Health) else str(reduced)


def observed(value: Value) -> float | None:
    """The number of a look, if it is one."""
    reduced = plain(value)
    return reduced if isinstance(reduced, float) else None
