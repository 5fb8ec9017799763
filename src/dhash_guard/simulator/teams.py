"""Answers about teams: the team itself, its members, and one membership."""

from __future__ import annotations

from typing import Any

from dhash_guard.simulator.call import Call, Reply, not_found
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import node_id, stable_id, user
from dhash_guard.simulator.state import Team

_TIME = "2020-01-01T00:00:00Z"


def get(call: Call) -> Reply:
    """`GET /orgs/{org}/teams/{team_slug}`."""
    team, slug = _find(call), call.params["team_slug"]
    number, url = stable_id("team", call.params["org"], slug), _url(call)
    data = {
        "id": number,
        "node_id": node_id("Team", number),
        "url": url,
        "html_url": f"{call.base}/orgs/{call.params['org']}/teams/{slug}",
        "name": team.name or slug,
        "slug": slug,
        "description": None,
        "privacy": "closed",
        "permission": "pull",
        "type": "organization",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "parent": None,
        "members_count": len(_active(team)),
        "repos_count": 0,
        "created_at": _TIME,
        "updated_at": _TIME,
        "organization": _organization(call),
    }
    return Reply(data=data)


def members(call: Call) -> Reply:
    """`GET …/members`: the active ones."""
    shown, headers = page_of(call, _active(_find(call)))
    return Reply(data=[user(call.base, login) for login in shown], headers=headers)


def membership(call: Call) -> Reply:
    """`GET …/memberships/{username}`: active, or pending until the person has accepted."""
    login = call.params["username"]
    state = _find(call).members.get(login)
    if state is None:
        raise not_found()
    return Reply(data={"url": f"{_url(call)}/memberships/{login}", "role": "member", "state": state})


def _url(call: Call) -> str:
    return f"{call.base}/orgs/{call.params['org']}/teams/{call.params['team_slug']}"


def _find(call: Call) -> Team:
    team = call.world.teams.get(f"{call.params['org']}/{call.params['team_slug']}")
    if team is None:
        raise not_found()
    return team


def _active(team: Team) -> list[str]:
    return sorted(login for login, state in team.members.items() if state == "active")


def _organization(call: Call) -> dict[str, Any]:
    login = call.params["org"]
    url, number = f"{call.base}/orgs/{login}", stable_id("user", login)
    urls = {f"{name}_url": f"{url}/{name}" for name in ("repos", "events", "hooks", "issues")}
    lists = {"members_url": f"{url}/members{{/member}}", "public_members_url": f"{url}/public_members{{/member}}"}
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    flags = dict.fromkeys(("has_organization_projects", "has_repository_projects"), True)
    facts = {
        "login": login,
        "id": number,
        "node_id": node_id("Organization", number),
        "url": url,
        "html_url": f"{call.base}/{login}",
        "avatar_url": f"{call.base}/avatars/{number}",
        "description": None,
        "type": "Organization",
        "created_at": _TIME,
        "updated_at": _TIME,
        "archived_at": None,
    }
    return facts | urls | lists | counts | flags
