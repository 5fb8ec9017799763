"""The notify port: what a channel must do, and the channel that writes into the run's log."""

from __future__ import annotations

from typing import Protocol

from dhash_guard.notify.settings import Channel
from dhash_guard.records.event import Event, Level
from dhash_guard.records.evidence import Delivery
from dhash_guard.system.clock import Clock
from dhash_guard.system.log import RunLog


class ChannelPort(Protocol):
    """Delivers one event and says how that went; it never raises, because telling must not change a verdict.

    `remote` says whether a delivery reaches a person outside this machine.
    """

    name: str
    level: Level
    remote: bool

    def deliver(self, event: Event) -> Delivery: ...


class LogPort:
    """Writes each event as a line of the run's log."""

    remote = False

    def __init__(self, name: str, level: Level, log: RunLog, clock: Clock) -> None:
        self.name = name
        self.level = level
        self._log = log
        self._clock = clock

    def deliver(self, event: Event) -> Delivery:
        try:
            self._log.line(event.level.name.lower(), f"{event.title}: {event.text}", event=event.name, **dict(event.facts))
        except OSError as problem:
            return Delivery(channel=self.name, event=event.name, status="failed", at=self._clock.now(), detail=str(problem))
        return Delivery(channel=self.name, event=event.name, status="delivered", at=self._clock.now())


def open_channel(name: str, settings: Channel, log: RunLog, clock: Clock) -> ChannelPort:
    """The channel behind one entry of `notify.channels`."""
    return LogPort(name, settings.level, log, clock)
