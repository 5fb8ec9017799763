"""Tells every channel of an environment, and keeps in the fallback file what reached nobody outside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from dhash_guard.notify.channels import ChannelPort
from dhash_guard.records.codec import to_data
from dhash_guard.records.event import Event
from dhash_guard.records.evidence import Delivery
from dhash_guard.records.layout import iso
from dhash_guard.system import Machine
from dhash_guard.system.redaction import Redactor


class Notifier:
    """Delivers events; notification fails open, so trouble becomes a delivery record and never an exception."""

    def __init__(self, machine: Machine, channels: Sequence[ChannelPort], fallback: Path, redactor: Redactor) -> None:
        self._machine = machine
        self._channels = channels
        self._fallback = fallback
        self._redactor = redactor
        self.deliveries: list[Delivery] = []

    def tell(self, event: Event) -> None:
        """Send to every channel that listens at this level; without a remote delivery, write to the fallback file."""
        made = [channel.deliver(event) for channel in self._channels if event.level >= channel.level]
        reached = {channel.name for channel in self._channels if channel.remote}
        if not any(delivery.status == "delivered" and delivery.channel in reached for delivery in made):
            made.append(self._keep(event))
        self.deliveries += made

    def _keep(self, event: Event) -> Delivery:
        now = self._machine.clock.now()
        record = {"timestamp": iso(now), "undelivered": to_data(event) | {"level": event.level.name.lower()}}
        line = json.dumps(self._redactor.data(record), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            self._machine.files.make_directory(self._fallback.parent)
            self._machine.files.append(self._fallback, line)
        except OSError as problem:
            return Delivery(channel="fallback", event=event.name, status="failed", at=now, detail=str(problem))
        return Delivery(channel="fallback", event=event.name, status="kept", at=now)
