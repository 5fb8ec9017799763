"""Finds required checks that stay away: their workflow does not start, or not for every pull request or queue entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dhash_guard.github.workflows.file import Workflow, names
from dhash_guard.github.workflows.hole import Hole

PULL_EVENTS = ("pull_request", "pull_request_target")
_DEFAULT_TYPES = {"opened", "synchronize"}


def for_pulls(workflow: Workflow) -> bool:
    """Whether the workflow starts for pull requests at all."""
    return any(event in workflow.triggers for event in PULL_EVENTS)


def trigger_holes(workflow: Workflow, check: str, branch: str, *, queue: bool) -> Iterator[Hole]:
    """Why `check`, which this workflow reports and `branch` requires, would stay away."""
    path = workflow.path
    if not for_pulls(workflow):
        yield Hole(
            path=path,
            line=workflow.trigger_line(),
            rule="not-for-pull-requests",
            text=f"{check!r} is required, but the workflow does not listen to pull_request",
            cure="Add `pull_request:` to `on`.",
        )
    for event in PULL_EVENTS:
        if event in workflow.triggers and not (event == "pull_request_target" and "pull_request" in workflow.triggers):
            yield from _filters(workflow, event, check, branch)
    if not queue:
        return
    if "merge_group" not in workflow.triggers:
        yield Hole(
            path=path,
            line=workflow.trigger_line(),
            rule="no-merge-group",
            text=f"the branch has a merge queue, and nothing reports {check!r} there: the queue waits until its timeout",
            cure="Add `merge_group:` to `on`.",
        )
    else:
        yield from _branches(workflow, "merge_group", check, branch)
        types = names(workflow.triggers["merge_group"].get("types"))
        if types and "checks_requested" not in types:
            yield _hole(
                workflow, ("merge_group", "types"), "types", f"{check!r} does not start: `types` lacks checks_requested"
            )


def _filters(workflow: Workflow, event: str, check: str, branch: str) -> Iterator[Hole]:
    filters = workflow.triggers[event]
    for key in ("paths", "paths-ignore"):
        if key in filters:
            yield Hole(
                path=workflow.path,
                line=workflow.trigger_line(event, key),
                rule="paths",
                text=f"{check!r} never reports on pull requests that `{key}` leaves out: they wait for ever",
                cure=f"Remove `{key}`, and decide by the changed files inside a job.",
            )
    yield from _branches(workflow, event, check, branch)
    types = set(names(filters.get("types")))
    for missing in sorted(_DEFAULT_TYPES - types) if types else ():
        yield _hole(
            workflow, (event, "types"), "types", f"{check!r} does not report when a pull request is {_WORDS[missing]}"
        )


_WORDS = {"opened": "opened", "synchronize": "pushed to"}


def _branches(workflow: Workflow, event: str, check: str, branch: str) -> Iterator[Hole]:
    filters = workflow.triggers[event]
    for key in ("branches", "branches-ignore"):
        if key in filters and branch and not listens(filters, branch):
            yield Hole(
                path=workflow.path,
                line=workflow.trigger_line(event, key),
                rule="branches",
                text=f"{check!r} is required on {branch}, and `{key}` leaves {branch} out",
                cure=f"Let `{key}` match {branch}.",
            )


def _hole(workflow: Workflow, at: tuple[str, str], rule: str, text: str) -> Hole:
    line = workflow.trigger_line(*at)
    return Hole(path=workflow.path, line=line, rule=rule, text=text, cure="Remove `types`, or add what is missing.")


def listens(filters: Any, branch: str) -> bool:
    """Whether `branches` or `branches-ignore` let this branch through; the last pattern that fits decides."""
    if "branches-ignore" in filters:
        return not any(_glob(one).fullmatch(branch) for one in names(filters["branches-ignore"]))
    if "branches" not in filters:
        return True
    let = False
    for one in names(filters["branches"]):
        if _glob(one.removeprefix("!")).fullmatch(branch):
            let = not one.startswith("!")
    return let


def _glob(pattern: str) -> re.Pattern[str]:
    """GitHub's patterns: `*` stops at slashes, `**` does not."""
    parts = re.split(r"(\*\*|\*|\?|\[[^\]]+\])", pattern)
    made = {"**": ".*", "*": "[^/]*"}
    text = ""
    for part in parts:
        if part == "?":
            text += "?"
        else:
            text += made.get(part) or (part if part.startswith("[") else re.escape(part))
    try:
        return re.compile(text)
    except re.error:
        return re.compile(re.escape(pattern))
