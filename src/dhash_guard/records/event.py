"""What people are told: one typed event, whatever the channel."""

from __future__ import annotations

from enum import IntEnum

from attrs import frozen


class Level(IntEnum):
    """How loud an event is."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4


@frozen(kw_only=True)
class Event:
    """One thing worth telling: a title, a text, and plain facts; `at` is UTC epoch seconds."""

    name: str
    level: Level
    environment: str
    title: str
    text: str
    at: float
    facts: tuple[tuple[str, str], ...] = ()
