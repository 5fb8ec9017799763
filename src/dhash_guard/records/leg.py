"""What one leg of the pre-merge matrix reports: one operating system, its stages, and how they ended."""

from __future__ import annotations

from attrs import frozen

from dhash_guard.records.stage import StageStatus


@frozen(kw_only=True)
class LegStage:
    """One stage of a leg, without timings: the same result must read the same."""

    name: str
    status: StageStatus
    text: str
    findings: tuple[str, ...] = ()


@frozen(kw_only=True)
class LegReport:
    """The result file of a leg, and its row in the comment; `commit` is what was rehearsed."""

    leg: str
    service: str
    environment: str
    commit: str
    result: str
    exit_code: int
    stages: tuple[LegStage, ...]
    evidence: str = ""
    schema_version: int = 1
