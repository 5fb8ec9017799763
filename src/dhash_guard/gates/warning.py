"""Decides which words tell what a gate saw that was short of a breach."""

from __future__ import annotations

from collections.abc import Collection

from dhash_guard.gates.reading import Level

_OF_NUMBERS = {
    Level.SHORT: "was beyond its fail limit, but not for long enough to fail",
    Level.UNPROVEN: "was beyond its fail limit, but too few events prove it",
    Level.WARN: "crossed its warning limit",
}
_OF_WORDS = {
    Level.SHORT: "saw its word for failure, but not for long enough to fail",
    Level.WARN: "saw a word of warning",
}


def warning_of(seen: Collection[Level], *, words: bool, fired: bool) -> str:
    """The gravest of the levels that were seen, to be put behind the gate's name; empty where there is nothing to tell.

    What led to a breach is told with the breach itself, so a gate that has fired tells of its warning limit only.
    """
    told = _OF_WORDS if words else _OF_NUMBERS
    return next((text for level, text in told.items() if level in seen and (level is Level.WARN or not fired)), "")
