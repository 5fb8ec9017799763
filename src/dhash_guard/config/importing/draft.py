"""Holds a gate in the making: its keys, the value of the foreign file that each comes from, and what is told of them."""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from dhash_guard.config.importing.parts import Piece, Role
from dhash_guard.config.importing.subjects import Subject
from dhash_guard.config.node import Node
from dhash_guard.gates.plan import WatchPlan

Told = tuple[Node, str]
"""A value of the file, and what became of it."""


class Misfit(Exception):
    """A value that keeps its gate from being understood, and why."""

    def __init__(self, leaf: Node, why: object) -> None:
        super().__init__(str(why))
        self.leaf = leaf


@frozen(kw_only=True)
class Around:
    """What a gate must know of its environment and family.

    `rates` is the unit of a rate that states none; `usual` the action that the family's name promises, or empty.
    """

    env: str
    plan: WatchPlan
    automatic: bool | None
    rates: str
    usual: str


@define
class Draft:
    """A gate in the making from its pieces `by` role."""

    subject: Subject
    by: dict[Role, Piece]
    around: Around
    gate: dict[str, Any] = field(factory=dict)
    marks: dict[str, Node] = field(factory=dict)
    understood: list[Told] = field(factory=list)
    left: list[Told] = field(factory=list)

    def set(self, leaf: Node, **keys: Any) -> None:
        """Write keys of the gate that come from this value."""
        self.gate |= keys
        self.marks |= dict.fromkeys(keys, leaf)

    def tell(self, leaf: Node, text: str) -> None:
        """Say what a value does for the gate."""
        self.understood.append((leaf, f"gates.{self.subject.gate}: {text}"))

    @property
    def hold(self) -> str:
        """The key that says how long already, or nothing."""
        return next((key for key in ("over", "consecutive", "of_last") if key in self.gate), "")
