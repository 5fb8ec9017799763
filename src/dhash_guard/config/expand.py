"""Decides what `${NAME}` means: the variable's value, put in once, never read again for more."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve, field, frozen

from dhash_guard.config.names import VARIABLE
from dhash_guard.config.node import Fault, Node

_REFERENCE = re.compile(r"\$\{([^}]*)(\}?)")


@frozen
class Expanded:
    """The tree with variables filled in; `unset` are those that the environment does not have."""

    node: Node
    faults: list[Fault] = field(factory=list)
    unset: list[Fault] = field(factory=list)


def expand(node: Node, environ: Mapping[str, str]) -> Expanded:
    """Fill in every string value below `node`; keys, numbers and words are left alone."""
    faults: list[Fault] = []
    unset: list[Fault] = []
    return Expanded(_expanded(node, environ, faults, unset), faults, unset)


def _expanded(node: Node, environ: Mapping[str, str], faults: list[Fault], unset: list[Fault]) -> Node:
    if isinstance(node.value, dict):
        return evolve(node, value={key: _expanded(child, environ, faults, unset) for key, child in node.value.items()})
    if isinstance(node.value, list):
        return evolve(node, value=[_expanded(child, environ, faults, unset) for child in node.value])
    if not isinstance(node.value, str) or "${" not in node.value:
        return node

    def fill(reference: re.Match[str]) -> str:
        name, closed = reference[1], reference[2]
        if not closed or not VARIABLE.fullmatch(name):
            faults.append(node.fault(f"{reference[0]!r} is no variable; write ${{NAME}}"))
        elif name not in environ:
            unset.append(node.fault(f"the variable {name} is not set; set it where the command runs"))
        else:
            return environ[name]
        return reference[0]

    # Not plain any more: a variable that holds the word off is text and removes nothing.
    return evolve(node, value=_REFERENCE.sub(fill, node.value), written=node.value, plain=False)
