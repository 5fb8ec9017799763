"""Answers about people: who I am, who somebody is, and what somebody may do in a repository."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any
from urllib.parse import quote

from dhash_guard.simulator.call import Call, Refusal, Reply, not_found
from dhash_guard.simulator.state import Repository, World
from dhash_guard.simulator.tokens import Kind

_KNOWN_IDS = {"github-actions[bot]": 41898282, "dependabot[bot]": 49699333}
_LONG_AGO = "2020-01-01T00:00:00Z"
_RIGHTS = ("pull", "triage", "push", "maintain", "admin")
_ROLES = {"read": "pull", "triage": "triage", "write": "push", "maintain": "maintain", "admin": "admin"}


def stable_id(*words: str) -> int:
    """A number that is always the same for the same name."""
    return int.from_bytes(hashlib.sha256("/".join(words).encode()).digest()[:4], "big")


def node_id(kind: str, number: int) -> str:
    """An opaque global id, unique over all kinds of things."""
    return b64encode(f"{kind}:{number}".encode()).decode()


def user(base: str, login: str) -> dict[str, Any]:
    """GitHub's simple user."""
    number = _KNOWN_IDS.get(login, stable_id("user", login))
    # A Bot's brackets are none in an address.
    url = f"{base}/users/{quote(login)}"
    followed = {
        "following_url": "following{/other_user}",
        "gists_url": "gists{/gist_id}",
        "starred_url": "starred{/owner}{/repo}",
    }
    plain = ("followers", "subscriptions", "repos", "received_events")
    return (
        {
            "login": login,
            "id": number,
            "node_id": node_id("User", number),
            "avatar_url": f"{base}/avatars/{number}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{base}/{quote(login)}",
            "organizations_url": f"{url}/orgs",
            "events_url": f"{url}/events{{/privacy}}",
            "type": "Bot" if login.endswith("[bot]") else "User",
            "site_admin": False,
        }
        | {key: f"{url}/{tail}" for key, tail in followed.items()}
        | {f"{name}_url": f"{url}/{name}" for name in plain}
    )


def me(call: Call) -> Reply:
    """`GET /user`: a person's own account; a workflow's token has none."""
    assert call.token is not None
    if call.token.kind is Kind.INSTALLATION:
        raise Refusal(403, call.token.refusal)
    return Reply(data=_profile(call.base, call.token.login))


def somebody(call: Call) -> Reply:
    """`GET /users/{username}`."""
    login = call.params["username"]
    if login not in known(call.world):
        raise not_found()
    return Reply(data=_profile(call.base, login))


def permission(call: Call) -> Reply:
    """`GET …/collaborators/{username}/permission`: maintain and triage are told as write and read, as GitHub does."""
    login = call.params["username"]
    if login not in known(call.world):
        raise not_found()
    role = role_of(call.repository, login)
    held = {"maintain": "write", "triage": "read"}.get(role, role)
    rank = _RIGHTS.index(_ROLES[role]) if role in _ROLES else -1
    rights = {right: position <= rank for position, right in enumerate(_RIGHTS)}
    person = user(call.base, login) | {"permissions": rights, "role_name": role}
    return Reply(data={"permission": held, "role_name": role, "user": person})


def role_of(repository: Repository, login: str) -> str:
    """The role of a person; everybody may read what is public."""
    return repository.collaborators.get(login, "none" if repository.private else "read")


def association(call: Call, login: str) -> str:
    """How GitHub names the author of a comment or a pull request."""
    owner = call.params["owner"]
    if login == owner:
        return "OWNER"
    if any(team.members.get(login) == "active" for name, team in call.world.teams.items() if name.startswith(f"{owner}/")):
        return "MEMBER"
    return "COLLABORATOR" if login in call.repository.collaborators else "NONE"


def known(world: World) -> set[str]:
    """Everybody who is mentioned anywhere."""
    people = set(world.users) | {token.login for token in world.tokens.values()}
    for team in world.teams.values():
        people |= set(team.members)
    for name, repository in world.repositories.items():
        people |= {name.split("/")[0], *repository.collaborators}
        people |= {pull.author for pull in repository.pull_requests}
        people |= {one.author for one in repository.comments} | {one.author for one in repository.reviews}
    return people


def _profile(base: str, login: str) -> dict[str, Any]:
    words = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    times = {"created_at": _LONG_AGO, "updated_at": _LONG_AGO}
    return user(base, login) | words | counts | times | {"name": login, "user_view_type": "public"}
