"""Finds workflows that run what a stranger wrote with the rights of the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dhash_guard.github.workflows.file import Step, Workflow
from dhash_guard.github.workflows.hole import Hole

_EVENTS = ("pull_request_target", "workflow_run", "issue_comment")
_THEIRS = re.compile(
    r"github\.event\.pull_request\.head\b|github\.head_ref\b|github\.event\.workflow_run\.head_(?:sha|branch)\b"
    r"|refs/pull/|github\.event\.pull_request\.merge_commit_sha\b|github\.event\.workflow_run\.pull_requests\b",
    re.IGNORECASE,
)
_FETCHES = re.compile(
    r"\bgh\s+pr\s+checkout\b|\bgit\s+(?:fetch|checkout|pull|switch)\b[^\n]*(?:pull/|\$\{\{[^}]*head)|\bhub\s+pr\b"
)
_CURE = (
    "Use pull_request for code, and leave writing to a workflow that reads only its artifacts; never check out a stranger's "
    "commit beside secrets."
)


def privileged_holes(workflow: Workflow) -> Iterator[Hole]:
    """Every step of a privileged event that takes the pull request's own code into the workspace."""
    event = next((event for event in _EVENTS if event in workflow.triggers), "")
    if not event:
        return
    for job in workflow.jobs.values():
        for step in job.steps:
            if _takes(step):
                yield Hole(
                    path=workflow.path,
                    line=step.line,
                    rule="privileged-checkout",
                    text=f"{event} runs with the repository's rights, and job {job.id} checks out what a stranger wrote",
                    cure=_CURE,
                )


def _takes(step: Step) -> bool:
    if "checkout" in step.uses.split("@")[0]:
        return bool(_THEIRS.search(" ".join((step.given.get("ref", ""), step.given.get("repository", "")))))
    if not step.run:
        return False
    if _FETCHES.search(step.run):
        return True
    names = [name for name, text in step.env.items() if _THEIRS.search(text)]
    return any(
        re.search(rf"\bgit\s+(?:fetch|checkout|pull|switch)\b[^\n]*\$\{{?{re.escape(name)}\b", step.run) for name in names
    )
