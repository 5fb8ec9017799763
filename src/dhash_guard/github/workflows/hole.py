"""What is wrong with a workflow: where, what it lets through, and what to do."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Weight(Enum):
    """How sure it is."""

    HOLE = "hole"
    """Something can be merged that should not be, or nothing can be merged at all."""
    UNKNOWN = "unknown"
    """Whether it is a hole cannot be seen in the files."""


@frozen(kw_only=True)
class Hole:
    """One finding in a workflow file; `line` counts from 1, 0 where there is no file."""

    path: str
    line: int
    rule: str
    text: str
    cure: str
    weight: Weight = Weight.HOLE

    @property
    def where(self) -> str:
        """file:line"""
        return f"{self.path}:{self.line}" if self.line else self.path
