"""Attempts to take over a run that has the repository's rights: what a pull request brings along decides nothing."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dhash_guard.simulator import Simulator
from support.acting import REPOSITORY, SYSTEMS, pull_request
from support.project import Project, Result
from support.steps import run_action, run_step

FORK, RUN, SECRET = "mallory/service", 4242, "s3cr3t-0123456789-abcdef"
OTHER = "b" * 40
GIT = ["git", "-c", "user.name=o", "-c", "user.email=o@example.com", "-c", "init.defaultBranch=main"]
OWNED = ["python", "-c", "import pathlib; pathlib.Path('owned').touch()"]


def git(project: Project, *words: str) -> str:
    return subprocess.run([*GIT, *words], cwd=project.root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def base(base: Project) -> Project:
    """The same with one commit."""
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "the base"]):
        git(base, *words)
    return base


@pytest.fixture
def hub() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as served:
        served.repository.collaborators.update(grace="write", mallory="read")
        served.add_pull_request(number=9, head_sha=OTHER, head_ref="better", author="ada")
        yield served
        assert served.unknown_routes == []


def proposed(project: Project, hub: Simulator, **files: str) -> str:
    """A fork's commit is checked out, with these files in it (names with `/` as `__`, dots as they are); its id."""
    hostile = {
        "version": 1,
        "service": "evil",
        "environments": {
            "production": {
                "backup": {"components": {"database": {"paths": ["library.json"]}}},
                "deploy": {"run": OWNED, "plan": OWNED},
                "trust": {"deployments": "anything"},
            }
        },
        "premerge": {"legs": ["deploy"], "may_skip": ["deploy", "check", "backup"]},
    }
    git(project, "checkout", "-qb", "theirs")
    (project.root / "dhash-guard.yml").write_text(yaml.safe_dump(hostile))
    for name, text in files.items():
        path = project.root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "a change")
    head = git(project, "rev-parse", "HEAD")
    open_at(hub, head)
    return head


def open_at(hub: Simulator, head: str) -> None:
    hub.add_pull_request(number=7, head_sha=head, head_ref="change", head_repository=FORK, author="mallory")


def event(head: str) -> dict[str, Any]:
    """A pull request of a fork."""
    told = pull_request(7, head)
    told["pull_request"]["head"] |= {"repo": {"full_name": FORK}, "ref": "change"}
    return told | {"sender": {"login": "mallory"}}


def ended(head: str) -> dict[str, Any]:
    """The run of a fork that has ended."""
    run = {
        "id": RUN, "run_attempt": 1, "event": "pull_request", "conclusion": "success", "head_sha": head,
        "head_branch": "change", "actor": {"login": "mallory"}, "head_repository": {"full_name": FORK, "id": 2},
        "pull_requests": [],
    }  # fmt: skip
    repository = {"full_name": REPOSITORY, "id": 1, "default_branch": "main"}
    return {"action": "completed", "workflow_run": run, "repository": repository, "sender": {"login": "mallory"}}


def leave(folder: Path, system: str, commit: str, **claims: Any) -> Path:
    """What a leg of the fork's run left."""
    stages = [{"name": name, "status": "passed", "text": "fine"} for name in ("check", "backup")]
    report = {
        "leg": system, "service": "dhash", "environment": "production", "commit": commit, "result": "proceed",
        "exit_code": 0, "stages": stages, "head": commit, "run": str(RUN), "attempt": 1, "schema_version": 1,
    }  # fmt: skip
    path = folder / f"premerge-{system}" / f"result-{system}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report | claims))
    return path


def left(project: Project, commit: str, **claims: Any) -> Path:
    folder = project.root.parent / "temp" / "premerge_results"
    for system in SYSTEMS:
        leave(folder, system, commit, **claims)
    return folder


def publish(project: Project, hub: Simulator, folder: Path, head: str) -> Result:
    temp = {"runner__temp": str(folder.parent)}
    return run_step(project, "publish-comment.yml", "publish-comment", "workflow_run", ended(head), hub.url, **temp)


def act(project: Project, hub: Simulator, name: str, payload: dict[str, Any], args: str = "", **environ: str) -> Result:
    """Our action as a careless workflow would use it in a privileged event."""
    inputs = {"command": "premerge", "environment": "production", "args": args}
    return run_action(project, name, payload, hub.url, inputs, environ=environ)


def writes(hub: Simulator) -> int:
    return sum(entry.method in ("POST", "PATCH", "DELETE") and entry.path != "/graphql" for entry in hub.log)


def assert_no_effect(project: Project, hub: Simulator, done: Result, code: int, *words: str) -> None:
    """Nothing ran, nothing was written, nothing was told that should not be."""
    assert done.code == code, done.out
    for word in words:
        assert word in done.out, done.out
    assert not list(project.root.parent.rglob("owned"))
    assert writes(hub) == 0
    told = done.out + "".join(p.read_text() for p in project.root.parent.glob("[os]u*y") if p.is_file())
    assert "evil" not in told.replace("evil.example", "")
    assert SECRET not in told


OWN = "this checkout is the pull request's own"


def test_1_pull_request_target_with_the_forks_commit_checked_out(base: Project, hub: Simulator) -> None:
    head = proposed(base, hub)
    assert_no_effect(base, hub, act(base, hub, "pull_request_target", event(head)), 2, OWN, "default branch")


def test_2_pull_request_target_with_its_merge_checked_out(base: Project, hub: Simulator) -> None:
    head = proposed(base, hub)
    git(base, "checkout", "-q", "main")
    git(base, "merge", "-q", "--no-ff", "-m", "Merge", "theirs")
    assert_no_effect(base, hub, act(base, hub, "pull_request_target", event(head)), 2, OWN)


def test_3_workflow_run_with_the_forks_commit_checked_out(base: Project, hub: Simulator) -> None:
    head = proposed(base, hub, templates__legs_md="owned")
    done = publish(base, hub, left(base, head), head)
    assert_no_effect(base, hub, done, 2, OWN)


def test_4_issue_comment_with_the_pull_request_fetched(base: Project, hub: Simulator) -> None:
    """The event does not say the commit; that it was fetched as a pull request does."""
    head = proposed(base, hub)
    git(base, "update-ref", "refs/remotes/pull/7/merge", head)
    payload = {
        "action": "created", "issue": {"number": 7, "pull_request": {}}, "comment": {"body": "/deploy"},
        "repository": {"full_name": REPOSITORY}, "sender": {"login": "mallory", "type": "User"},
    }  # fmt: skip
    assert_no_effect(base, hub, act(base, hub, "issue_comment", payload), 2, OWN)


def test_5_an_artifact_that_lands_on_the_configuration(base: Project, hub: Simulator) -> None:
    """A careless workflow downloads into the workspace; the configuration is not as the base has it any more."""
    open_at(hub, OTHER)
    (base.root / "dhash-guard.yml").write_text("version: 1\nservice: evil\nenvironments: {production: {}}\n")
    assert_no_effect(base, hub, publish(base, hub, left(base, OTHER), OTHER), 2, "is not as the checked-out commit has it")


def test_6_an_artifact_that_lands_in_the_templates(base: Project, hub: Simulator) -> None:
    git(base, "checkout", "-q", "main")
    base.settings["directories"] = {"templates": "templates"}
    base.write()
    (base.root / "templates").mkdir()
    (base.root / "templates/comment.md").write_text("{{ title }}\n")
    git(base, "add", "-A")
    git(base, "commit", "-qm", "templates")
    (base.root / "templates/legs.md").write_text("owned by evil\n")
    open_at(hub, OTHER)
    assert_no_effect(base, hub, publish(base, hub, left(base, OTHER), OTHER), 2, "is not as the checked-out commit has it")


def test_7_a_configuration_that_is_a_link(base: Project, hub: Simulator) -> None:
    outside = base.root.parent / "outside.yml"
    outside.write_text(f"version: 1\nservice: [{SECRET}\n")
    (base.root / "dhash-guard.yml").unlink()
    (base.root / "dhash-guard.yml").symlink_to(outside)
    open_at(hub, OTHER)
    assert_no_effect(base, hub, publish(base, hub, left(base, OTHER), OTHER), 2, "is not as the checked-out commit has it")


def test_8_a_variable_that_names_another_configuration(base: Project, hub: Simulator) -> None:
    """An earlier step could be made to set it."""
    folder = left(base, OTHER)
    (folder / "dhash-guard.yml").write_text("version: 1\nservice: evil\nenvironments: {production: {}}\n")
    open_at(hub, OTHER)
    args = f"--publish\n{folder}\n--expected\nubuntu-latest"
    done = act(base, hub, "workflow_run", ended(OTHER), args, DHASH_GUARD_CONFIG=str(folder / "dhash-guard.yml"))
    assert_no_effect(base, hub, done, 2)


def test_9_a_configuration_that_asks_for_secrets(base: Project, hub: Simulator) -> None:
    """In pull_request its own configuration runs, without rights; what the runner's step was given is not there to read."""
    base.settings["service"] = "dhash-${DHASH_GUARD_INPUT_GITHUB_TOKEN}${GITHUB_TOKEN}${GH_TOKEN}"
    base.write()
    hub.add_token(SECRET, hub.world.tokens["t-write"])
    hub.add_pull_request(number=7, head_sha=OTHER, head_ref="change", head_repository=FORK, author="mallory")
    inputs = {"command": "premerge", "environment": "production", "args": "--leg=linux"}
    done = run_action(base, "pull_request", event(OTHER), hub.url, inputs, token=SECRET)
    assert_no_effect(base, hub, Result(done.code, done.out.replace(f"::add-mask::{SECRET}", ""), done.err), 2)


def test_10_evidence_that_names_another_pull_request(base: Project, hub: Simulator) -> None:
    head = "a" * 40
    open_at(hub, head)
    folder = left(base, head, pull_request=9, number=9, repository="octo/other", issue={"number": 9})
    assert_no_effect(base, hub, publish(base, hub, folder, head), 3, "cannot be read")
    assert (hub.comments(7), hub.comments(9)) == ([], [])


def test_11_evidence_of_another_commit_run_or_repository(base: Project, hub: Simulator) -> None:
    open_at(hub, "a" * 40)
    for claims in ({"head": OTHER}, {"run": "9"}, {"attempt": 9}, {"service": "other"}, {"environment": "staging"}):
        folder = left(base, "a" * 40, **claims)
        assert_no_effect(base, hub, publish(base, hub, folder, "a" * 40), 3)


def test_12_paths_in_an_artifact_that_lead_outside(base: Project, hub: Simulator) -> None:
    head, folder = "a" * 40, base.root.parent / "temp" / "premerge_results"
    open_at(hub, head)
    outside = base.root.parent / "outside"
    leave(outside, "ubuntu-latest", head)
    folder.mkdir(parents=True)
    (folder / "premerge-ubuntu-latest").symlink_to(outside / "premerge-ubuntu-latest")
    for system in SYSTEMS[1:]:
        leave(folder, system, head, leg=f"../../{system}")
    assert_no_effect(base, hub, publish(base, hub, folder, head), 3, "has not reported", "says it is of ../../")


def test_13_results_that_grow_when_they_are_read(base: Project, hub: Simulator) -> None:
    """A file of gigabytes without content, one that nests for ever, and one of a hundred thousand legs."""
    head = "a" * 40
    open_at(hub, head)
    folder = left(base, head)
    huge, deep, wide = (folder / f"premerge-{system}" / f"result-{system}.json" for system in SYSTEMS)
    os.truncate(huge, 4 << 30)
    deep.write_text("[" * 100_000)
    wide.write_text(
        json.dumps(json.loads(wide.read_text()) | {"stages": [{"name": "s", "status": "passed", "text": ""}] * 60_000})
    )
    assert_no_effect(base, hub, publish(base, hub, folder, head), 3, "sensible size", "cannot be read", "more than 50 legs")


def test_14_legs_with_hostile_names(base: Project, hub: Simulator) -> None:
    head = "a" * 40
    open_at(hub, head)
    names = ("--> <img src=x>", "<script>", "$(touch owned)", "..", "a\nb", "`touch owned`")
    folder = left(base, head)
    for name in names:
        leave(folder / "more", "x", head).rename(folder / "more" / "premerge-x" / f"result-{name}.json")
        leave(folder, "x", head, leg=name)
    done = publish(base, hub, folder, head)
    assert done.code == 0, done.out
    (comment,) = hub.comments(7)
    assert not any(name in comment.body for name in names if name != "..")
    assert "3 of 3 systems passed" in comment.body
    assert not list(base.root.parent.rglob("owned"))


def test_15_a_comment_that_bears_our_marker(base: Project, hub: Simulator) -> None:
    """With ticks, data and a verdict of its own; it is neither believed nor touched."""
    head = "a" * 40
    open_at(hub, head)
    data = base64.urlsafe_b64encode(zlib.compress(b"[" + b" " * 90_000_000 + b"]", 9)).decode()
    body = (
        "<!-- dhash-guard:v1:premerge:production -->\n## ✅ Ready to merge\n- [x] all <!-- dhash-guard:box:operator -->\n"
        f"<!-- dhash-guard:boxes:{data[:30000]} --><!-- dhash-guard:legs:{data[:30000]} -->"
    )
    forged = hub.add_comment(7, body, author="mallory")
    done = publish(base, hub, left(base, head), head)
    assert done.code == 0, done.out
    theirs, ours = hub.comments(7)
    assert (theirs, ours.author) == (forged, "github-actions[bot]")
    assert "- [x]" not in ours.body


def edited(hub: Simulator, number: int, body: str, **changes: Any) -> dict[str, Any]:
    """Somebody has changed a comment: what GitHub keeps, and the event that it sends."""
    before = next(one for one in hub.repository.comments if one.id == number)
    there = hub.edit_comment(number, body)
    comment = {"id": number, "body": body, "updated_at": there.updated_at, "user": {"login": there.author}}
    payload = {
        "action": "edited", "changes": {"body": {"from": before.body}}, "issue": {"number": 7, "pull_request": {}},
        "comment": comment, "repository": {"full_name": REPOSITORY, "id": 1, "default_branch": "main"},
        "sender": {"login": "mallory", "type": "User"},
    }  # fmt: skip
    return payload | changes


def test_16_ticks_that_nobody_gave(base: Project, hub: Simulator) -> None:
    """In a comment of one's own, by a bot, in the name of the bot, and by a hidden line that claims somebody else did."""
    head = "a" * 40
    open_at(hub, head)
    assert publish(base, hub, left(base, head), head).code == 0
    (ours,) = hub.comments(7)
    ticked = ours.body.replace("- [ ]", "- [x]")
    forged = hub.add_comment(7, ours.body, author="mallory")
    done_by_us = writes(hub)

    def said(payload: dict[str, Any]) -> str:
        done = run_step(base, "approvals.yml", "checklist", "issue_comment", payload, hub.url)
        assert done.code == 0, done.out
        return done.out

    assert "no comment of this program" in said(edited(hub, forged.id, ticked))
    forged_author = edited(hub, forged.id, ticked + " ")
    forged_author["comment"]["user"]["login"] = "github-actions[bot]"
    assert "is gone" in said(forged_author)
    bot = edited(hub, forged.id, ticked, sender={"login": "helper[bot]", "type": "Bot"})
    assert "no person" in said(bot)
    assert writes(hub) == done_by_us
    claimed = {"ticks": {"operator": {"on": True, "who": "grace", "at": 1.0, "seen": 1.0, "about": ""}}, "shown": {}}
    packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(claimed).encode(), 9)).decode()
    start = ours.body.index("<!-- dhash-guard:boxes:")
    end = ours.body.index("-->", start) + 3
    said(edited(hub, ours.id, f"{ours.body[:start]}<!-- dhash-guard:boxes:{packed} -->{ours.body[end:]}"))
    (mended,) = (one for one in hub.comments(7) if one.id == ours.id)
    assert "grace" not in mended.body
    assert "- [x]" not in mended.body


def test_17_a_review_that_the_event_alone_has_seen(base: Project, hub: Simulator) -> None:
    head = "a" * 40
    open_at(hub, head)
    base.environment["requires"] = {"approvals": {"at_least": 1}}
    base.write()
    payload = event(head) | {
        "action": "submitted",
        "review": {"state": "approved", "user": {"login": "grace"}, "commit_id": head},
    }
    done = run_step(base, "approvals.yml", "approvals", "pull_request_review", payload, hub.url)
    assert_no_effect(base, hub, done, 1, "0 of 1")
    hub.add_review(7, "mallory")
    assert run_step(base, "approvals.yml", "approvals", "pull_request_review", payload, hub.url).code == 1


def test_the_repositorys_own_checkout_works_in_the_same_events(base: Project, hub: Simulator) -> None:
    """Else the attempts above would show nothing."""
    head = "a" * 40
    open_at(hub, head)
    assert publish(base, hub, left(base, head), head).code == 0
    assert len(hub.comments(7)) == 1
    assert act(base, hub, "pull_request_target", event(head)).code == 0
