"""Decides which entries of a JSON document were added, removed and changed; what it cannot tell apart it does not guess."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from dhash_guard.records.blast import LibraryChange

CAP = 16 << 20
"""Bytes of a document that is compared; a larger one is only said to have changed."""
SHOWN = 10
_IDENTITIES = ("id", "key", "uuid", "name", "path", "file")
"""Keys by which entries of a list are told apart: the first that every entry has, each with a value of its own."""


class _NotComparable(Exception):
    """Why two documents cannot be compared entry by entry."""


def compare_documents(path: str, then: bytes, now: bytes, *, shown: int = SHOWN) -> tuple[LibraryChange, ...]:
    """One result for each group of entries: a list, or a mapping of mappings, at the top or under one key of it.

    Where there is no such group, or its entries cannot be told apart, a result has its `problem` and nothing else. Groups in
    which nothing changed are left out.
    """
    try:
        old, new = _parsed(then, "the backup's"), _parsed(now, "the present")
        sections = list(_sections(old, new))
    except _NotComparable as problem:
        return (LibraryChange(path=path, problem=str(problem)),)
    return tuple(_change(path, name, one, other, shown) for name, one, other in sections if one != other)


def _parsed(content: bytes, whose: str) -> Any:
    if len(content) > CAP:
        raise _NotComparable(f"{whose} version is too large to compare")
    try:
        return json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError) as problem:
        raise _NotComparable(f"{whose} version cannot be read as JSON") from problem


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _sections(then: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """The groups of entries in both versions, by the key they stand under; empty for the document itself."""
    if isinstance(then, list) and isinstance(now, list):
        yield "", then, now
        return
    if not isinstance(then, dict) or not isinstance(now, dict):
        raise _NotComparable("it holds no list and no mapping of entries in both versions")
    names = list(dict.fromkeys([*then, *now]))
    records = all(isinstance(value, dict) for value in (*then.values(), *now.values()))
    grouped = [name for name in names if _holds_entries(then.get(name)) or _holds_entries(now.get(name))]
    # A mapping of nothing but mappings may itself be the group; where its own keys come or go, that is what counts.
    if records and names and (not grouped or (len(names) > 1 and then.keys() != now.keys())):
        yield "", then, now
        return
    if not grouped:
        raise _NotComparable("it holds no list and no mapping of entries")
    for name in grouped:
        present = then[name] if name in then else now[name]
        empty: Any = [] if isinstance(present, list) else {}
        yield name, then.get(name, empty), now.get(name, empty)


def _holds_entries(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and bool(value) and _all_mappings(value))


def _all_mappings(group: Mapping[str, Any]) -> bool:
    return all(isinstance(entry, dict) for entry in group.values())


def _keyed(then: Any, now: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Both versions of a group by the identity of their entries."""
    if isinstance(then, dict) and isinstance(now, dict) and _all_mappings(then) and _all_mappings(now):
        return then, now
    if not isinstance(then, list) or not isinstance(now, list):
        raise _NotComparable("it is no group of entries in both versions")
    entries = (*then, *now)
    if all(not isinstance(entry, (dict, list)) for entry in entries):
        return _by(then, json.dumps), _by(now, json.dumps)
    for identity in _IDENTITIES:
        if all(isinstance(entry, dict) and isinstance(entry.get(identity), (str, int)) for entry in entries):
            name = partial(_name, identity)
            return _by(then, name), _by(now, name)
    raise _NotComparable(f"its entries have no {', '.join(_IDENTITIES[:-1])} or {_IDENTITIES[-1]} to tell them apart by")


def _name(identity: str, entry: Mapping[str, Any]) -> str:
    return str(entry[identity])


def _by(entries: Sequence[Any], identity: Callable[[Any], str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        if (name := identity(entry)) in found:
            raise _NotComparable(f"two of its entries are called {name[:60]!r}")
        found[name] = entry
    return found


def _change(path: str, section: str, then: Any, now: Any, shown: int) -> LibraryChange:
    try:
        before, after = _keyed(then, now)
    except _NotComparable as problem:
        return LibraryChange(path=path, section=section, problem=str(problem))
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    return LibraryChange(
        path=path,
        section=section,
        added=len(added),
        removed=len(removed),
        changed=sum(name in before and before[name] != entry for name, entry in after.items()),
        added_names=tuple(added[:shown]),
        removed_names=tuple(removed[:shown]),
    )
