"""What is known of one deployment between the commands that make it up."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from dhash_guard.records.sample import Health


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
    """The snapshot taken before a deployment: signal medians, and the worst health seen (None: never answered)."""

    taken_at: float
    samples: int
    health: Health | None
    medians: dict[str, Summary]


@frozen(kw_only=True)
class Deployment:
    """One deployment: `begun_at` orders it against backups, `newest_sequence` is the last backup sealed before it."""

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
