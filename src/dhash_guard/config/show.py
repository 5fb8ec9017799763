"""Writes a settled environment as YAML that is read as the same again, with the origin of each value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import attrs

from dhash_guard.config.load import opened_and_settled
from dhash_guard.config.node import Node
from dhash_guard.config.schema import Document
from dhash_guard.config.shapes import keys, unwrapped, words
from dhash_guard.config.source import bare
from dhash_guard.records.units import Quantity, Ratio, Seconds, format_duration

_BARE = re.compile(r"[A-Za-z0-9/_.][A-Za-z0-9/_.%-]*( [A-Za-z0-9/_.%-]+)*")
_TOP = ("version", "service", "directories", "premerge", "protection", "trust", "state")
_ORIGIN = "\0"
"""Stands between a value and its origin until the text is finished; no value can hold it."""


def show(
    path: Path | None,
    cwd: Path,
    environ: Mapping[str, str],
    env: str | None = None,
    target: str | None = None,
    *,
    origin: bool = False,
) -> str:
    """The whole file for one environment or target: layers merged, preset written out, defaults filled in.

    Raises as `load` does. Variables stay `${NAME}`, so that no secret is shown. With `origin` every value is followed by
    where it came from.
    """
    opened, settled = opened_and_settled(path, cwd, environ, env, target)
    lines: list[str] = []
    for key in keys(Document):
        if key.name in _TOP:
            value = opened.values[key.name] if key.name in opened.values else key.default_value()
            lines += _entry(key.written, value, key.kind, opened.node.get(key.written), 0)
    lines += ["environments:", f"  {settled.name}:", *_record(settled.environment, settled.tree, 4)]
    return "".join(_finished(line, origin) + "\n" for line in lines)


def _finished(line: str, origin: bool) -> str:
    value, _, source = line.partition(_ORIGIN)
    return f"{value}  # {source}" if origin and source else value


def _record(record: Any, node: Node | None, indent: int) -> Iterator[str]:
    kind: type = type(record)
    for key in keys(kind):
        value = getattr(record, key.name)
        if value is not None or key.default not in (None, attrs.NOTHING):
            yield from _entry(key.written, value, key.kind, node.get(key.written) if node is not None else None, indent)


def _entry(name: str, value: Any, kind: Any, node: Node | None, indent: int) -> Iterator[str]:
    """`name: value` on one line, or with the lines below it."""
    head, inner = " " * indent + text(name) + ":", unwrapped(kind)[0]
    if attrs.has(type(value)) and not isinstance(value, Quantity):
        yield head
        yield from _record(value, node, indent + 2)
    elif isinstance(value, dict) and value and inner is not Any:
        yield head
        for key, child in value.items():
            yield from _entry(key, child, get_args(inner)[1], node.get(key) if node is not None else None, indent + 2)
    elif isinstance(value, tuple) and any(attrs.has(type(item)) for item in value):
        yield head
        for index, item in enumerate(value):
            lines = list(_record(item, node.get(index) if node is not None else None, indent + 4))
            yield " " * (indent + 2) + "- " + lines[0].lstrip()
            yield from lines[1:]
    else:
        yield f"{head} {_value(value, inner, node)}{_ORIGIN}{_origin(node)}"


def _origin(node: Node | None) -> str:
    return "default of the program" if node is None else node.mark.source.replace("\n", " ")


def _value(value: Any, kind: Any, node: Node | None) -> str:
    """A value on one line: as it was written where it was, else as a default would be written."""
    if isinstance(value, (tuple, list)):
        nodes = [node.get(index) if node is not None else None for index in range(len(value))]
        inner = get_args(kind)[0] if get_args(kind) else Any
        return f"[{', '.join(_value(item, inner, child) for item, child in zip(value, nodes, strict=True))}]"
    if isinstance(value, dict):
        pairs = (
            f"{text(key)}: {_value(child, Any, node.get(key) if node is not None else None)}" for key, child in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if node is not None and not node.off:
        return _scalar(node.value if node.written is None else node.written)
    return _default(value, kind)


def _default(value: Any, kind: Any) -> str:
    """A default of the program in the form that a file would have."""
    if value is None:
        return "off"
    if isinstance(value, Enum):
        return text(next(word for word, member in words(type(value)).items() if member is value))
    if kind is Seconds:
        return format_duration(value)
    if kind is Quantity:
        return str(value).replace(" ", "")
    return f"{value * 100:g}%" if kind is Ratio else _scalar(value)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return text(value) if isinstance(value, str) else repr(value)


def text(value: str) -> str:
    """Text as YAML: bare where nothing else could be read into it, else in quotes."""
    if _BARE.fullmatch(value) and bare(value) == value and value != "off":
        return value
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"
