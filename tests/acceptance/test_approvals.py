"""Approvals, the gate that asks for them, and the audit of a branch, through the installed program against the simulator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from support import git
from support.acting import REPOSITORY, pull_request
from support.project import Project, Result
from support.workflow_files import GATE

HEAD, OLD = "a" * 40, "b" * 40


@pytest.fixture
def hub() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as served:
        served.repository.collaborators.update(grace="write", linus="write")
        served.add_team("ops", {"grace": "active"})
        served.add_pull_request(number=7, head_sha=HEAD, author="ada")
        yield served
        assert served.unknown_routes == []


@pytest.fixture
def asking(project: Project) -> Project:
    project.environment["requires"] = {"approvals": {"at_least": 2, "teams": {"ops": 1}}}
    project.write()
    return project


def guard(project: Project, hub: Simulator, *arguments: str, token: str = "t-app", **env: str) -> Result:
    known = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": hub.url, "GITHUB_TOKEN": token}
    return project.guard(*arguments, env=known | env)


def event(project: Project, sha: str = HEAD) -> dict[str, str]:
    path = project.root / "event.json"
    path.write_text(json.dumps(pull_request(7, sha)))
    return {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}


def commit(project: Project) -> str:
    git = ["git", "-c", "user.name=octo", "-c", "user.email=octo@example.com"]
    for words in (["init", "-q"], ["add", "library.json"], ["commit", "-qm", "a change"]):
        subprocess.run([*git, *words], cwd=project.root, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project.root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_verified(asking: Project, hub: Simulator) -> None:
    hub.add_review(7, "grace")
    hub.add_review(7, "linus")
    done = guard(asking, hub, "approvals", "--pull", "7", "--json")
    assert done.code == 0, done.out + done.err
    assert done.json["approvals"]["standing"] == "verified"
    assert done.json["requests"] == len(hub.log) <= 12
    (stage,) = done.json["stages"]
    assert [finding["check"] for finding in stage["findings"]] == ["approvals", "team ops"]
    assert f"({len(hub.log)} requests)" in stage["text"]


def test_missing_says_who_does_not_count_and_why(asking: Project, hub: Simulator) -> None:
    hub.add_review(7, "grace", commit=OLD)
    hub.add_review(7, "ada")
    done = guard(asking, hub, "approvals", "--pull", "7")
    assert done.code == 1
    assert "0 of 2" in done.out
    assert f"approved {OLD[:12]}, the head is {HEAD[:12]}" in done.out
    findings = asking.evidence()["stages"][0]["findings"]
    assert {finding["text"] for finding in findings if finding["check"] == "not counted"} == {
        "ada: the author",
        f"grace: approved {OLD[:12]}, the head is {HEAD[:12]}",
    }


def test_unverifiable_fails_closed_with_reason_and_cure(asking: Project, hub: Simulator) -> None:
    hub.add_review(7, "grace")
    hub.add_review(7, "linus")
    done = guard(asking, hub, "approvals", "--pull", "7", token="t-write")
    assert done.code == 3
    for words in ("team ops cannot be seen", "403", "members: read", "requires.approvals.people"):
        assert words in done.out, done.out
    asking.environment["requires"]["approvals"]["people"] = {"ops": ["grace"]}
    asking.write()
    assert guard(asking, hub, "approvals", "--pull", "7", token="t-write").code == 0


def test_the_event_names_the_pull_request_and_its_commit(asking: Project, hub: Simulator) -> None:
    hub.add_review(7, "grace")
    hub.add_review(7, "linus")
    assert guard(asking, hub, "approvals", **event(asking)).code == 0
    moved = guard(asking, hub, "approvals", **event(asking, OLD))
    assert moved.code == 3
    assert f"is at {HEAD[:12]}, not at {OLD[:12]}" in moved.out


def test_a_squashed_commit_is_found_even_where_github_is_late(asking: Project, hub: Simulator) -> None:
    sha = commit(asking)
    hub.change_pull_request(7, state="closed", merged=True, merge_commit_sha=sha)
    hub.add_review(7, "grace")
    hub.add_review(7, "linus")
    hub.fault("lag", path="*/commits/*/pulls", times=1)
    done = guard(asking, hub, "approvals", "--json")
    assert done.code == 0, done.out
    assert done.json["approvals"]["pull_request"]["number"] == 7


def test_a_commit_of_no_pull_request_cannot_be_told(asking: Project, hub: Simulator) -> None:
    hub.repository.commits.append(OLD)
    done = guard(asking, hub, "approvals", "--commit", OLD)
    assert done.code == 3
    assert "no pull request was merged" in done.out


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "path": "*/reviews", "status": 502, "times": 1}, 0),
        ({"kind": "too-many", "path": "*/reviews", "times": 1, "retry_after": 1}, 0),
        ({"kind": "truncated", "path": "*/reviews", "times": 1}, 0),
        ({"kind": "reorder", "path": "*/reviews", "times": 0}, 0),
        ({"kind": "primary-limit", "path": "*/reviews", "times": 0, "retry_after": 3000}, 7),
        ({"kind": "secondary-limit", "path": "*/reviews", "times": 0, "retry_after": 3000}, 7),
        ({"kind": "status", "path": "*/reviews", "status": 403, "times": 0}, 2),
        ({"kind": "status", "path": "*/memberships/*", "status": 403, "times": 0}, 3),
        ({"kind": "status", "path": "*/orgs/*", "status": 404, "times": 0}, 3),
        ({"kind": "status", "path": "*/permission", "status": 403, "times": 0}, 3),
    ],
)
def test_misfortunes(asking: Project, hub: Simulator, fault: dict[str, Any], code: int) -> None:
    hub.add_review(7, "grace")
    hub.add_review(7, "linus")
    hub.fault(**fault)
    done = guard(asking, hub, "approvals", "--pull", "7")
    assert done.code == code, done.out + done.err


def test_usage(asking: Project, hub: Simulator) -> None:
    assert asking.guard("approvals", "--pull", "7").code == 2
    assert "GITHUB_REPOSITORY" in asking.guard("approvals", "--pull", "7").err
    assert "no token" in asking.guard("approvals", "--pull", "7", "--repository", REPOSITORY).err
    asking.environment["requires"] = {"backup": {}}
    asking.write()
    done = guard(asking, hub, "approvals", "--pull", "7")
    assert (done.code, "asks for no approvals" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("approvals", "words"),
    [
        ({"at_least": 0}, "asks for nothing"),
        ({"teams": {"ops": 2}, "people": {"ops": ["grace", "Grace"]}}, "lists 1, but 2"),
        ({"teams": {"ops": 1}, "people": {"opps": ["grace"]}}, "did you mean ops?"),
        ({"teams": {"ops": 0}}, "must be 1 or more"),
        ({"teams": {"ops": 1}, "team_ids": {"qa": 4}}, "nothing is asked of this team"),
    ],
)
def test_approvals_nobody_could_give_are_refused(project: Project, approvals: dict[str, Any], words: str) -> None:
    project.environment["requires"] = {"approvals": approvals}
    project.write()
    done = project.guard("config", "check")
    assert done.code == 2
    assert words in done.err


def test_the_gate_asks_for_them(asking: Project, hub: Simulator) -> None:
    sha = commit(asking)
    hub.change_pull_request(7, state="closed", merged=True, merge_commit_sha=sha)
    hub.add_review(7, "linus")
    no = guard(asking, hub, "gate")
    assert no.code == 1
    assert "team ops missing: 0 of 1" in no.out
    hub.add_review(7, "grace")
    go = guard(asking, hub, "gate")
    assert go.code == 0, go.out
    assert f"pull request 7 at {HEAD[:12]}" in json.dumps(asking.evidence())
    unsure = guard(asking, hub, "gate", token="t-write")
    assert unsure.code == 3
    alone = asking.guard("gate")
    assert alone.code == 3
    assert "ask in the workflow" in alone.out


def test_what_is_said_on_a_pull_request_opens_no_other_commit(asking: Project, hub: Simulator) -> None:
    """`/deploy` on an approved pull request runs the default branch, where something else was pushed."""
    asking.environment["requires"]["checklist"] = "required"
    asking.write()
    hub.repository.commits.append(sha := git.commit(asking.root))
    for reviewer in ("grace", "linus"):
        hub.add_review(7, reviewer)
    path = asking.root.parent / "event.json"
    path.write_text(json.dumps({"issue": {"number": 7, "pull_request": {}}, "repository": {"full_name": REPOSITORY}}))
    env = {"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": sha}
    done = guard(asking, hub, "gate", **env)
    assert done.code == 3, done.out + done.err
    findings = {one["check"]: one["text"] for one in asking.evidence()["stages"][0]["findings"]}
    for condition in ("approvals", "checklist"):
        assert f"no pull request was merged as {sha[:12]}" in findings[condition]


@pytest.mark.parametrize("fault", ["primary-limit", "reset"])
def test_a_silent_github_makes_the_gate_cannot_tell(asking: Project, hub: Simulator, fault: str) -> None:
    sha = commit(asking)
    hub.change_pull_request(7, head_sha=sha)
    hub.fault(fault, path="*/pulls/7", times=0, **({"retry_after": 3000} if fault == "primary-limit" else {}))
    done = guard(asking, hub, "gate", **event(asking, sha))
    assert done.code == 3, done.out + done.err
    assert [entry.path for entry in hub.log if entry.path.endswith("/pulls/7")], "that is what was silent"


def workflows(project: Project, text: str = GATE) -> Path:
    folder = project.root / ".github" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "premerge.yml").write_text(text)
    return folder


def shielded(hub: Simulator, **facts: Any) -> None:
    shield = {"by": "ruleset", "required_checks": ("gate",), "approvals": 2, "dismiss_stale": True, "merge_queue": True}
    hub.add_branch("main", **shield | facts)


def test_a_protected_branch(asking: Project, hub: Simulator) -> None:
    workflows(asking)
    shielded(hub, app=15368)
    done = guard(asking, hub, "protection", "--json", token="t-admin")
    assert done.code == 0, done.out + done.err
    assert [layer["answered"] for layer in done.json["protection"]["layers"]] == [True, True, True]
    assert "all three layers answered" in done.json["stages"][0]["text"]
    assert done.json["requests"] == len(hub.log) <= 4


def test_a_hole_is_told_with_file_line_and_cure(asking: Project, hub: Simulator) -> None:
    workflows(asking, GATE.replace("[lint, test, package]", "[test, package]"))
    shielded(hub)
    done = guard(asking, hub, "protection")
    assert done.code == 1
    assert ".github/workflows/premerge.yml:10: job lint is neither required nor needed" in done.out
    assert "Add lint to the `needs` of the gate job." in done.out


def test_what_a_job_may_leave_out_is_named_in_the_configuration(asking: Project, hub: Simulator) -> None:
    workflows(asking, GATE.replace("[lint, test, package]", "[test, package]"))
    shielded(hub)
    asking.settings["protection"] = {"checks": ["gate"], "optional": ["lint"]}
    asking.write()
    assert guard(asking, hub, "protection").code == 0


def test_a_branch_whose_protection_may_not_be_seen_cannot_be_told(asking: Project, hub: Simulator) -> None:
    workflows(asking)
    hub.add_branch("main", by="classic", required_checks=("gate",), approvals=2)
    done = guard(asking, hub, "protection")
    assert done.code == 3
    assert "Administration: read" in done.out
    assert guard(asking, hub, "protection", token="t-admin").code == 0


def test_without_github_the_files_alone_are_read(asking: Project) -> None:
    workflows(asking, GATE.replace("if: always()", "if: success()"))
    asking.settings["protection"] = {"checks": ["gate"]}
    asking.write()
    done = asking.guard("protection")
    assert done.code == 1
    assert "did not answer: rulesets API, branch protection API" in done.out
    assert "Give it `if: always()`." in done.out
    workflows(asking)
    assert asking.guard("protection").code == 3


def test_a_file_that_is_no_workflow_is_a_hole(asking: Project, hub: Simulator) -> None:
    (workflows(asking) / "broken.yml").write_text("on: push\njobs: [\n")
    shielded(hub)
    done = guard(asking, hub, "protection")
    assert done.code == 1
    assert ".github/workflows/broken.yml:3: the file is no valid YAML" in done.out
