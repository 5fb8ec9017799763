"""Opens GitHub for a command, with the repository and the token that the runner or the person gives, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dhash_guard.cli.surface import current
from dhash_guard.errors import UsageProblem

if TYPE_CHECKING:
    from dhash_guard.github.api import GithubApi
    from dhash_guard.system import Machine

_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
_OPENED = "dhash_guard.opened"


def token_of(machine: Machine) -> str:
    """The token that the action was given, else that of the environment, else nothing."""
    return current().token or next((value for name in _TOKENS if (value := machine.environ.get(name, "").strip())), "")


def open_hub(machine: Machine, repository: str | None = None) -> GithubApi:
    """The API of the run's repository, or of the named one; raise UsageProblem where none is known, or without a token."""
    from dhash_guard.github.api import GithubApi
    from dhash_guard.github.context import read_context

    environ = dict(machine.environ) | ({"GITHUB_REPOSITORY": repository} if repository else {})
    context = read_context(environ)
    if not context.repository:
        raise UsageProblem("no repository is known", cure="Give --repository OWNER/NAME, or set GITHUB_REPOSITORY.")
    api = GithubApi(token_of(machine), context, machine.clock)
    current().opened(api)
    running = click.get_current_context(silent=True)
    if running is not None:
        running.meta.setdefault(_OPENED, []).append(api)
    return api


def requests_made() -> int:
    """How many requests this run of the program has sent to GitHub, repetitions included."""
    running = click.get_current_context(silent=True)
    opened: list[GithubApi] = running.meta.get(_OPENED, []) if running is not None else []
    return sum(api.requests_made for api in opened)


def reachable(machine: Machine) -> bool:
    """Whether there is a token and a repository to ask with."""
    return bool(token_of(machine) and machine.environ.get("GITHUB_REPOSITORY", "").strip())
