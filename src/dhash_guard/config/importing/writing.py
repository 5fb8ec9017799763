"""Writes plain data as YAML that a person would write: short mappings on one line, comments above what they explain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dhash_guard.config.node import KeyPath
from dhash_guard.config.show import text

WIDEST = 120


def written(data: Mapping[str, Any], comments: Mapping[KeyPath, str], head: str) -> str:
    """The file; `head` is the comment at its top, `comments` stand above the keys at their paths."""
    lines = [*(f"# {_line(line)}" for line in head.splitlines()), *_mapping(data, comments, ())]
    return "\n".join(lines) + "\n"


def _mapping(data: Mapping[str, Any], comments: Mapping[KeyPath, str], path: KeyPath) -> Iterator[str]:
    indent = "  " * len(path)
    for key, value in data.items():
        here = (*path, key)
        if here in comments:
            yield f"{indent}# {_line(comments[here])}"
        one_line = f"{indent}{text(key)}: {_flow(value)}"
        inside = any(known[: len(here)] == here and known != here for known in comments)
        if not isinstance(value, dict) or (path and not inside and len(one_line) <= WIDEST):
            yield one_line
        else:
            yield f"{indent}{text(key)}:"
            yield from _mapping(value, comments, here)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(key)}: {_flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(child) for child in value) + "]"
    return text(value) if isinstance(value, str) else json.dumps(value)


def _line(comment: str) -> str:
    """A comment that stays one, whatever the names in it hold."""
    return "".join(sign if sign.isprintable() else " " for sign in comment)
