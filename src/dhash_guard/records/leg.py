"""What one leg of the pre-merge matrix reports: one operating system, its stages, and how they ended."""

from __future__ import annotations

import re

from attrs import frozen

from dhash_guard.records.stage import StageStatus

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a part of the matrix may be called: it becomes part of a file's name."""


@frozen(kw_only=True)
class LegStage:
    """One stage of a leg: what did not pass, and what passed with a warning."""

    name: str
    status: StageStatus
    text: str
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    """Left out of what the comment carries."""


@frozen(kw_only=True)
class LegReport:
    """The result file of a leg, and its row in the comment.

    `commit` is what was checked out, `head` the commit that the event is about (of a pull request: its head, where
    `commit` is the test merge); `run` and `attempt` name the workflow run; all are empty or 0 off GitHub.
    """

    leg: str
    service: str
    environment: str
    commit: str
    result: str
    exit_code: int
    stages: tuple[LegStage, ...]
    evidence: str = ""
    head: str = ""
    run: str = ""
    attempt: int = 0
    schema_version: int = 1
