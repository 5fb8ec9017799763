"""Reads YAML into nodes with their lines; whatever YAML 1.1 would guess (yes, 12:30, 017, dates) stays the text it is."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dhash_guard.config.node import Fault, Mark, Node, Wrong
from dhash_guard.errors import ConfigurationProblem, UsageProblem

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, ScalarNode, SequenceNode

    YamlNode = MappingNode | SequenceNode | ScalarNode

MOST_BYTES = 256 * 1024
DEEPEST = 32
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][+-]?[0-9]+)?|-?(0|[1-9][0-9]*)[eE][+-]?[0-9]+")
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def read_file(path: Path, name: str) -> Node:
    """The file's top node, a mapping; raise UsageProblem where it cannot be read, ConfigurationProblem with every fault."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise UsageProblem(f"cannot read the configuration: {problem.strerror}", where=name) from problem
    return read(content, name)


def read(content: bytes, name: str) -> Node:
    """Like `read_file`, from bytes; `name` is what marks and messages call the file."""
    text = text_of(content, name, "a configuration")
    try:
        top = _node(_compose(text, name), Mark(name, 1))
    except Wrong as problem:
        raise ConfigurationProblem([str(fault) for fault in problem.faults]) from problem
    if not isinstance(top.value, dict):
        raise ConfigurationProblem([f"{name}:1: is no mapping; begin with version: 1"])
    return top


def text_of(content: bytes, name: str, kind: str) -> str:
    """A file's text; raise ConfigurationProblem where it is no UTF-8, or larger than `kind` (a gates file) ever is."""
    if len(content) > MOST_BYTES:
        raise ConfigurationProblem([f"{name}:1: is larger than {MOST_BYTES // 1024} KiB; {kind} is a page or two"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise ConfigurationProblem([f"{name}:{line}: is not UTF-8; save the file as UTF-8"]) from problem


def _compose(text: str, name: str) -> YamlNode:
    """PyYAML's node tree of the one document in `text`."""
    import yaml

    try:
        node: YamlNode | None = _loader()(text).get_single_node()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise ConfigurationProblem([f"{name}:{line}: {_sentence(problem)}"]) from problem
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise ConfigurationProblem([f"{name}:{line}: holds a control character; remove it"]) from problem
    except (yaml.YAMLError, ValueError, OverflowError) as problem:  # PyYAML lets chr() fail on \UFFFFFFFF
        raise ConfigurationProblem([f"{name}:1: is no valid YAML: {problem}; mend it"]) from problem
    if node is None:
        raise ConfigurationProblem([f"{name}:1: is empty; begin with version: 1"])
    return node


def _sentence(problem: Any) -> str:
    what = " ".join(str(part) for part in (problem.problem, problem.context) if part)
    return f"is no valid YAML: {what}; mend this line" if not what.endswith("!") else what[:-1]


@cache
def _loader() -> type[Any]:
    """A safe loader that refuses whatever makes a small file large or a plain value something else."""
    import yaml

    class Loader(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            if getattr(event, "anchor", None) is not None:
                self.refuse(event, "anchors (&) and aliases (*) are not supported; put what is shared under defaults")
            if getattr(event, "tag", None) is not None:
                self.refuse(event, f"the tag {event.tag} is not supported; put text in quotes and leave tags out")
            self.depth += 1
            if self.depth > DEEPEST:
                self.refuse(event, f"is nested deeper than {DEEPEST} levels; make it flatter")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

        def refuse(self, event: Any, what: str) -> None:
            raise yaml.MarkedYAMLError(problem=what + "!", problem_mark=event.start_mark)

    return Loader


def _node(node: YamlNode, mark: Mark) -> Node:
    """Our node for PyYAML's, with every fault below it."""
    from yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        return _mapping(node, mark)
    if isinstance(node, SequenceNode):
        faults, items = [], []
        for index, child in enumerate(node.value):
            try:
                items.append(_node(child, Mark(mark.file, child.start_mark.line + 1, (*mark.path, index))))
            except Wrong as problem:
                faults += problem.faults
        if faults:
            raise Wrong(*faults)
        return Node(items, mark)
    return _scalar(node, mark)


def _mapping(node: MappingNode, mark: Mark) -> Node:
    faults: list[Fault] = []
    entries: dict[str, Node] = {}
    for key, child in node.value:
        here = Mark(mark.file, key.start_mark.line + 1, (*mark.path, key.value if key.id == "scalar" else "?"))
        try:
            _check_key(key, here, entries)
            entries[key.value] = _node(child, here)
        except Wrong as problem:
            faults += problem.faults
    if faults:
        raise Wrong(*faults)
    return Node(entries, mark)


def _check_key(key: YamlNode, here: Mark, entries: dict[str, Node]) -> None:
    if key.id != "scalar":
        raise Wrong(Node(None, here).fault("a key must be a plain word; put it in quotes"))
    if key.value == "<<":
        raise Wrong(Node(None, here).fault("merge keys (<<) are not supported; put what is shared under defaults"))
    if not key.value or _UNFIT.search(key.value):
        raise Wrong(Node(None, here).fault("this key is empty or holds an impossible character; name it"))
    if key.value in entries:
        raise Wrong(Node(None, here).fault(f"is a duplicate of line {entries[key.value].mark.line}; keep one of them"))


def _scalar(node: ScalarNode, mark: Mark) -> Node:
    text = str(node.value)
    if _UNFIT.search(text):
        raise Wrong(Node(None, mark).fault("holds an impossible character; remove it"))
    if node.style is not None:
        return Node(text, mark)
    value = bare(text)
    return Node(value, mark, plain=isinstance(value, str))


def bare(text: str) -> str | int | float | bool | None:
    """What a word without quotes means: only true, false, null, ~ and decimal numbers are more than text."""
    if text in ("true", "false"):
        return text == "true"
    if text in ("", "~", "null"):
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
