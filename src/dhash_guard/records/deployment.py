"""What is known of one deployment between the commands that make it up."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from attrs import frozen
from cattrs import override

from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.sample import Health, Tick


class DeploymentState(Enum):
    """Where a deployment stands; only a verdict closes it."""

    BEGUN = "begun"
    """Something was changed and the command that does it has not ended; a killed one stays like this."""
    OPEN = "open"
    UNVERIFIED = "unverified"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    HELD = "held"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_FAILED = "rollback-failed"


MOST_VALUES = 120
"""How many values of a signal a baseline keeps: what a test of two samples needs, and no more than a record can carry."""


@frozen
class Summary:
    """A signal before the deployment, in the house unit: its median over `count` values, and the values themselves.

    `values` are in order of time, the newest MOST_VALUES of them.
    """

    median: float
    count: int
    values: tuple[float, ...] = ()


@frozen(kw_only=True)
class Baseline:
    """The snapshot taken before a deployment: signal medians, and how healthy the service mostly was (None: never answered).

    `looks` are the newest MOST_VALUES of the looks that were taken; older records have none.
    """

    taken_at: float
    samples: int
    health: Health | None
    medians: dict[str, Summary]
    looks: Annotated[tuple[Tick, ...], override(omit_if_default=True)] = ()


@frozen(kw_only=True)
class Predecessor:
    """What stood there when a deployment began: its release (empty: not known), and since when, in UTC seconds.

    `newest_sequence` is the last backup sealed before it came there, `backup` the one that it was restored from.
    """

    tag: str
    since: float
    newest_sequence: int
    backup: str = ""

    def held_by(self, facts: BackupFacts) -> bool:
        """Whether a backup holds it: by number and date, which are whole seconds, sealed after it came there."""
        if facts.name == self.backup:
            return True
        return (not facts.sequence or facts.sequence > self.newest_sequence) and facts.sealed_at >= int(self.since)


@frozen(kw_only=True)
class Deployment:
    """One deployment: `begun_at` orders it against backups, `newest_sequence` is the last backup sealed before it.

    Both are 0 where that is not known, and then no backup is from before it.
    """

    id: str
    environment: str
    tag: str
    commit: str
    begun_at: float
    newest_sequence: int
    backup: str
    baseline: Baseline | None
    state: DeploymentState
    migrated: bool = False
    rollbacks: int = 0
    record: int = 0
    """The id of GitHub's record of it, 0 where there is none."""
    rolled_back_to: str = ""
    """The backup that took its place; empty while it stands."""
    fencing: int = 0
    """The number of the claim that it was begun under, 0 where that is not known."""
    changed_at: float = 0.0
    """When its files last changed (UTC seconds): at its own end, by a rollback, by a restore by hand; 0 until then."""
    before: Predecessor | None = None
    """What it took the place of, where an earlier change is known."""
