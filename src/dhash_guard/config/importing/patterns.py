"""Decides whether the path of a value fits a pattern such as `environments.{env}.quality_gates.{gate}.**`."""

from __future__ import annotations

import re
from collections.abc import Collection

from attrs import frozen

from dhash_guard.config.node import KeyPath


@frozen
class Match:
    """A fitting path: the environment and the gate it names (as written; empty where none), and the keys below."""

    env: str
    gate: str
    rest: tuple[str, ...]
    depth: int


def snake(key: str) -> str:
    """One spelling for `p95HashTime`, `p95-hash-time` and `p95_hash_time`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()


def match(pattern: str, path: KeyPath, environments: Collection[str]) -> Match | None:
    """How `path` fits, or None. `*` is one key, a final `**` any number, `{env}` a name among `environments`."""
    wanted = pattern.split(".")
    open_ended = wanted[-1] == "**"
    if open_ended:
        wanted.pop()
    if len(path) < len(wanted) or (len(path) > len(wanted) and not open_ended):
        return None
    named = {"{env}": "", "{gate}": ""}
    for want, part in zip(wanted, path, strict=False):
        if not _fits(want, part, environments):
            return None
        if want in named:
            named[want] = str(part)
    rest = tuple(snake(str(part)) for part in path[len(wanted) :])
    return Match(named["{env}"], named["{gate}"], rest, len(wanted))


def _fits(want: str, part: str | int, environments: Collection[str]) -> bool:
    if want == "*":
        return True
    if isinstance(part, int):
        return False
    if want == "{env}":
        return part in environments
    return want == "{gate}" or snake(part) in want.split("|")
