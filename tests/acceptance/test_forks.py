"""What publish-comment.yml and approvals.yml run, against the simulator: strangers' results, edits and reviews."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from support.acting import REPOSITORY, SYSTEMS, pull_request, run_ended
from support.project import Project, Result
from support.steps import run_step, workflow

HEAD, OTHER = "a" * 40, "b" * 40
FORK = "mallory/service"
RUN = 4242


@pytest.fixture
def hub() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as served:
        served.add_pull_request(number=7, head_sha=HEAD, head_ref="change", head_repository=FORK, author="mallory")
        served.add_pull_request(number=9, head_sha=OTHER, head_ref="better", author="ada")
        yield served
        assert served.unknown_routes == []


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """What the run of the fork left, downloaded."""
    folder = tmp_path / "temp" / "premerge_results"
    for system in SYSTEMS:
        leave(folder, system)
    return folder


def leave(folder: Path, system: str, statuses: tuple[str, ...] = ("passed", "passed"), **claims: Any) -> None:
    stages = [
        {"name": name, "status": status, "text": "fine", "findings": [], "warnings": [], "seconds": 1.0}
        for name, status in zip(("check", "backup"), statuses, strict=True)
    ]
    report = {
        "leg": system, "service": "dhash", "environment": "production", "commit": "c" * 40, "result": "proceed",
        "exit_code": 0, "stages": stages, "evidence": "", "head": HEAD, "run": str(RUN), "attempt": 1, "schema_version": 1,
    }  # fmt: skip
    path = folder / f"premerge-{system}" / f"result-{system}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report | claims))


def ended(sha: str = HEAD, repository: str = FORK, branch: str = "change", **facts: Any) -> dict[str, Any]:
    """GitHub's event about the run that left its results here."""
    return run_ended(RUN, sha, repository, branch, **facts)


def publish(base: Project, hub: Simulator, left: Path, payload: dict[str, Any], token: str = "t-write") -> Result:
    return run_step(
        base,
        "publish-comment.yml",
        "publish-comment",
        "workflow_run",
        payload,
        hub.url,
        token,
        runner__temp=str(left.parent),
    )


def writes(hub: Simulator) -> int:
    return sum(entry.method in ("POST", "PATCH", "DELETE") and entry.path != "/graphql" for entry in hub.log)


def test_a_forks_results_become_one_comment(base: Project, hub: Simulator, left: Path) -> None:
    done = publish(base, hub, left, ended())
    assert done.code == 0, done.out
    (comment,) = hub.comments(7)
    assert "✅ Ready to merge" in comment.body
    assert f"3 of 3 systems passed · `{HEAD[:7]}`" in comment.body
    assert "- [x]" not in comment.body, "what a stranger says of itself proves no box"
    assert "- [ ]" in comment.body
    assert f"actions/runs/{RUN}" in comment.body, "the run that is told about, not the one that tells"
    assert len(hub.log) <= 8
    before = writes(hub)
    assert publish(base, hub, left, ended()).code == 0
    assert (writes(hub), hub.comments(7)) == (before, [comment]), "unchanged is not written"
    leave(left, "ubuntu-latest", ("failed", "passed"))
    assert publish(base, hub, left, ended()).code == 0
    (edited,) = hub.comments(7)
    assert edited.id == comment.id
    assert "❌ Not ready" in edited.body, "the file still says proceed; its legs count"
    assert hub.comments(9) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"head": OTHER, "commit": OTHER},
        {"run": "4241"},
        {"attempt": 2},
        {"environment": "staging"},
        {"service": "other"},
        {"pull_request": 9, "number": 9},
        {"leg": "elsewhere"},
        {"stages": [{"name": f"s{n}", "status": "passed", "text": ""} for n in range(2000)]},
        {"stages": "passed"},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_forged_result_has_no_effect(base: Project, hub: Simulator, left: Path, claims: dict[str, Any]) -> None:
    for system in SYSTEMS:
        leave(left, system, **claims)
    done = publish(base, hub, left, ended())
    assert done.code == 3, done.out
    assert (hub.comments(7), hub.comments(9), writes(hub)) == ([], [], 0)


def test_an_artifact_that_names_another_pull_request_has_no_effect(base: Project, hub: Simulator, left: Path) -> None:
    for name in (".", "premerge-ubuntu-latest"):
        (left / name / "pull_request").write_text("9")
        (left / name / "event.json").write_text(json.dumps(pull_request(9, OTHER)))
        (left / name / "dhash-guard.yml").write_text("version: 1\nservice: evil\nenvironments: {production: {}}\n")
    done = publish(base, hub, left, ended())
    assert done.code == 0, done.out
    (comment,) = hub.comments(7)
    assert "dhash for production" in comment.body
    assert hub.comments(9) == []


def test_systems_that_nobody_asked_for_and_missing_ones(base: Project, hub: Simulator, left: Path) -> None:
    leave(left, "evil-system")
    (left / "premerge-macos-latest" / "result-macos-latest.json").unlink()
    done = publish(base, hub, left, ended())
    assert done.code == 0, done.out
    (comment,) = hub.comments(7)
    assert "evil-system" not in comment.body
    assert "wait for macos-latest" in comment.body
    assert "macos-latest: has not reported" in done.out


def test_a_link_in_an_artifact_is_not_followed(base: Project, hub: Simulator, left: Path) -> None:
    for system in SYSTEMS:
        path = left / f"premerge-{system}" / f"result-{system}.json"
        aside = path.with_name("aside.json")
        path.rename(aside)
        path.symlink_to(aside)
    assert publish(base, hub, left, ended()).code == 3
    assert writes(hub) == 0


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (ended(sha=OTHER), "no open pull request"),
        (ended(repository="eve/service"), "no open pull request"),
        (ended(branch="better"), "no open pull request"),
        (ended(branch="change&state=all&head=octo:better"), "no open pull request"),
        (ended(event="push"), "not for a pull request"),
        (ended(sha=OTHER, repository=REPOSITORY, branch="better"), "could write themselves"),
        (ended() | {"action": "requested"}, "no other run has ended"),
    ],
)
def test_runs_that_are_none_of_its_business(
    base: Project, hub: Simulator, left: Path, payload: dict[str, Any], words: str
) -> None:
    done = publish(base, hub, left, payload)
    assert done.code == 0, done.out
    assert words in done.out
    assert writes(hub) == 0


def test_a_pull_request_that_moved_on_was_closed_or_is_not_the_only_one(base: Project, hub: Simulator, left: Path) -> None:
    hub.change_pull_request(7, head_sha="d" * 40)
    assert "no open pull request" in publish(base, hub, left, ended()).out
    hub.change_pull_request(7, head_sha=HEAD, state="closed")
    assert "no open pull request" in publish(base, hub, left, ended()).out
    hub.change_pull_request(7, state="open")
    hub.add_pull_request(number=11, head_sha=HEAD, head_ref="change", head_repository=FORK, base_ref="release")
    done = publish(base, hub, left, ended())
    assert done.code == 3
    assert "several pull requests" in done.out
    assert writes(hub) == 0


def test_dependabot_may_not_write_either(base: Project, hub: Simulator, left: Path) -> None:
    for system in SYSTEMS:
        leave(left, system, head=OTHER)
    payload = ended(OTHER, REPOSITORY, "better", actor={"login": "dependabot[bot]"})
    assert publish(base, hub, left, payload).code == 0
    assert len(hub.comments(9)) == 1


def test_an_older_attempt_that_is_published_late_does_not_beat_the_newer(base: Project, hub: Simulator, left: Path) -> None:
    for system in SYSTEMS:
        leave(left, system, attempt=2)
    assert publish(base, hub, left, ended(run_attempt=2)).code == 0
    before = hub.comments(7)
    for system in SYSTEMS:
        leave(left, system, ("failed", "passed"))
    done = publish(base, hub, left, ended())
    assert done.code == 0, done.out
    assert hub.comments(7) == before
    for system in SYSTEMS:
        leave(left, system, ("failed", "passed"), attempt=3)
    assert publish(base, hub, left, ended(run_attempt=3)).code == 0
    assert "❌ Not ready" in hub.comments(7)[0].body


def test_without_the_right_to_write_or_any_result(base: Project, hub: Simulator, left: Path, tmp_path: Path) -> None:
    done = publish(base, hub, left, ended(), token="t-read")
    assert done.code == 2
    assert "the token lacks `pull-requests: write`" in done.out
    assert publish(base, hub, tmp_path / "nothing", ended()).code == 3
    assert hub.comments(7) == []


def test_a_closed_pull_request_is_said_to_be_so_in_its_comment(base: Project, hub: Simulator, left: Path) -> None:
    assert publish(base, hub, left, ended()).code == 0
    (open_one,) = hub.comments(7)
    event = pull_request(7, HEAD, head={"sha": HEAD, "ref": "change", "repo": {"full_name": FORK}}) | {"action": "closed"}
    run = (base, "publish-comment.yml", "close-comment", "pull_request_target", event, hub.url)
    done = run_step(*run)
    assert (done.code, "is open" in done.out) == (0, True), "GitHub is asked, not the event"
    assert hub.comments(7) == [open_one]
    hub.change_pull_request(7, state="closed", merged=True)
    done = run_step(*run)
    assert done.code == 0, done.out
    (comment,) = hub.comments(7)
    assert comment.id == open_one.id and "merged" in comment.body.lower()
    assert "- [x]" not in comment.body
    before = writes(hub)
    assert run_step(*run).code == 0
    assert writes(hub) == before, "unchanged is not written"
    assert hub.comments(9) == []


def edit(hub: Simulator, number: int, box: str, who: str = "grace", **comment: Any) -> dict[str, Any]:
    """Somebody ticks a box: what GitHub keeps, and the event that it sends."""
    there = next(one for one in hub.repository.comments if one.id == number)
    before = there.body
    lines = [line.replace("[ ]", "[x]", 1) if f":{box} -->" in line else line for line in before.split("\n")]
    there = hub.edit_comment(number, "\n".join(lines))
    assert there.body != before
    facts = {"id": number, "body": there.body, "updated_at": there.updated_at, "user": {"login": there.author}}
    return {
        "action": "edited",
        "changes": {"body": {"from": before}},
        "issue": {"number": there.issue, "pull_request": {}},
        "comment": facts | comment,
        "repository": {"full_name": REPOSITORY, "id": 1, "default_branch": "main"},
        "sender": {"login": who, "type": "User"},
    }


def test_a_tick_is_credited_and_a_foreign_comment_has_no_effect(base: Project, hub: Simulator, left: Path) -> None:
    assert publish(base, hub, left, ended()).code == 0
    (ours,) = hub.comments(7)
    forged = hub.add_comment(7, ours.body, author="mallory")
    before = writes(hub)
    for claimed in ({}, {"user": {"login": "github-actions[bot]"}}):
        payload = edit(hub, forged.id, "operator" if not claimed else "window", who="mallory", **claimed)
        there = hub.comments(7)
        done = run_step(base, "approvals.yml", "checklist", "issue_comment", payload, hub.url)
        assert done.code == 0, done.out
        assert "nothing to do" in done.out
        assert (writes(hub), hub.comments(7)) == (before, there)
    done = run_step(base, "approvals.yml", "checklist", "issue_comment", edit(hub, ours.id, "operator"), hub.url)
    assert done.code == 0, done.out
    (ours,) = (one for one in hub.comments(7) if one.id == ours.id)
    (line,) = (line for line in ours.body.split("\n") if ":operator -->" in line)
    assert line.startswith("- [x]") and "grace" in line


def test_a_review_asks_for_the_approvals_again(base: Project, hub: Simulator) -> None:
    base.environment["requires"] = {"approvals": {"at_least": 1}}
    base.write()
    hub.repository.collaborators.update(grace="write")
    hub.add_review(7, "mallory")
    event = pull_request(7, HEAD) | {"action": "submitted"}
    run = (base, "approvals.yml", "approvals", "pull_request_review", event, hub.url)
    assert run_step(*run).code == 1
    hub.add_review(7, "grace")
    done = run_step(*run)
    assert done.code == 0, done.out
    assert writes(hub) == 0


def test_rights_and_checkouts() -> None:
    """Exactly these rights, and a checkout of nothing but the base, outside of which the results lie."""
    publishing, asking = workflow("publish-comment.yml"), workflow("approvals.yml")
    assert publishing["permissions"] == asking["permissions"] == {}
    job, closing = publishing["jobs"].values()
    assert closing["permissions"] == {"pull-requests": "write"}
    assert not any("checkout" in step["uses"] or "run" in step for step in closing["steps"])
    assert job["permissions"] == {"contents": "read", "pull-requests": "write", "actions": "read"}
    assert asking["jobs"]["approvals"]["permissions"] == {"contents": "read", "pull-requests": "read"}
    assert asking["jobs"]["checklist"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    trusted = {"${{ github.event.repository.default_branch }}", "${{ github.event.pull_request.base.sha }}"}
    for one in (job, *asking["jobs"].values()):
        checkouts = [step["with"] for step in one["steps"] if step["uses"].startswith("actions/checkout@")]
        assert len(checkouts) == 1
        assert checkouts[0]["ref"] in trusted and checkouts[0]["persist-credentials"] is False
        assert not any("run" in step for step in one["steps"])
        assert "number" in one["concurrency"]["group"] or "head_repository.id" in one["concurrency"]["group"]
    (taken,) = (step["with"] for step in job["steps"] if step["uses"].startswith("actions/download-artifact@"))
    assert taken["path"].startswith("${{ runner.temp }}/")
    assert taken["run-id"] == "${{ github.event.workflow_run.id }}"
