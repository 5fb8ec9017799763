"""Keeps the account of a file: what became of each of its values, none forgotten and none told twice."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import define, field, frozen

from dhash_guard.config.importing.json_nodes import told
from dhash_guard.config.node import KeyPath, Node


class Fate(Enum):
    """What can become of a value, from the least to the most that a reader must know of."""

    LEFT = "left"
    PLACED = "placed"
    UNDERSTOOD = "understood"
    REFUSED = "refused"


@frozen
class Entry:
    """One value of the file: `place` is file:line, `value` its path and content, `text` what became of it.

    `under` is the part of its path that a rule was written for, so that a page of prose can be told in one line.
    """

    fate: Fate
    place: str
    value: str
    text: str
    under: KeyPath


@frozen
class _Said:
    env: str
    fate: Fate
    text: str
    gate: bool
    depth: int


@define
class Account:
    """What was said of each value so far; a value may be said to be several things in several environments."""

    _said: dict[KeyPath, list[_Said]] = field(factory=dict)

    def say(self, leaf: Node, fate: Fate, text: str, *, env: str = "", gate: bool = False, depth: int | None = None) -> None:
        """Record what became of `leaf` in `env` (empty: everywhere); what was said before for the same one is withdrawn.

        `gate` marks what decides about a gate: a run that takes only gates must not start where it is refused.
        """
        path = leaf.mark.path
        others = [said for said in self._said.get(path, []) if said.env != env]
        self._said[path] = [*others, _Said(env, fate, text, gate, len(path) if depth is None else depth)]

    def refused_gates(self, leaves: Iterable[Node], env: str) -> list[tuple[Node, str]]:
        """The values whose refusal concerns the gates of one environment, and why."""
        return [
            (leaf, said.text)
            for leaf in leaves
            for said in self._said.get(leaf.mark.path, [])
            if said.fate is Fate.REFUSED and said.gate and said.env in ("", env)
        ]

    def entries(self, leaves: Iterable[Node]) -> list[Entry]:
        """One entry for each of the file's values, in its order."""
        return [self._entry(leaf) for leaf in leaves]

    def _entry(self, leaf: Node) -> Entry:
        said = self._said.get(leaf.mark.path, [])
        if not said:
            return Entry(Fate.REFUSED, str(leaf.mark), told(leaf), "was not read; please report it", leaf.mark.path)
        fate = max((one.fate for one in said), key=list(Fate).index)
        by_text: dict[str, list[str]] = {}
        for one in said:
            if one.fate is fate:
                by_text.setdefault(one.text, []).append(one.env)
        everywhere = len(by_text) == 1 and all(one.fate is fate for one in said)
        text = "; ".join(what if everywhere else f"{', '.join(envs)}: {what}" for what, envs in by_text.items())
        return Entry(fate, str(leaf.mark), told(leaf), text, leaf.mark.path[: said[0].depth])
