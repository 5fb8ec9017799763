"""Reads JSON into nodes with their lines; broken syntax and keys that stand twice are errors, never dropped."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from pathlib import Path
from typing import Any

from dhash_guard.config.node import Fault, KeyPath, Mark, Node, path_text
from dhash_guard.config.source import DEEPEST, MOST_BYTES, text_of
from dhash_guard.errors import ConfigurationProblem

_SPACE = re.compile(r"[ \t\n\r]*")
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def read_some(path: Path) -> bytes:
    """The bytes of a file, or one more than any gates file may have; raise OSError."""
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def read_json(content: bytes, name: str) -> Node:
    """The top node of a JSON document, called `name` in marks; raise ConfigurationProblem with file:line of every fault.

    NaN and Infinity are read as numbers, so that whoever needs the number can refuse it where it stands.
    """
    text = text_of(content, name, "a gates file")
    try:
        json.loads(text)
    except json.JSONDecodeError as problem:
        raise ConfigurationProblem(
            [f"{name}:{problem.lineno}: is no valid JSON: {problem.msg}; mend this line"]
        ) from problem
    except RecursionError as problem:
        raise ConfigurationProblem([f"{name}:1: is nested too deeply; make it flatter"]) from problem
    except ValueError as problem:  # a number of thousands of digits
        raise ConfigurationProblem([f"{name}:1: holds a number that is too long; write a shorter one"]) from problem
    return _Reader(text, name).read()


class _Reader:
    """Walks through a text that is known to be JSON."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name, self._at = text, name, 0
        self._breaks = [found.start() for found in re.finditer("\n", text)]
        self._decoder = json.JSONDecoder()
        self._faults: list[Fault] = []

    def read(self) -> Node:
        self._skip()
        node = self._value((), self._line())
        if self._faults:
            raise ConfigurationProblem([str(fault) for fault in self._faults])
        return node

    def _value(self, path: KeyPath, line: int) -> Node:
        mark = Mark(self._name, line, path)
        if len(path) > DEEPEST:
            raise ConfigurationProblem([f"{mark}: is nested deeper than {DEEPEST} levels; make it flatter"])
        opening = self._text[self._at]
        if opening == "{":
            return Node(self._mapping(path), mark)
        return Node(self._list(path) if opening == "[" else self._scalar(mark), mark)

    def _mapping(self, path: KeyPath) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while self._next("}"):
            line = self._line()
            key = str(self._scalar(Mark(self._name, line, path)))
            self._skip(":")
            here = Mark(self._name, line, (*path, key))
            node = self._value((*path, key), line)
            if key in entries:
                self._faults.append(Fault(here, f"is a duplicate of line {entries[key].mark.line}; keep one of them"))
            entries.setdefault(key, node)
        return entries

    def _list(self, path: KeyPath) -> list[Node]:
        items: list[Node] = []
        while self._next("]"):
            items.append(self._value((*path, len(items)), self._line()))
        return items

    def _next(self, closing: str) -> bool:
        """Step over the opening bracket or the comma; False, past the bracket, where nothing more follows."""
        self._at += self._text[self._at] in "{[,"
        self._skip()
        if self._text[self._at] != closing:
            return True
        self._at += 1
        return False

    def _scalar(self, mark: Mark) -> Any:
        value, self._at = self._decoder.raw_decode(self._text, self._at)
        self._skip()
        if isinstance(value, str) and _UNFIT.search(value):
            self._faults.append(Fault(mark, "holds an impossible character; remove it"))
        return value

    def _skip(self, sign: str = "") -> None:
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
        if sign:
            self._at = _SPACE.match(self._text, self._at + len(sign)).end()  # type: ignore[union-attr]

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at) + 1


def leaves(node: Node) -> list[Node]:
    """Every value of the tree in the file's order; a list of scalars is one value, and so is an empty mapping."""
    if isinstance(node.value, dict) and node.value:
        return [leaf for child in node.value.values() for leaf in leaves(child)]
    if isinstance(node.value, list) and any(isinstance(item.value, (dict, list)) for item in node.value):
        return [leaf for item in node.value for leaf in leaves(item)]
    return [node]


def plain(node: Node) -> Any:
    """The value of a leaf as data."""
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value


def told(node: Node) -> str:
    """Where a value stands and what it is: `environments.production.duration = 60`, cut to size."""
    text = "{}" if node.value == {} else json.dumps(plain(node), ensure_ascii=False)
    return f"{path_text(node.mark.path)} = {text if len(text) <= 60 else text[:57] + '...'}"
