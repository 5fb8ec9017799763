"""The one record that leaves a run: who, what, when, the stages, the verdict, and where its samples are."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dhash_guard.records.backup import Restoration
from dhash_guard.records.blast import BlastRadius
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.outcome import Verdict
from dhash_guard.records.stage import StageResult

SCHEMA_VERSION = 1


@frozen(kw_only=True)
class Run:
    """The context of a run: times are UTC epoch seconds, `commit` and `tree` are git ids or empty when unknown."""

    id: str
    verb: str
    service: str
    environment: str
    kind: str
    commit: str
    tree: str
    attempt: int
    tag: str
    started_at: float
    ended_at: float
    tool: str
    dry_run: bool = False
    actor: str = ""
    reason: str = ""


@frozen(kw_only=True)
class Samples:
    """The recorded series: a file beside the evidence, its sha256, and how many lines it has."""

    file: str
    sha256: str
    count: int


@frozen(kw_only=True)
class Judged:
    """Everything but the samples that the verdict follows from, so that anybody can judge again."""

    gates: dict[str, Any]
    order: tuple[str, ...]
    """The gates' names as configured: canonical bytes sort mappings, but of gates that fire together the first is named."""
    plan: dict[str, Any]
    baseline: Baseline | None
    automatic: bool
    recorded: bool
    """Whether the samples came from a log instead of the service; such a watch proves nothing to a gate."""
    signals: dict[str, str]
    """Signal name to dimension, for plots and for writing numbers."""


@frozen(kw_only=True)
class Delivery:
    """One message that was sent, or that stands in the fallback file."""

    channel: str
    event: str
    status: str
    at: float
    detail: str = ""


@frozen(kw_only=True)
class Evidence:
    """The versioned record of one run; the ledger seals its canonical bytes."""

    run: Run
    configuration: str
    stages: tuple[StageResult, ...] = ()
    judged: Judged | None = None
    samples: Samples | None = None
    verdict: Verdict | None = None
    restoration: Restoration | None = None
    blast: BlastRadius | None = None
    backup: str = ""
    restored_tag: str = ""
    """The release that the backup brought back, where that is known."""
    deployment: str = ""
    deliveries: tuple[Delivery, ...] = ()
    result: str = ""
    exit_code: int = 0
    schema_version: int = SCHEMA_VERSION
