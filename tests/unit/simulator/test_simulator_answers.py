"""What GitHub checks in a request, and the answers that carry more than their shape."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from dhash_guard.simulator import Simulator
from unit.simulator.asking import Ask, Clock


def test_the_longest_body_is_taken_and_a_longer_one_refused(sim: Simulator, ask: Ask) -> None:
    assert ask("POST", "issues/7/comments", {"body": "x" * 65_536}).status_code == 201
    refused = ask("POST", "issues/7/comments", {"body": "x" * 65_537})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["message"] == "body is too long (maximum is 65536 characters)"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "issues/7/comments", {}, 422),
        ("POST", "issues/7/comments", {"body": 5}, 422),
        ("POST", "issues/7/comments", [], 400),
        ("POST", "issues/99/comments", {"body": "x"}, 404),
        ("GET", "issues/seven/comments", None, 404),
        ("PATCH", "issues/comments/99", {"body": "x"}, 404),
        ("POST", "statuses/0000", {"state": "success"}, 422),
        ("GET", "commits/0000/status", None, 422),
        ("POST", "pulls/7/reviews", {"event": "SHRUG"}, 422),
        ("POST", "pulls/7/reviews", {"event": "COMMENT"}, 422),
        ("GET", "pulls/99/reviews", None, 404),
        ("GET", "branches/nowhere", None, 404),
        ("GET", "branches/nowhere/protection", None, 403),
        ("GET", "collaborators/nobody/permission", None, 404),
        ("GET", "/users/nobody", None, 404),
    ],
)
def test_wrong_requests_are_refused(ask: Ask, method: str, path: str, body: Any, status: int) -> None:
    assert ask(method, path, body).status_code == status


def test_statuses_check_state_and_lengths(sim: Simulator, ask: Ask) -> None:
    path = f"statuses/{sim.repository.pull_requests[0].head_sha}"
    assert ask("POST", path, {"state": "fine"}).status_code == 422
    assert ask("POST", path, {"state": "success", "description": "x" * 141}).status_code == 422
    assert ask("POST", path, {"state": "success", "description": "x" * 140}).status_code == 201


def test_nothing_reported_is_pending(sim: Simulator, ask: Ask) -> None:
    sha = sim.repository.pull_requests[0].head_sha
    assert ask("GET", f"commits/{sha}/status").json()["state"] == "pending"
    sim.add_status(sha, "one")
    assert ask("GET", f"commits/{sha}/status").json()["state"] == "success"
    sim.add_status(sha, "two", "pending")
    assert ask("GET", f"commits/{sha}/status").json()["state"] == "pending"


def test_nobody_approves_their_own_change(ask: Ask) -> None:
    refused = ask("POST", "pulls/7/reviews", {"event": "APPROVE"}, token="t-user")
    assert refused.json()["errors"] == ["Can not approve your own pull request"]


def test_a_pending_review_is_its_authors_alone(sim: Simulator, ask: Ask) -> None:
    sim.add_review(7, "grace", "PENDING")
    assert ask("GET", "pulls/7/reviews").json() == []
    assert len(ask("GET", "pulls/7/reviews", token="t-admin").json()) == 1


def test_an_edit_moves_the_time_of_the_edit_alone(sim: Simulator, ask: Ask, clock: Clock) -> None:
    made = sim.add_comment(7, "one")
    clock.at += 60
    edited = ask("PATCH", f"issues/comments/{made.id}", {"body": "two"}).json()
    assert (edited["created_at"], edited["updated_at"]) == ("2026-11-21T03:15:00Z", "2026-11-21T03:16:00Z")
    assert len(ask("GET", "issues/7/comments?since=2026-11-21T03:16:00Z").json()) == 1
    assert ask("GET", "issues/7/comments?since=2026-11-21T03:16:01Z").json() == []


def test_a_run_lists_no_pull_requests_of_forks(sim: Simulator, ask: Ask) -> None:
    sim.add_pull_request(number=8, head_repository="eve/dhash-service", head_ref="evil")
    own = sim.add_run(head_branch="change")
    foreign = sim.add_run(head_branch="evil", head_repository="eve/dhash-service")
    assert [one["number"] for one in ask("GET", f"actions/runs/{own.id}").json()["pull_requests"]] == [7]
    assert ask("GET", f"actions/runs/{foreign.id}").json()["pull_requests"] == []
    assert ask("GET", "pulls/8").json()["head"]["repo"]["fork"] is True


def test_jobs_are_those_of_the_last_attempt(sim: Simulator, ask: Ask) -> None:
    run = sim.add_run(attempt=2)
    sim.add_job(run.id, "build", attempt=1, conclusion="failure")
    sim.add_job(run.id, "build", attempt=2)
    assert [job["conclusion"] for job in ask("GET", f"actions/runs/{run.id}/jobs").json()["jobs"]] == ["success"]
    assert ask("GET", f"actions/runs/{run.id}/jobs?filter=all").json()["total_count"] == 2
    assert ask("GET", f"actions/runs/{run.id}/attempts/1/jobs").json()["total_count"] == 1


def test_rulesets_are_seen_with_a_plain_token(sim: Simulator, ask: Ask) -> None:
    sim.add_branch("main", by="ruleset", required_checks=("build", "gate"), approvals=2)
    rules = {rule["type"]: rule.get("parameters") for rule in ask("GET", "rules/branches/main", token="t-read").json()}
    assert rules["pull_request"]["required_approving_review_count"] == 2
    assert [check["context"] for check in rules["required_status_checks"]["required_status_checks"]] == ["build", "gate"]


def test_a_branch_name_with_a_slash_comes_both_ways(sim: Simulator, ask: Ask) -> None:
    sim.add_branch("feature/x", by="classic")
    assert ask("GET", "branches/feature%2Fx").json()["name"] == "feature/x"
    assert ask("GET", "branches/feature/x/protection", token="t-admin").status_code == 200


def test_an_artifact_is_fetched_from_another_origin_without_the_token(sim: Simulator, ask: Ask, clock: Clock) -> None:
    held = sim.add_artifact(sim.add_run().id, "raw", archive=b"not a zip at all")
    address = ask("GET", f"actions/artifacts/{held.id}/zip").headers["Location"]
    assert not address.startswith(sim.url)
    assert requests.get(address, timeout=5).content == b"not a zip at all"
    assert requests.get(address, headers={"Authorization": "Bearer t-write"}, timeout=5).status_code == 400
    assert requests.get(address.replace("sig=", "sig=0"), timeout=5).status_code == 403
    clock.at += 61
    assert requests.get(address, timeout=5).status_code == 403


def test_an_expired_artifact_is_gone(sim: Simulator, ask: Ask) -> None:
    held = sim.add_artifact(sim.add_run().id, "old", {"a": "b"}, expired=True)
    assert ask("GET", f"actions/artifacts/{held.id}").json()["expired"] is True
    assert ask("GET", f"actions/artifacts/{held.id}/zip").status_code == 410


def test_a_page_is_never_larger_than_a_hundred(sim: Simulator, ask: Ask) -> None:
    for number in range(120):
        sim.add_comment(7, str(number))
    assert len(ask("GET", "issues/7/comments").json()) == 30
    largest = ask("GET", "issues/7/comments?per_page=500")
    assert len(largest.json()) == 100
    assert set(largest.links) == {"next", "last"}
    last = ask("GET", "issues/7/comments?per_page=100&page=2")
    assert (len(last.json()), set(last.links)) == (20, {"prev", "first"})
    assert "Link" not in ask("GET", "issues/7/comments?per_page=100&page=x&since=2027").headers


def test_a_locked_conversation_is_for_people_who_may_write(sim: Simulator, ask: Ask) -> None:
    sim.add_pull_request(number=9, locked=True)
    sim.repository.collaborators["grace"] = "write"
    refused = ask("POST", "issues/9/comments", {"body": "x"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Unable to create comment because issue is locked.")
    assert ask("POST", "issues/9/comments", {"body": "x"}, token="t-admin").status_code == 201


def test_graphql_says_who_i_am_and_nothing_else(sim: Simulator, ask: Ask) -> None:
    who = ask("POST", "/graphql", {"query": "query { viewer { login } }"}).json()
    assert who == {"data": {"viewer": {"login": "github-actions[bot]"}}}
    assert sim.unknown_routes == []
    other = ask("POST", "/graphql", {"query": '{ repository(owner: "a", name: "b") { id } }'})
    assert (other.status_code, other.json()["errors"][0]["type"]) == (200, "NOT_SERVED")
    assert sim.unknown_routes == ["POST /graphql"]


SUBJECT = (
    "query($owner: String!, $name: String!, $number: Int!) { viewer { login } repository(owner: $owner, name: $name) "
    "{ pullRequest(number: $number) { headRefOid headRepository { nameWithOwner } state locked } } }"
)


@pytest.mark.parametrize(
    ("facts", "state"), [({}, "OPEN"), ({"state": "closed"}, "CLOSED"), ({"state": "closed", "merged": True}, "MERGED")]
)
def test_graphql_says_where_a_pull_request_stands(sim: Simulator, ask: Ask, facts: dict[str, Any], state: str) -> None:
    sim.add_pull_request(number=9, head_sha="a" * 40, head_repository="eve/fork", locked=True, **facts)
    owner, name = sim.name.split("/")

    def told(number: int) -> Any:
        variables = {"owner": owner, "name": name, "number": number}
        return ask("POST", "/graphql", {"query": SUBJECT, "variables": variables}).json()["data"]

    found = told(9)
    assert found["viewer"] == {"login": "github-actions[bot]"}
    assert found["repository"]["pullRequest"] == {
        "headRefOid": "a" * 40, "headRepository": {"nameWithOwner": "eve/fork"}, "state": state, "locked": True,
    }  # fmt: skip
    assert told(10)["repository"] == {"pullRequest": None}
    assert sim.unknown_routes == []


def test_enterprise_server_has_its_api_elsewhere() -> None:
    with Simulator(enterprise=True).serving() as served:
        root = served.url.removesuffix("/api/v3")
        assert root != served.url
        headers = {"Authorization": "Bearer t-write"}
        query = {"query": "query { viewer { login } }"}
        for address, status in (("/api/v3/rate_limit", 200), ("/rate_limit", 404), ("/api/v3/graphql", 404)):
            assert requests.get(root + address, headers=headers, timeout=5).status_code == status
        for address, status in (("/api/graphql", 200), ("/graphql", 404)):
            assert requests.post(root + address, json=query, headers=headers, timeout=5).status_code == status
        assert len(served.unknown_routes) == 3


@pytest.mark.parametrize("length", ["-5", "many", "99999999"])
def test_a_length_that_is_none_ends_the_connection(sim: Simulator, length: str) -> None:
    with socket.create_connection(("127.0.0.1", int(sim.url.rsplit(":", 1)[1])), timeout=5) as line:
        line.sendall(f"POST /user HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\nContent-Length: {length}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404")


def test_many_writers_at_once_lose_nothing(sim: Simulator) -> None:
    def write(number: int) -> int:
        with Ask(sim) as one:
            return int(one("POST", "issues/7/comments", {"body": str(number)}).json()["id"])

    with ThreadPoolExecutor(32) as pool:
        ids = list(pool.map(write, range(64)))
    assert len(set(ids)) == 64
    assert {comment.body for comment in sim.comments(7)} == {str(number) for number in range(64)}
