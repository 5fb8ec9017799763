"""Tells a person what became of a gates file, a line for each value that matters and one for each page of prose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dhash_guard.config.importing.account import Entry, Fate
from dhash_guard.config.importing.file import Import
from dhash_guard.config.node import KeyPath, path_text

_TITLES = {
    Fate.UNDERSTOOD: "understood",
    Fate.PLACED: "placed elsewhere in the configuration",
    Fate.LEFT: "not placed",
    Fate.REFUSED: "REFUSED",
}


def account_lines(done: Import) -> Iterator[str]:
    """The account: what was understood, placed, left and refused, in the file's order."""
    yield f"recognised as {done.shape}"
    for fate, title in _TITLES.items():
        entries = done.of(fate)
        if entries:
            yield f"{title} ({len(entries)}):"
            yield from _left(entries) if fate is Fate.LEFT else map(_line, entries)
    yield from (f"note: {note}" for note in done.notes)


def as_data(done: Import) -> dict[str, Any]:
    """The same for programs: the configuration, and the values by their fate as {place, value, text}."""
    rows = {fate: [{"place": e.place, "value": e.value, "text": e.text} for e in done.of(fate)] for fate in _TITLES}
    return {
        "family": done.family,
        "configuration": done.configuration,
        **{fate.value: entries for fate, entries in rows.items()},
        "notes": done.notes,
    }


def _line(entry: Entry) -> str:
    where = f"{entry.place}: " if entry.fate is Fate.REFUSED else ""
    return f"  {where}{entry.value} → {entry.text}"


def _left(entries: list[Entry]) -> Iterator[str]:
    """What is not placed, by reason; paths that differ only in the names of environments and gates together."""
    reasons: dict[str, dict[tuple[int, str | int], list[KeyPath]]] = {}
    for entry in entries:
        alike = (len(entry.under), entry.under[-1] if entry.under else "")
        reasons.setdefault(entry.text, {}).setdefault(alike, []).append(entry.under)
    for reason, groups in reasons.items():
        yield f"  {reason}:"
        for paths in groups.values():
            count = f" ({len(paths)} values)" if len(paths) > 1 else ""
            yield f"    {_common(paths)}{count}"


def _common(paths: list[KeyPath]) -> str:
    """The paths, all of one length, as one: what differs is a star."""
    return ".".join(path_text((parts[0],)) if len(set(parts)) == 1 else "*" for parts in zip(*paths, strict=True))
