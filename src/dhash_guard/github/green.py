"""Asks GitHub how the checks of a commit went: its statuses, and the workflow runs on it."""

from __future__ import annotations

from urllib.parse import quote

from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import Silent
from dhash_guard.github.fields import get, maybe, number, text

READ_ACTIONS = "actions: read"
_MOST_RUNS = 100


def verdicts(api: GithubApi, commit: str) -> dict[str, str]:
    """Each check by name with its word: a status' state, or a run's conclusion, its status while it goes on.

    Of the runs of a workflow the latest counts; this very run does not. Raise GithubProblem.
    """
    context = api.transport.context
    found = {status.context: status.state.value for status in api.statuses(commit)}
    path = f"/repos/{context.full_name}/actions/runs?head_sha={quote(commit, safe='')}&per_page={_MOST_RUNS}"
    listed = get(api.transport.call("GET", path, need=READ_ACTIONS).data, "workflow_runs")
    if not isinstance(listed, list):
        raise Silent("GitHub answered something else than a list of runs")
    for run in sorted(listed, key=lambda one: number(one, "id")):
        if str(number(run, "id")) != context.run_id:
            found[f"{maybe(run, 'name') or text(run, 'path')}"] = maybe(run, "conclusion") or text(run, "status")
    return found
