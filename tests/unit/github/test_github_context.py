"""Events become contexts: GitHub's own example payloads, small ones of ours, and those that do not fit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.errors import UsageProblem
from dhash_guard.github.context import context_of, read_context

PACKAGE = Path("node_modules/@octokit/webhooks-examples/api.github.com/index.json")
PROJECT = Path(__file__).resolve().parents[3]
FOLDERS = (PROJECT, PROJECT / "build/npm", *map(Path, os.environ.get("DHASH_GUARD_TEST_NPM", "").split()))
"""Where `npm ci` may have put the examples; the variable adds a folder that has a `node_modules`."""

HEAD, BASE, TEST_MERGE = "a" * 40, "b" * 40, "c" * 40

VARIABLES = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "o/r",
    "GITHUB_SHA": TEST_MERGE,
    "GITHUB_REF": "refs/pull/7/merge",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_RUN_ID": "1658821493",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/ci.yml@refs/heads/main",
    "GITHUB_WORKFLOW_SHA": "d" * 40,
    "GITHUB_JOB": "gate",
    "GITHUB_SERVER_URL": "https://github.example/",
    "GITHUB_API_URL": "https://github.example/api/v3",
}


@cache
def examples() -> dict[str, list[dict[str, Any]]]:
    """GitHub's example payloads by event."""
    found = next((folder / PACKAGE for folder in FOLDERS if (folder / PACKAGE).is_file()), None)
    if found is None:
        text = "GitHub's example payloads are missing: npm ci"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    return {each["name"]: each["examples"] for each in json.loads(found.read_bytes())}


def each_of(event: str) -> Iterator[dict[str, Any]]:
    payloads = examples()[event]
    assert payloads
    yield from payloads


def on(event: str, **changes: str) -> dict[str, str]:
    return VARIABLES | {"GITHUB_EVENT_NAME": event} | changes


def pull_request(head_repo: Any = "o/r", **changes: Any) -> dict[str, Any]:
    repo = {"full_name": head_repo} if isinstance(head_repo, str) else head_repo
    pull = {
        "number": 7,
        "head": {"sha": HEAD, "ref": "topic", "repo": repo},
        "base": {"sha": BASE, "ref": "main", "repo": {"full_name": "o/r"}},
    }
    return {"action": "opened", "number": 7, "repository": {"full_name": "o/r"}, "pull_request": pull | changes}


def test_githubs_pull_requests() -> None:
    for payload in each_of("pull_request"):
        found = context_of({"GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": TEST_MERGE}, payload)
        assert found.sha == payload["pull_request"]["head"]["sha"] != TEST_MERGE
        assert found.full_name == "Codertocat/Hello-World"
        assert (found.pull_request, found.is_fork, found.privileged) == (2, False, False)
        assert (found.head_ref, found.base_ref, found.ref) == ("changes", "master", "refs/pull/2/merge")
        assert found.actor == payload["sender"]["login"]


def test_githubs_reviews() -> None:
    for payload in each_of("pull_request_review"):
        found = context_of({"GITHUB_EVENT_NAME": "pull_request_review"}, payload)
        assert found.pull_request == payload["pull_request"]["number"]


def test_githubs_pushes() -> None:
    for payload in each_of("push"):
        found = context_of({"GITHUB_EVENT_NAME": "push"}, payload)
        assert found.sha == ("" if payload["deleted"] else payload["after"])
        assert (found.ref, found.pull_request, found.is_fork) == (payload["ref"], None, False)


def test_githubs_workflow_runs() -> None:
    for payload in each_of("workflow_run"):
        found = context_of({"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_SHA": TEST_MERGE}, payload)
        assert found.sha == payload["workflow_run"]["head_sha"]
        assert found.privileged
        assert found.pull_request is None  # the one example that lists a pull request lists another repository's


def test_githubs_merge_groups() -> None:
    for payload in each_of("merge_group"):
        found = context_of({"GITHUB_EVENT_NAME": "merge_group"}, payload)
        assert found.sha == payload["merge_group"]["head_sha"]
        assert (found.base_ref, found.pull_request, found.privileged) == ("refs/heads/main", None, False)


def test_githubs_dispatches_and_comments() -> None:
    for payload in each_of("workflow_dispatch"):
        found = context_of({"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_SHA": HEAD}, payload)
        assert (found.sha, found.ref, found.privileged) == (HEAD, payload["ref"], False)
    for payload in each_of("issue_comment"):
        found = context_of({"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_SHA": HEAD}, payload)
        assert (found.sha, found.event_sha, found.privileged) == ("", HEAD, True)
        assert found.pull_request == (payload["issue"]["number"] if "pull_request" in payload["issue"] else None)


def test_every_event_of_githubs_gives_a_context() -> None:
    for event, payloads in examples().items():
        for payload in payloads:
            found = context_of({"GITHUB_EVENT_NAME": event, "GITHUB_REPOSITORY": "o/r"}, payload)
            assert (found.event, found.full_name) == (event, "o/r")


def test_what_the_runner_says() -> None:
    found = context_of(on("pull_request"), pull_request())
    assert (found.sha, found.event_sha, found.base_sha) == (HEAD, TEST_MERGE, BASE)
    assert (found.run_id, found.attempt, found.job) == ("1658821493", 2, "gate")
    assert (found.server_url, found.api_url) == ("https://github.example", "https://github.example/api/v3")
    assert found.run_url == "https://github.example/o/r/actions/runs/1658821493"


@pytest.mark.parametrize(
    ("head_repo", "fork"), [("o/r", False), ("O/R", False), ("mallory/r", True), (None, True), ({}, True)]
)
def test_forks(head_repo: Any, fork: bool) -> None:
    found = context_of(on("pull_request"), pull_request(head_repo))
    assert found.is_fork is fork
    assert found.head_repository == (head_repo if isinstance(head_repo, str) else "")


def test_dependabot_is_who_caused_the_run() -> None:
    assert context_of(on("pull_request", GITHUB_ACTOR="dependabot[bot]"), pull_request()).dependabot
    assert not context_of(on("pull_request", GITHUB_ACTOR="dependabot"), pull_request()).dependabot


@pytest.mark.parametrize(
    ("event", "privileged"),
    [
        ("push", False), ("schedule", False), ("workflow_dispatch", False), ("", False),
        ("issues", True), ("fork", True), ("watch", True), ("discussion_comment", True), ("invented_in_2030", True),
    ],
)  # fmt: skip
def test_events_that_strangers_may_cause_are_privileged(event: str, privileged: bool) -> None:
    payload = {"after": HEAD} if event == "push" else {}
    assert context_of(on(event), payload).privileged is privileged


def test_a_target_event_reads_the_head_but_is_privileged() -> None:
    found = context_of(on("pull_request_target"), pull_request("mallory/r"))
    assert (found.sha, found.is_fork, found.privileged) == (HEAD, True, True)


def workflow_run(*pulls: dict[str, Any], head: str = "o/r") -> dict[str, Any]:
    run = {"head_sha": HEAD, "head_branch": "topic", "head_repository": {"full_name": head}, "pull_requests": [*pulls]}
    return {"repository": {"full_name": "o/r", "id": 1}, "workflow_run": run}


def listed(number: int = 7, repository: int = 1, sha: str = HEAD) -> dict[str, Any]:
    return {"number": number, "head": {"sha": sha}, "base": {"repo": {"id": repository}}}


@pytest.mark.parametrize(
    ("pulls", "number"),
    [
        ([], None),
        ([listed()], 7),
        ([listed(), listed(8, repository=2)], 7),
        ([listed(), listed(8)], None),
        ([listed(repository=2)], None),
        ([listed(sha=BASE)], None),
    ],
)
def test_a_workflow_run_names_a_pull_request_only_where_it_is_sure(pulls: list[Any], number: int | None) -> None:
    assert context_of(on("workflow_run"), workflow_run(*pulls)).pull_request == number


def test_a_workflow_run_of_a_fork() -> None:
    found = context_of(on("workflow_run"), workflow_run(head="mallory/r"))
    assert (found.is_fork, found.head_repository, found.pull_request) == (True, "mallory/r", None)


def test_outside_github() -> None:
    found = context_of({}, {})
    assert (found.event, found.owner, found.repository, found.run_id, found.run_url) == ("", "", "", "", "")
    assert (found.attempt, found.privileged, found.api_url) == (0, False, "https://api.github.com")


@pytest.mark.parametrize(
    ("event", "payload", "said"),
    [
        ("pull_request", {}, "pull_request.head.sha"),
        ("pull_request", pull_request(head={"sha": "main"}), "pull_request.head.sha"),
        ("pull_request", pull_request(head=None), "pull_request.head.sha"),
        ("pull_request", pull_request(number="7"), "pull_request.number"),
        ("pull_request", pull_request(number=True), "pull_request.number"),
        ("pull_request", pull_request(number=0), "pull_request.number"),
        ("pull_request", pull_request(base={"sha": BASE}), "pull_request.base.repo.full_name"),
        ("push", {"after": HEAD[:7]}, "after"),
        ("push", {"after": [HEAD]}, "after"),
        ("workflow_run", {"workflow_run": []}, "workflow_run.head_sha"),
        ("workflow_run", {"workflow_run": {"head_sha": HEAD}}, "repository.full_name"),
        ("merge_group", {"merge_group": {}}, "merge_group.head_sha"),
        ("issue_comment", {"issue": {"pull_request": {}}}, "issue.number"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused(event: str, payload: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        context_of(on(event, GITHUB_EVENT_PATH="event.json"), payload)
    assert f"`{said}`" in caught.value.what
    assert caught.value.where == "event.json"


@pytest.mark.parametrize(
    "changes",
    [{"GITHUB_REPOSITORY": name} for name in ("o", "o/r/x", "../r", "o/..", "o/r?x", "o/r\n", "ö/r")]
    + [{"GITHUB_RUN_ID": "1;x"}, {"GITHUB_RUN_ATTEMPT": "-1"}],
)
def test_a_malformed_variable_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(UsageProblem) as caught:
        context_of(on("schedule", **changes), {})
    assert caught.value.where in changes


def test_the_event_is_read_from_its_file(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(pull_request()))
    assert read_context(on("pull_request", GITHUB_EVENT_PATH=str(event))).pull_request == 7


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null", b"\xff\xfe", b"[" * 200_000])
def test_an_event_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    event = tmp_path / "event.json"
    event.write_bytes(content)
    with pytest.raises(UsageProblem) as caught:
        read_context(on("push", GITHUB_EVENT_PATH=str(event)))
    assert caught.value.where == str(event)


def test_a_missing_event_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot read the event"):
        read_context(on("push", GITHUB_EVENT_PATH=str(tmp_path / "nothing.json")))
