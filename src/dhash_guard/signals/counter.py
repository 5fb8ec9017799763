"""Decides what two numbers that only grow have added since a watch began, over restarts and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Tick, Value


class Counter:
    """Adds up what a process counted since the watch began; the first look only sets the zero point.

    A process that restarts begins at zero, which shows as a fall of either number; what it counted up to the look before
    stays. What it counts between its last look and its restart is lost, and so is a restart that overtakes its old
    numbers between two looks.
    """

    def __init__(self, so_far: Counts | None = None) -> None:
        self._total = so_far or Counts(0.0, 0.0, running=True)
        self._last: Counts | None = None

    def total(self, seen: Counts | Absence) -> Counts | Absence:
        """The running total after this look; an absence changes nothing and is handed on."""
        if isinstance(seen, Absence):
            return seen
        last = self._last or seen
        if seen.part < last.part or seen.whole < last.whole:
            last = Counts(0.0, 0.0)
        part, whole = seen.part - last.part, seen.whole - last.whole
        if part > whole:
            # The numbers were read in between; the next look is reckoned from the last one that fitted together.
            return Absence(AbsenceKind.OUT_OF_RANGE, f"{part:g} of {whole:g} since the last look")
        self._last = seen
        self._total = Counts(self._total.part + part, self._total.whole + whole, running=True)
        return self._total


def counters(names: Iterable[str], so_far: Mapping[str, Counts]) -> dict[str, Counter]:
    """A counter for each name, going on from where the watch before had come."""
    return {name: Counter(so_far.get(name)) for name in names}


def running_counts(ticks: Iterable[Tick]) -> dict[str, Counts]:
    """The newest running counts of every signal; a look without an answer does not lose them."""
    found: dict[str, Value] = {}
    for tick in ticks:
        found.update({name: value for name, value in tick.samples.items() if isinstance(value, Counts) and value.running})
    return {name: value for name, value in found.items() if isinstance(value, Counts)}
