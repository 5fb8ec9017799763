"""The simulator answers what GitHub's own description of its API allows: Prism judges every route, and would notice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from attrs import define, evolve, field

from dhash_guard.simulator import Fault, Simulator
from dhash_guard.simulator.call import Reply
from dhash_guard.simulator.hub import Request
from dhash_guard.simulator.routes import ROUTES
from dhash_guard.simulator.server import Server
from dhash_guard.simulator.state import DeploymentReview, GitCommit, GitRef, moment
from support.prism import complaint, judging
from unit.simulator.asking import START, Ask

LONG = "x" * 65_537

RIGHT: list[tuple[str, str, Any, str, int]] = [
    ("GET", "/rate_limit", None, "t-read", 200),
    ("GET", "/user", None, "t-user", 200),
    ("GET", "/users/grace", None, "t-read", 200),
    ("GET", "/users/github-actions%5Bbot%5D", None, "t-read", 200),
    ("GET", "/orgs/mobius/teams/ops", None, "t-app", 200),
    ("GET", "/orgs/mobius/teams/ops/members", None, "t-app", 200),
    ("GET", "/orgs/mobius/teams/ops/memberships/grace", None, "t-app", 200),
    ("GET", "", None, "t-read", 200),
    ("GET", "collaborators/grace/permission", None, "t-read", 200),
    ("GET", "collaborators/ada/permission", None, "t-read", 200),
    ("GET", "branches/main", None, "t-read", 200),
    ("GET", "branches/classic%2Fx", None, "t-read", 200),
    ("GET", "branches/classic%2Fx/protection", None, "t-admin", 200),
    ("GET", "rules/branches/main", None, "t-read", 200),
    ("GET", "rules/branches/queued", None, "t-read", 200),
    ("GET", "activity?ref=refs/heads/change", None, "t-read", 200),
    ("GET", "pulls?state=all", None, "t-read", 200),
    ("GET", "pulls/7", None, "t-read", 200),
    ("GET", "pulls/8", None, "t-read", 200),
    ("GET", "pulls/7/files", None, "t-read", 200),
    ("GET", "pulls/7/reviews", None, "t-read", 200),
    ("POST", "pulls/7/reviews", {"event": "APPROVE", "body": "fine"}, "t-admin", 200),
    ("POST", "pulls/7/reviews", {"body": "not yet"}, "t-admin", 200),
    ("GET", "pulls/7/reviews/{review}", None, "t-read", 200),
    ("PUT", "pulls/7/reviews/{review}/dismissals", {"message": "old", "event": "DISMISS"}, "t-write", 200),
    ("GET", "issues/7/comments", None, "t-read", 200),
    ("POST", "issues/7/comments", {"body": "hello"}, "t-write", 201),
    ("GET", "issues/comments/{comment}", None, "t-read", 200),
    ("PATCH", "issues/comments/{comment}", {"body": "edited"}, "t-write", 200),
    ("DELETE", "issues/comments/{comment}", None, "t-write", 204),
    ("POST", "statuses/{sha}", {"state": "success"}, "t-write", 201),
    (
        "POST",
        "statuses/{sha}",
        {"state": "error", "context": "a", "description": "b", "target_url": "http://c/"},
        "t-write",
        201,
    ),
    ("GET", "commits/{sha}/statuses", None, "t-read", 200),
    ("GET", "commits/{sha}/status", None, "t-read", 200),
    ("GET", "commits/{sha}/pulls", None, "t-read", 200),
    ("GET", "commits/{sha}", None, "t-read", 200),
    ("GET", "deployments?environment=production", None, "t-read", 200),
    ("POST", "deployments", {"ref": "main", "required_contexts": [], "payload": {"tag": "v1"}}, "t-write", 201),
    ("GET", "deployments/{deployment}", None, "t-read", 200),
    ("GET", "deployments/{deployment}/statuses", None, "t-read", 200),
    (
        "POST",
        "deployments/{deployment}/statuses",
        {"state": "success", "log_url": "http://c/", "environment_url": "http://d/"},
        "t-write",
        201,
    ),
    ("GET", "git/ref/heads%2Fmain", None, "t-read", 200),
    ("GET", "git/ref/dhash-guard%2Fproduction", None, "t-read", 200),
    ("GET", "git/matching-refs/dhash-guard", None, "t-read", 200),
    ("POST", "git/refs", {"ref": "refs/dhash-guard/staging", "sha": "{made}"}, "t-write", 201),
    ("PATCH", "git/refs/dhash-guard%2Fproduction", {"sha": "{made}", "force": False}, "t-write", 200),
    ("POST", "git/trees", {"tree": [{"path": "a", "mode": "100644", "type": "blob", "content": "b"}]}, "t-write", 201),
    ("GET", "git/trees/{tree}", None, "t-read", 200),
    ("POST", "git/commits", {"message": "m", "tree": "{tree}", "parents": ["{made}"]}, "t-write", 201),
    ("GET", "git/commits/{made}", None, "t-read", 200),
    ("GET", "git/commits/{sha}", None, "t-read", 200),
    ("GET", "git/blobs/{blob}", None, "t-read", 200),
    ("GET", "contents/state.json?ref={made}", None, "t-read", 200),
    ("GET", "actions/artifacts?name=leg", None, "t-read", 200),
    ("GET", "actions/artifacts/{artifact}", None, "t-read", 200),
    ("GET", "actions/runs", None, "t-read", 200),
    ("GET", "actions/runs/{run}", None, "t-read", 200),
    ("GET", "actions/runs/{run}/artifacts", None, "t-read", 200),
    ("GET", "actions/runs/{run}/jobs", None, "t-read", 200),
    ("GET", "actions/runs/{run}/attempts/1/jobs", None, "t-read", 200),
    ("GET", "actions/jobs/{job}", None, "t-read", 200),
    ("GET", "actions/runs/{run}/pending_deployments", None, "t-read", 200),
    ("GET", "actions/runs/{run}/approvals", None, "t-read", 200),
    (
        "POST",
        "actions/runs/{run}/deployment_protection_rule",
        {"environment_name": "production", "state": "approved", "comment": "go"},
        "t-app",
        204,
    ),
    (
        "POST",
        "actions/runs/{run}/deployment_protection_rule",
        {"environment_name": "production", "comment": "cannot tell"},
        "t-app",
        204,
    ),
]

REFUSED: list[tuple[str, str, Any, str | None, int]] = [
    ("GET", "pulls/7", None, "t-nobody", 401),
    ("GET", "pulls/7", None, None, 404),
    ("POST", "issues/7/comments", {"body": "x"}, "t-read", 403),
    ("GET", "pulls/7", None, "t-sso", 403),
    ("GET", "/user", None, "t-write", 403),
    ("GET", "/orgs/mobius/teams/ops", None, "t-write", 403),
    ("GET", "/orgs/mobius/teams/none", None, "t-app", 404),
    ("GET", "/orgs/mobius/teams/ops/memberships/eve", None, "t-app", 404),
    ("GET", "/repos/mobius/other", None, "t-write", 404),
    ("GET", "branches/main/protection", None, "t-write", 403),
    ("GET", "branches/main/protection", None, "t-admin", 404),
    ("GET", "pulls/99", None, "t-write", 404),
    ("GET", "issues/99/comments", None, "t-write", 404),
    ("GET", "issues/comments/99", None, "t-write", 404),
    ("PATCH", "issues/comments/99", {"body": "x"}, "t-write", 404),
    ("POST", "issues/7/comments", {"body": LONG}, "t-write", 422),
    ("POST", "issues/9/comments", {"body": "locked"}, "t-write", 403),
    ("POST", "statuses/0000", {"state": "success"}, "t-write", 422),
    ("POST", "pulls/7/reviews", {"event": "APPROVE"}, "t-user", 422),
    ("GET", "commits/0000", None, "t-write", 422),
    ("GET", "git/ref/dhash-guard%2Fnone", None, "t-write", 404),
    ("POST", "git/refs", {"ref": "refs/dhash-guard/production", "sha": "{made}"}, "t-write", 422),
    ("POST", "git/refs", {"ref": "refs/x", "sha": "{made}"}, "t-write", 422),
    ("POST", "git/refs", {"ref": "refs/a/b", "sha": "{made}"}, "t-read", 403),
    ("PATCH", "git/refs/dhash-guard%2Fnone", {"sha": "{made}"}, "t-write", 422),
    ("PATCH", "git/refs/dhash-guard%2Fproduction", {"sha": "{sha}"}, "t-write", 422),
    ("POST", "git/commits", {"message": "m", "tree": "0000"}, "t-write", 422),
    ("POST", "git/trees", {"tree": []}, "t-write", 422),
    ("GET", "git/trees/0000", None, "t-write", 404),
    ("GET", "git/commits/0000", None, "t-write", 404),
    ("GET", "git/blobs/0000", None, "t-write", 404),
    ("GET", "contents/none?ref={made}", None, "t-write", 404),
    ("GET", "collaborators/nobody/permission", None, "t-write", 404),
    ("POST", "deployments", {"ref": "{sha}"}, "t-read", 403),
    ("GET", "deployments/99", None, "t-write", 404),
    ("GET", "actions/runs/99", None, "t-write", 404),
    ("GET", "actions/artifacts/{expired}/zip", None, "t-write", 410),
    ("GET", "actions/runs/99/pending_deployments", None, "t-write", 404),
    (
        "POST",
        "actions/runs/{run}/deployment_protection_rule",
        {"environment_name": "production", "state": "approved"},
        "t-write",
        403,
    ),
    (
        "POST",
        "actions/runs/{run}/deployment_protection_rule",
        {"environment_name": "none", "state": "approved"},
        "t-app",
        422,
    ),
]

FAULTS = [("status", 502), ("status", 503), ("too-many", 429), ("primary-limit", 403), ("secondary-limit", 403)]

UNJUDGED = {
    "/graphql": "GraphQL has a description of its own",
    "/repos/{owner}/{repo}/statuses/{ref}": "GitHub still serves it, but no longer describes it",
    "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}": "Prism follows the redirect; see below",
}


@define
class Upstream:
    """Stands behind Prism for the whole session; every test brings its own simulator, and may spoil its answers."""

    sim: Simulator = field(factory=Simulator)
    spoiled: bool = False

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        reply, fault = self.sim.answer(request)
        return (evolve(reply, data=wrong(reply.data)) if self.spoiled else reply), fault


def wrong(data: Any) -> Any:
    """The same keys, but no value of the kind that it should be."""
    return [wrong(data[0])] if isinstance(data, list) else dict.fromkeys(data, 3.5)


@pytest.fixture(scope="session")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture(scope="session")
def prism(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Server(upstream.answer)
    with server.serving(), judging(server.url, tmp_path_factory.mktemp("prism")) as url:
        yield url


def filled(body: Any, ids: dict[str, Any]) -> Any:
    """A body with the numbers in it."""
    if isinstance(body, dict):
        return {key: filled(value, ids) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(value, ids) for value in body]
    return body.format(**ids) if isinstance(body, str) else body


@pytest.fixture
def ids() -> dict[str, Any]:
    """The numbers that the paths of the tables name."""
    return {}


@pytest.fixture
def ask(upstream: Upstream, prism: str, ids: dict[str, Any]) -> Iterator[Ask]:
    upstream.sim, upstream.spoiled = Simulator(now=lambda: START), False
    upstream.sim.url = prism
    ids.update(seeded(upstream.sim))
    with Ask(upstream.sim, prism) as asking:
        yield asking


def seeded(sim: Simulator) -> dict[str, Any]:
    """One of everything, so that no list is empty and no field is left to chance."""
    sim.repository.collaborators.update(grace="admin", linus="maintain")
    sim.add_team("ops", {"grace": "active", "linus": "pending"})
    sim.add_branch("main", by="ruleset", required_checks=("build",), approvals=2)
    sim.add_branch("classic/x", by="classic", required_checks=("build",), code_owners=True)
    sim.add_branch(
        "queued", by="ruleset", merge_queue=True, required_checks=("gate",), app=15368, required_reviewers={"ops": 1}
    )
    sha = sim.add_pull_request(number=7, requested_reviewers=("linus",)).head_sha
    sim.add_push("change", sha)
    sim.add_push("change", "0" * 40, actor="", kind="force_push")
    sim.add_review(7, "", "COMMENTED")
    sim.repository.pull_requests[0] = evolve(sim.repository.pull_requests[0], files=(_file(),))
    sim.add_pull_request(number=8, head_repository="eve/dhash-service", state="closed", merged=True)
    sim.add_pull_request(number=9, locked=True)
    sim.add_status(sha, "build", "failure")
    run = sim.add_run(head_sha=sha, head_branch="change").id
    sim.add_run(head_sha=sha, head_repository="eve/dhash-service", status="in_progress", conclusion=None)
    sim.add_pending(run, reviewers=("ada",), wait_timer=30)
    sim.repository.deployment_reviews.append(
        DeploymentReview(
            id=sim.world.new_id(), run=run, environment="production", state="pending", author="ada", created_at=moment(START)
        )
    )
    sim.repository.objects.blobs["b" * 40] = "{}"
    sim.repository.objects.trees["c" * 40] = {"state.json": "b" * 40}
    for made, parents in (("d" * 40, ()), ("e" * 40, ("d" * 40,))):
        sim.repository.objects.commits[made] = GitCommit(sha=made, tree="c" * 40, parents=parents)
    sim.repository.refs.append(GitRef(id=sim.world.new_id(), name="refs/dhash-guard/production", sha="d" * 40))
    deployment = sim.add_deployment(sha=sha, environment="production").id
    sim.add_deployment_status(deployment, "in_progress", log_url="http://c/", environment_url="http://d/")
    return {
        "deployment": deployment,
        "sha": sha,
        "blob": "b" * 40,
        "tree": "c" * 40,
        "made": "e" * 40,
        "run": run,
        "review": sim.add_review(7, "grace").id,
        "comment": sim.add_comment(7, "first").id,
        "job": sim.add_job(run, "build").id,
        "artifact": sim.add_artifact(run, "leg", {"result.json": "{}"}).id,
        "expired": sim.add_artifact(run, "leg", {"result.json": "{}"}, expired=True).id,
    }


def _file() -> Any:
    from dhash_guard.simulator.state import ChangedFile

    return ChangedFile(filename="app.py", status="added")


@pytest.mark.parametrize(("method", "path", "body", "token", "status"), RIGHT)
def test_answers_have_githubs_shape(
    ask: Ask, ids: dict[str, Any], method: str, path: str, body: Any, token: str, status: int
) -> None:
    reply = ask(method, path.format(**ids), filled(body, ids), token=token)
    assert complaint(reply) is None
    assert reply.status_code == status
    assert reply.content or status == 204
    assert reply.content != b"[]"


@pytest.mark.parametrize(("method", "path", "body", "token", "status"), REFUSED)
def test_refusals_have_githubs_shape(
    ask: Ask, ids: dict[str, Any], method: str, path: str, body: Any, token: str | None, status: int
) -> None:
    reply = ask(method, path.format(**ids), filled(body, ids), token=token)
    assert complaint(reply) is None
    assert reply.status_code == status
    assert reply.json()["message"]


@pytest.mark.parametrize(("kind", "status"), FAULTS)
def test_faults_have_githubs_shape(ask: Ask, upstream: Upstream, kind: str, status: int) -> None:
    upstream.sim.fault(kind, status=status)
    reply = ask("GET", "pulls/7")
    assert complaint(reply) is None
    assert reply.status_code == status


@pytest.mark.parametrize(("method", "path", "body", "token", "status"), [row for row in RIGHT if row[4] != 204])
def test_a_wrong_answer_would_be_noticed(
    ask: Ask, upstream: Upstream, ids: dict[str, Any], method: str, path: str, body: Any, token: str, status: int
) -> None:
    upstream.spoiled = True
    reply = ask(method, path.format(**ids), filled(body, ids), token=token)
    assert reply.status_code == 500
    assert complaint(reply)["type"] == "VIOLATIONS"


@pytest.mark.parametrize(("method", "path", "body", "token", "status"), REFUSED)
def test_a_wrong_refusal_would_be_noticed(
    ask: Ask, upstream: Upstream, ids: dict[str, Any], method: str, path: str, body: Any, token: str | None, status: int
) -> None:
    upstream.spoiled = True
    assert complaint(ask(method, path.format(**ids), filled(body, ids), token=token))["type"] == "VIOLATIONS"


def test_a_wrong_request_is_noticed_too(ask: Ask, upstream: Upstream) -> None:
    reply = ask("POST", "issues/7/comments", {"text": "no body"})
    assert (reply.status_code, complaint(reply)["type"]) == (422, "UNPROCESSABLE_ENTITY")
    assert upstream.sim.log == ()


def test_every_route_is_judged(ids: dict[str, Any]) -> None:
    sim = Simulator(now=lambda: START)
    ids.update(seeded(sim))
    with sim.serving(), Ask(sim) as ask:
        for method, path, body, token, _ in RIGHT:
            ask(method, path.format(**ids), filled(body, ids), token=token)
    asked = {(entry.method, entry.route) for entry in sim.log}
    left = {(route.method, route.template) for route in ROUTES} - asked
    assert {template for _, template in left} == set(UNJUDGED)


def test_pages_lead_from_one_to_the_next_through_a_proxy(ask: Ask, upstream: Upstream, prism: str) -> None:
    for number in range(150):
        upstream.sim.add_comment(7, str(number))
    first = ask("GET", "issues/7/comments?per_page=100")
    following = first.links["next"]["url"]
    assert following.startswith(prism)
    second = requests.get(following, headers={"Authorization": "Bearer t-write"}, timeout=20)
    assert complaint(second) is None
    assert len(first.json()) + len(second.json()) == 151


def test_the_download_redirects_as_described() -> None:
    with Simulator().serving() as sim, Ask(sim) as ask:
        held = sim.add_artifact(sim.add_run().id, "leg", {"result.json": "{}"})
        reply = ask("GET", f"actions/artifacts/{held.id}/zip")
    assert (reply.status_code, reply.content) == (302, b"")
    assert reply.headers["Location"].startswith("http://127.0.0.1:")
