"""Decides when an alert is over: so many looks in a row on the good side of a line of its own (hysteresis)."""

from __future__ import annotations

from attrs import define

from dhash_guard.gates.reading import crosses
from dhash_guard.gates.settings import CLEAR_LIMITS, Gate, limit_of


@define
class Clearing:
    """Counts the good looks after an alert; `line` is a side and a value in the house unit, None for the limit itself."""

    needed: int
    line: tuple[str, float] | None
    _run: int = 0

    @classmethod
    def of(cls, gate: Gate) -> Clearing | None:
        """What takes this gate's alert back, or None where nothing does."""
        line = limit_of(gate, CLEAR_LIMITS)
        if gate.clear_after is None and line is None:
            return None
        return cls(gate.clear_after or 1, (line[0], line[1].value) if line is not None else None)

    def observe(self, good: bool, observed: float | None) -> bool:
        """Take in a look that had a value: whether it was good, and the gate's number; True where the alert is over now."""
        if good and self.line is not None:
            good = observed is not None and crosses(observed, *self.line)
        self._run = self._run + 1 if good else 0
        if self._run < self.needed:
            return False
        self._run = 0
        return True
