"""Decides how a written value remembers where it came from, and how a fault in it is told."""

from __future__ import annotations

import json
import re

from attrs import evolve, frozen

KeyPath = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""

_PLAIN_KEY = re.compile(r"[\w/-]+")


@frozen
class Mark:
    """A place in the file: its line counts from 1, `path` leads there from the top of the file.

    `origin` is set where the value itself is not written there (the gate of a preset that this line names).
    """

    file: str
    line: int
    path: KeyPath = ()
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def below(self, *keys: str | int) -> Mark:
        """The same place, with a longer path."""
        return evolve(self, path=(*self.path, *keys))

    @property
    def source(self) -> str:
        """Where the value came from, for people: a preset's name, or file:line."""
        return self.origin or str(self)


@frozen
class Fault:
    """One thing that is wrong, and where."""

    mark: Mark
    text: str

    def __str__(self) -> str:
        origin = f" ({self.mark.origin})" if self.mark.origin else ""
        return f"{self.mark}: {path_text(self.mark.path)}{origin}: {self.text}"


class Wrong(Exception):
    """What was read does not fit; `faults` lists all that was found."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = list(faults)


@frozen
class Node:
    """A value with its mark: a mapping or a list of nodes, or a scalar.

    `plain` says that a string stood without quotes, `removes` that this `off` took something away when it was merged;
    `written` is what stood there before variables were filled in, and the only form that is ever shown.
    """

    value: dict[str, Node] | list[Node] | str | int | float | bool | None
    mark: Mark
    plain: bool = False
    removes: bool = False
    written: str | None = None

    @property
    def off(self) -> bool:
        """Whether this is the bare word `off`, which removes a key; a quoted "off" is text."""
        return self.plain and self.value == "off"

    @property
    def is_mapping(self) -> bool:
        """Whether keys stand below it."""
        return isinstance(self.value, dict)

    @property
    def shown(self) -> str:
        """The value for an error message, never with the content of a variable, and cut to size."""
        text = repr(self.value if self.written is None else self.written)
        if isinstance(self.value, (dict, list)):
            return "a mapping" if isinstance(self.value, dict) else "a list"
        if isinstance(self.value, bool) or self.value is None:
            text = json.dumps(self.value)
        return text if len(text) <= 80 else text[:77] + "..."

    def fault(self, text: str) -> Fault:
        """A fault of this value; what a variable held is taken out of the text again."""
        if self.written is not None and isinstance(self.value, str) and self.value.strip():
            text = text.replace(repr(self.value.strip()), repr(self.written))
        return Fault(self.mark, text)

    def get(self, *path: str | int) -> Node | None:
        """The node at `path` below this one, or None."""
        here: Node | None = self
        for key in path:
            here = _child(here, key) if here is not None else None
        return here

    def nearest(self, path: KeyPath) -> Mark:
        """The mark of the value at `path`; where nothing is written there, that of what encloses it, with the same path."""
        here = self
        for depth, key in enumerate(path):
            child = _child(here, key)
            if child is None:
                return here.mark.below(*path[depth:])
            here = child
        return here.mark


def _child(node: Node, key: str | int) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(str(key))
    if isinstance(node.value, list) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def path_text(path: KeyPath) -> str:
    """`environments.production.smoke[1].get`; a key that could be misread is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if _PLAIN_KEY.fullmatch(part) else json.dumps(part)
            text += f".{word}" if text else word
    return text or "the file"
