"""Asks GitHub what a person is to the repository."""

from __future__ import annotations

from urllib.parse import quote

from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import NotFound
from dhash_guard.github.fields import maybe, text

READ_METADATA = "metadata: read"


def role_of(api: GithubApi, login: str) -> str:
    """none, read, triage, write, maintain or admin, or the name of a role that an organization made; raise GithubProblem.

    A role of an organization's own says nothing by its name, so there the permission that it includes is answered.
    """
    if not login:
        return "none"
    path = f"/repos/{api.transport.context.full_name}/collaborators/{quote(login, safe='')}/permission"
    try:
        data = api.transport.call("GET", path, need=READ_METADATA).data
    except NotFound:
        return "none"
    held, role = text(data, "permission"), maybe(data, "role_name")
    return role if role in ("triage", "maintain") else held
