"""Asks which pull requests of the repository are open for a branch, also one of a fork."""

from __future__ import annotations

from urllib.parse import quote

from dhash_guard.github.api import READ_PULLS, GithubApi
from dhash_guard.github.approvals import pull_facts
from dhash_guard.github.errors import Silent
from dhash_guard.records.review import PullFacts


def open_for(api: GithubApi, repository: str, branch: str) -> list[PullFacts]:
    """The open pull requests from `branch` of `repository` (owner/name), by now; raise GithubProblem."""
    head = quote(f"{repository.partition('/')[0]}:{branch}", safe="")
    path = f"/repos/{api.transport.context.full_name}/pulls?state=open&per_page=100&head={head}"
    listed = api.transport.call("GET", path, need=READ_PULLS).data
    if not isinstance(listed, list):
        raise Silent("GitHub answered something else than a list of pull requests")
    found = [pull_facts(each) for each in listed]
    # GitHub ignores a `head` that it cannot read, and then lists everything.
    wanted = repository.casefold()
    return [pull for pull in found if pull.open and pull.head_ref == branch and pull.head_repository.casefold() == wanted]
