"""Which channels an environment tells, and from which level on."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from dhash_guard.records.event import Level


@frozen(kw_only=True)
class LogChannel:
    """Every event becomes a line of the run's log."""

    kind: Literal["log"]
    level: Level = Level.INFO


Channel = LogChannel
"""Every kind of channel; a new kind is one more member of this union."""


@frozen(kw_only=True)
class NotifySettings:
    """The `notify:` section: channels by name. What no remote channel took stands in the fallback file."""

    channels: dict[str, Channel] = field(factory=dict)
