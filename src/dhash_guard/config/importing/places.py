"""Decides what a foreign value is in its place in our file: a span, a switch, a path, a word of status."""

from __future__ import annotations

from typing import Any

from dhash_guard.config.importing import numbers
from dhash_guard.config.importing.families import Setting
from dhash_guard.config.importing.json_nodes import plain
from dhash_guard.config.importing.numbers import Unclear, span_text
from dhash_guard.config.node import Node

FAST = "5m"
"""How long family 6 looks fast: its documents say so, the file itself does not."""

Placed = tuple[dict[str, Any], str]
"""The dotted places with their values, and what is told beyond them."""


def place(setting: Setting, leaf: Node) -> Placed:
    """Where the value stands in our file; raise Unclear for one that cannot stand there."""
    value: Any = plain(leaf)
    match setting.form:
        case "m" | "s" | "ms":
            return {setting.to: span_text(numbers.span(leaf, setting.form))}, ""
        case "cadence":
            after = {setting.to: span_text(numbers.span(leaf, "s")), "monitor.then.after": FAST}
            return after, f"for the first {FAST}, as the documents of this family say"
        case "boolean":
            if not isinstance(value, bool):
                raise Unclear(f"{leaf.shown} is no boolean; write true or false")
            return {setting.to: value}, ""
        case "count":
            return {setting.to: numbers.count(leaf)}, ""
        case "status":
            return _status(value, leaf)
    if not isinstance(value, str) or not value.strip():
        raise Unclear(f"{leaf.shown} is no text; write one in quotes")
    return {setting.to: value}, ""


def _status(value: Any, leaf: Node) -> Placed:
    """What a healthy answer must be: a status code, or the word in its body."""
    if isinstance(value, str) and value.strip():
        return {"health.ok": [value.strip().lower()]}, "in any case of letters"
    return {"health.expect": numbers.count(leaf)}, ""
