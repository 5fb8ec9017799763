"""Who may do what, and with which words and headers the others are refused."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.simulator import Kind, Simulator, Token
from unit.simulator.asking import Ask

WRITES: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "issues/7/comments", {"body": "x"}, "issues=write; pull_requests=write"),
    ("PATCH", "issues/comments/1", {"body": "x"}, "issues=write; pull_requests=write"),
    ("DELETE", "issues/comments/1", {}, "issues=write; pull_requests=write"),
    ("POST", "statuses/0", {"state": "success"}, "statuses=write"),
    ("POST", "git/refs", {"ref": "refs/a/b", "sha": "0"}, "contents=write"),
    ("PATCH", "git/refs/a/b", {"sha": "0"}, "contents=write"),
    ("POST", "git/trees", {"tree": []}, "contents=write"),
    ("POST", "git/commits", {"message": "m", "tree": "0"}, "contents=write"),
    ("POST", "pulls/7/reviews", {"event": "APPROVE"}, "pull_requests=write"),
    ("PUT", "pulls/7/reviews/1/dismissals", {"message": "x"}, "pull_requests=write"),
    (
        "POST",
        "actions/runs/1/deployment_protection_rule",
        {"environment_name": "e", "state": "approved"},
        "deployments=write",
    ),
]
READS = [
    ("pulls", "pull_requests=read"),
    ("pulls/7", "pull_requests=read"),
    ("issues/7/comments", "issues=read; pull_requests=read"),
    ("commits/main/status", "statuses=read"),
    ("commits/main", "contents=read"),
    ("git/ref/heads/main", "contents=read"),
    ("git/matching-refs/heads", "contents=read"),
    ("actions/artifacts", "actions=read"),
    ("branches/main", "contents=read"),
]


@pytest.mark.parametrize(("method", "path", "body", "accepted"), WRITES)
@pytest.mark.parametrize("token", ["t-read", "t-dependabot"])
def test_a_token_that_may_only_read_writes_nothing(
    ask: Ask, method: str, path: str, body: dict[str, Any], accepted: str, token: str
) -> None:
    reply = ask(method, path, body, token=token)
    assert reply.status_code == 403
    assert reply.json()["message"] == "Resource not accessible by integration"
    assert reply.headers["X-Accepted-GitHub-Permissions"] == accepted


@pytest.mark.parametrize(("path", "accepted"), READS)
def test_private_reads_take_the_permission_and_public_ones_do_not(
    sim: Simulator, ask: Ask, path: str, accepted: str
) -> None:
    sim.add_token("t-none", Token(login="github-actions[bot]"))
    refused = ask("GET", path, token="t-none")
    assert (refused.status_code, refused.headers["X-Accepted-GitHub-Permissions"]) == (403, accepted)
    assert ask("GET", path, token=None).status_code == 404
    sim.repository.private = False
    assert ask("GET", path, token="t-none").status_code == 200
    assert ask("GET", path, token=None).status_code == 200


@pytest.mark.parametrize("permission", ["issues", "pull_requests"])
def test_either_permission_is_enough_to_comment(sim: Simulator, ask: Ask, permission: str) -> None:
    sim.add_token("t-one", Token(login="github-actions[bot]", permissions={permission: "write"}))
    assert ask("POST", "issues/7/comments", {"body": "x"}, token="t-one").status_code == 201


def test_no_token_and_an_unknown_one(sim: Simulator, ask: Ask) -> None:
    sim.repository.private = False
    anonymous = ask("POST", "issues/7/comments", {"body": "x"}, token=None)
    assert (anonymous.status_code, anonymous.json()["message"]) == (401, "Requires authentication")
    unknown = ask("GET", "pulls/7", token="t-nobody")
    assert (unknown.status_code, unknown.json()["message"]) == (401, "Bad credentials")
    assert [entry.identity for entry in sim.log] == ["", ""]


def test_a_token_for_other_repositories_sees_nothing_private(sim: Simulator, ask: Ask) -> None:
    sim.add_token("t-other", Token(login="x[bot]", permissions={"issues": "write"}, repositories=("other/*",)))
    assert ask("GET", "issues/7/comments", token="t-other").status_code == 404
    sim.repository.private = False
    assert ask("GET", "issues/7/comments", token="t-other").status_code == 200
    assert ask("POST", "issues/7/comments", {"body": "x"}, token="t-other").status_code == 403


def test_a_person_is_refused_in_other_words(sim: Simulator, ask: Ask) -> None:
    sim.add_token("t-weak", Token(login="bob", kind=Kind.PERSONAL))
    reply = ask("POST", "issues/7/comments", {"body": "x"}, token="t-weak")
    assert reply.json()["message"] == "Resource not accessible by personal access token"


def test_single_sign_on_is_asked_for(sim: Simulator, ask: Ask) -> None:
    reply = ask("GET", "pulls/7", token="t-sso")
    assert reply.status_code == 403
    assert "SAML" in reply.json()["message"]
    assert reply.headers["X-GitHub-SSO"].startswith("required; url=")
    assert ask("GET", "/user", token="t-sso").status_code == 200


@pytest.mark.parametrize(("token", "status"), [("t-write", 403), ("t-app", 403), ("t-user", 200), ("t-admin", 200)])
def test_only_people_have_an_account(ask: Ask, token: str, status: int) -> None:
    assert ask("GET", "/user", token=token).status_code == status


@pytest.mark.parametrize(("token", "status"), [("t-write", 403), ("t-app", 200), ("t-user", 200), ("t-sso", 403)])
def test_teams_take_a_permission_that_workflows_never_have(sim: Simulator, ask: Ask, token: str, status: int) -> None:
    sim.add_team("ops", {"bob": "active"})
    assert ask("GET", "/orgs/mobius/teams/ops", token=token).status_code == status


def test_a_person_who_may_not_know_a_team_sees_none(sim: Simulator, ask: Ask) -> None:
    sim.add_team("ops", {"bob": "active"})
    sim.add_token("t-plain", Token(login="bob", kind=Kind.PERSONAL))
    assert ask("GET", "/orgs/mobius/teams/ops/memberships/bob", token="t-plain").status_code == 404


def test_classic_protection_is_for_administrators(sim: Simulator, ask: Ask) -> None:
    sim.add_branch("main", by="classic", required_checks=("build",))
    assert ask("GET", "branches/main/protection").status_code == 403
    assert ask("GET", "branches/main/protection", token="t-admin").status_code == 200
    assert ask("GET", "branches/main").json()["protected"] is True
    assert ask("GET", "rules/branches/main").json() == []


def test_the_hour_has_so_many_requests(sim: Simulator, ask: Ask) -> None:
    sim.add_token("t-few", Token(login="x[bot]", permissions={"pull_requests": "read"}, limit=2))
    first = ask("GET", "pulls/7", token="t-few")
    assert (first.headers["X-RateLimit-Remaining"], first.status_code) == ("1", 200)
    ask("GET", "pulls/7", token="t-few")
    over = ask("GET", "pulls/7", token="t-few")
    assert over.status_code == 403
    assert over.json()["message"].startswith("API rate limit exceeded")
    # Asking how much is left costs nothing.
    assert ask("GET", "/rate_limit", token="t-few").json()["rate"]["remaining"] == 0


def test_the_next_hour_has_them_again(sim: Simulator, ask: Ask, clock: Any) -> None:
    sim.add_token("t-few", Token(login="x[bot]", permissions={"pull_requests": "read"}, limit=1))
    assert [ask("GET", "pulls/7", token="t-few").status_code for _ in range(2)] == [200, 403]
    clock.at += 3600
    assert ask("GET", "pulls/7", token="t-few").status_code == 200
