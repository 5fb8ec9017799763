"""What a step of a run leaves behind: its result, its findings, and the plan of what it would change."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class StageStatus(Enum):
    """How a stage ended."""

    PASSED = "passed"
    FAILED = "failed"
    CANNOT_TELL = "cannot-tell"
    SKIPPED = "skipped"
    PLANNED = "planned"


@frozen(kw_only=True)
class Finding:
    """One thing that a check found: what, and what to do; `warned` marks one that passed and is still to be looked at."""

    check: str
    status: StageStatus
    text: str
    cure: str = ""
    seconds: float | None = None
    warned: bool = False


@frozen(kw_only=True)
class StageResult:
    """One stage of a run: status, timing (UTC epoch seconds and a duration), findings and a reason code."""

    name: str
    status: StageStatus
    reason_code: str
    text: str
    started_at: float
    seconds: float
    findings: tuple[Finding, ...] = ()


@frozen
class Change:
    """One thing a dry run would have done."""

    verb: str
    subject: str
