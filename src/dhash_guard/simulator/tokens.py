"""Decides what a token may do, and with which words GitHub refuses."""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase

from attrs import field, frozen


class Kind(Enum):
    """What stands behind a token; GitHub words its refusals accordingly."""

    INSTALLATION = "installation"
    """GITHUB_TOKEN and the tokens of Apps."""
    PERSONAL = "personal"


@frozen(kw_only=True)
class Token:
    """An identity and what it may do: `permissions` maps GitHub's names (issues, …) to read, write or admin."""

    login: str
    kind: Kind = Kind.INSTALLATION
    permissions: dict[str, str] = field(factory=dict)
    repositories: tuple[str, ...] = ("*",)
    """Globs over owner/name; whatever does not match looks as if it did not exist."""
    needs_sso: bool = False
    limit: int = 5000
    """Requests per hour."""
    note: str = ""

    def reaches(self, repository: str) -> bool:
        return any(fnmatchcase(repository, pattern) for pattern in self.repositories)

    def allows(self, needs: tuple[str, ...]) -> bool:
        """Whether one of the alternatives (`issues=write`) is granted; none needed is granted to everybody."""
        return not needs or any(self._grants(*need.split("=")) for need in needs)

    def _grants(self, name: str, level: str) -> bool:
        ranks = ("read", "write", "admin")
        granted = self.permissions.get(name, "")
        # Metadata comes with every token; the map of a workflow cannot even name it.
        return (name == "metadata" and level == "read") or (granted in ranks and ranks.index(granted) >= ranks.index(level))

    @property
    def refusal(self) -> str:
        who = "integration" if self.kind is Kind.INSTALLATION else "personal access token"
        return f"Resource not accessible by {who}"


_WORKFLOW = ("actions", "checks", "contents", "deployments", "issues", "pull_requests", "statuses")
_READ = dict.fromkeys(_WORKFLOW, "read")
_WRITE = dict.fromkeys(_WORKFLOW, "write")

DEFAULT_TOKENS = {
    "t-write": Token(login="github-actions[bot]", permissions=_WRITE, limit=1000, note="GITHUB_TOKEN with every write"),
    "t-read": Token(
        login="github-actions[bot]", permissions=_READ, limit=1000, note="GITHUB_TOKEN in a pull request from a fork"
    ),
    "t-dependabot": Token(
        login="github-actions[bot]", permissions=_READ, limit=1000, note="GITHUB_TOKEN in a run that Dependabot began"
    ),
    "t-user": Token(login="ada", kind=Kind.PERSONAL, permissions=_WRITE | {"members": "read"}, note="a person's token"),
    "t-admin": Token(
        login="grace",
        kind=Kind.PERSONAL,
        permissions=_WRITE | {"members": "read", "administration": "write"},
        note="an owner's token",
    ),
    "t-app": Token(
        login="dhash-guard-app[bot]", permissions=_WRITE | {"members": "read"}, note="an App of the organization"
    ),
    "t-sso": Token(
        login="ada", kind=Kind.PERSONAL, permissions=_WRITE, needs_sso=True, note="not authorized for single sign-on"
    ),
}
