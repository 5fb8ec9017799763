"""Decides what a setting is where several layers write it: mappings merge by key, all else replaces, `off` removes."""

from __future__ import annotations

from attrs import evolve

from dhash_guard.config.node import Node


def merge(under: Node, over: Node) -> Node:
    """`over` laid upon `under`; every value keeps the mark of the layer that wrote it.

    An `off` stays in the tree as a node that says so, because only the type of the setting can tell what it means.
    """
    if not isinstance(under.value, dict) or not isinstance(over.value, dict):
        return over
    merged = dict(under.value)
    for key, node in over.value.items():
        merged[key] = _entry(merged[key], node) if key in merged else node
    return evolve(over, value=merged)


def _entry(under: Node, over: Node) -> Node:
    if over.off:
        return evolve(over, removes=under.removes or not under.off)
    return over if _other_kind(under, over) else merge(under, over)


def _other_kind(under: Node, over: Node) -> bool:
    """Whether two mappings say that they are different things; their keys would not fit each other."""
    one, other = under.get("kind"), over.get("kind")
    return one is not None and other is not None and one.value != other.value
