"""Prints goals beside what was measured: ok, short, or cannot tell where something is missing."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = "| goal | | measured | |\n|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """A measured value and its goal: at least or at most; without either it is only shown."""

    name: str
    measured: float | None
    least: float | None = None
    most: float | None = None
    unit: str = "×"

    def state(self) -> str:
        if self.measured is None:
            return "cannot tell"
        if self.least is None and self.most is None:
            return ""
        good = (self.least is None or self.measured >= self.least) and (self.most is None or self.measured <= self.most)
        return "ok" if good else "short"

    def __str__(self) -> str:
        sign, goal = ("≥", self.least) if self.least is not None else ("≤", self.most)
        wanted = "" if goal is None else f"{sign} {goal:g} {self.unit}"
        found = "" if self.measured is None else f"{self.measured:.2f} {self.unit}"
        return f"| {self.name} | {wanted} | {found} | {self.state()} |"


def show(rows: list[Row]) -> None:
    """One table."""
    print(HEAD)
    for row in rows:
        print(row)


def ratio(above: float | None, below: float | None) -> float | None:
    """`above / below`, or None where one of them is missing."""
    return above / below if above is not None and below else None
