"""Decides which family of gate files a document belongs to, by its shape alone; the tables stand beside it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from dhash_guard.config.importing.subjects import subject_of
from dhash_guard.config.node import Node

Names = Callable[[Node], tuple[str, ...]]
"""Finds the names of the environments in a document."""


@frozen
class Gates:
    """A value below a gate that has its own mapping; `subject` where the mapping has no name of a gate."""

    subject: str = ""
    base: bool = False


@frozen
class Words:
    """A value whose key names gate and limit in one word; `told` says of some why nothing watches them."""


@frozen
class Setting:
    """A value that has its place elsewhere in our file: the path below the environment, and its unit or form."""

    to: str
    form: str


@frozen
class Left:
    """A value that has no place, and the reason."""

    reason: str


Meaning = Gates | Words | Setting | Left
Rule = tuple[str, Meaning]


@frozen(kw_only=True)
class Family:
    """One family: its number and shape for people, how it is recognised, and what its values mean (the first rule fits).

    `rates` is the unit of a rate without one, `usual` the action where none is written, `refusal` why nothing can be
    imported at all.
    """

    number: int
    shape: str
    fits: Callable[[Node], bool]
    environments: Names
    rules: tuple[Rule, ...] = ()
    rates: str = "percent"
    usual: str = ""
    refusal: str = ""


def keys(node: Node | None) -> tuple[str, ...]:
    """The keys of a mapping; none for anything else."""
    return tuple(node.value) if node is not None and isinstance(node.value, dict) else ()


def below(node: Node, *path: str) -> list[Node]:
    """Every node at a path in which `*` stands for any key."""
    found = [node]
    for key in path:
        found = [
            child
            for parent in found
            for name in (keys(parent) if key == "*" else (key,))
            if (child := parent.get(name)) is not None
        ]
    return found


def has(*paths: str) -> Callable[[Node], bool]:
    """A test for documents with something at one of these dotted paths."""
    return lambda node: any(below(node, *path.split(".")) for path in paths)


def listed(path: str) -> Names:
    """Environments that stand as keys at a path."""
    return lambda node: keys(node.get(*path.split(".")))


def single(node: Node) -> tuple[str, ...]:
    """The one environment that a document names at its top."""
    name = node.get("environment")
    return (name.value,) if name is not None and isinstance(name.value, str) else ()


def flat(node: Node) -> tuple[str, ...]:
    """Environments that stand at the top, each a mapping in which the name of a gate has a bare limit."""
    return tuple(name for name in keys(node) if any(_bare_limit(node, name, key) for key in keys(node.get(name))))


def _bare_limit(node: Node, name: str, key: str) -> bool:
    child = node.get(name, key)
    return child is not None and isinstance(child.value, (int, float)) and subject_of(key) is not None
