"""Who holds an environment, through the installed program: on a ref of the simulator's GitHub, on this disk, and without."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from support.git import commit, on_github
from support.project import Project, Result

NOBODY = "http://127.0.0.1:9"
PERMITTED = {"GITHUB_ACTOR": "ada"}


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.repository.collaborators.update(ada="write", grace="admin")
        yield sim
        assert sim.unknown_routes == []


@pytest.fixture
def runner(project: Project, github: Simulator) -> dict[str, str]:
    """What a job on a runner is told; the project is a commit that GitHub knows."""
    return on_github(github, commit(project.root)) | PERMITTED


def state(github: Simulator) -> dict[str, Any]:
    """What stands at the ref now."""
    (ref,) = github.repository.refs
    assert ref.name == "refs/dhash-guard/production"
    objects = github.repository.objects
    found: dict[str, Any] = json.loads(objects.blobs[objects.trees[objects.commits[ref.sha].tree]["state.json"]])
    return found


def history(github: Simulator) -> list[str]:
    """What was said of each state, oldest first."""
    (ref,) = github.repository.refs
    commits, sha, told = github.repository.objects.commits, ref.sha, []
    while sha:
        told.append(commits[sha].message)
        sha = commits[sha].parents[0] if commits[sha].parents else ""
    return told[::-1]


def stage(done: Result, project: Project, name: str) -> str:
    return str(next(one["text"] for one in project.evidence()["stages"] if one["name"] == name))


def unreconciled(project: Project) -> Any:
    path = project.root / ".dhash-guard/shared/production.unreconciled.json"
    return json.loads(path.read_bytes()) if path.exists() else None


def test_a_rollback_on_a_runner_holds_the_ref_and_gives_it_back(
    project: Project, github: Simulator, runner: dict[str, str]
) -> None:
    project.deployed()
    done = project.guard("rollback", "--force", "--reason", "it hurts", env=runner)
    assert done.code == 0, done.err
    kept = state(github)
    assert kept["holder"] is None
    assert kept["fencing"] == 1
    assert kept["live"]["backup"].startswith("backups/")
    assert kept["ledger_count"] == len((project.root / ".dhash-guard/ledger.jsonl").read_text().splitlines())
    assert "fencing number 1 (refs/dhash-guard/production of octo/service)" in stage(done, project, "rollback lock")
    told = history(github)
    assert told[0] == "rollback claimed by 77/1"
    assert any("is live" in line for line in told)
    assert unreconciled(project) is None


def test_a_rollback_takes_over_from_whoever_deploys(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    project.deployed()
    taken = project.guard("lock", "take", "--reason", "maintenance", env=runner | {"GITHUB_ACTOR": "grace"})
    assert taken.code == 0, taken.err
    done = project.guard("rollback", "--force", env=runner)
    assert done.code == 0, done.err
    text = stage(done, project, "rollback lock")
    assert "fencing number 2" in text
    assert "taken from lock 77/1, grace until" in text
    assert "maintenance" in text


def held_elsewhere(github: Simulator, verb: str) -> None:
    """A process of another machine is at it."""
    (ref,) = github.repository.refs
    objects = github.repository.objects
    blob = objects.trees[objects.commits[ref.sha].tree]["state.json"]
    far = {"owner": "5/1", "token": "x", "verb": verb, "actor": "eve", "reason": "", "since": 1.0, "until": 9e9}
    objects.blobs[blob] = json.dumps(json.loads(objects.blobs[blob]) | {"holder": far | {"fencing": 1}})


def slow_release(project: Project) -> None:
    """Deployed, and found to be slow afterwards."""
    project.deployed()
    project.service.say("/metrics", {"p95": 9000.0, "rate": 0.01})


def test_a_rollback_that_nobody_ordered_holds_it_too(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    slow_release(project)
    done = project.guard("monitor", env=runner)
    assert done.code == 5, done.err
    assert project.version == "good"
    assert state(github)["holder"] is None
    assert state(github)["live"]["backup"]


def test_and_it_stops_no_release_that_another_machine_is_at(
    project: Project, github: Simulator, runner: dict[str, str]
) -> None:
    assert project.guard("lock", "take", env=runner).code == 0
    slow_release(project)
    held_elsewhere(github, "deploy")
    done = project.guard("monitor", env=runner)
    assert done.code == 8, done.err
    assert "A PERSON IS NEEDED NOW" in done.err, "the other machine may not deploy after all"
    assert not json.loads((project.run_folder() / "state.json").read_bytes())["finished"], "the next watch tries again"
    assert project.version == "next"
    assert state(github)["holder"]["owner"] == "5/1"


def test_a_live_rollback_of_another_machine_is_not_disturbed(
    project: Project, github: Simulator, runner: dict[str, str]
) -> None:
    project.deployed()
    assert project.guard("rollback", "--force", env=runner).code == 0
    project.deployed("again")
    held_elsewhere(github, "rollback")
    done = project.guard("rollback", "--force", env=runner)
    assert done.code == 8, done.err
    assert "rollback 5/1, eve" in done.out
    assert project.version == "again"


def test_without_github_a_rollback_goes_on_and_the_next_command_enters_it(
    project: Project, github: Simulator, runner: dict[str, str]
) -> None:
    project.deployed()
    done = project.guard("rollback", "--force", env=runner | {"GITHUB_API_URL": NOBODY}, timeout=170)
    assert done.code == 0, done.err
    assert project.version == "good"
    assert "going on under this machine's lock" in done.err
    assert github.repository.refs == []
    (note,) = unreconciled(project)
    assert note["owner"] == "77"
    assert note["ended_at"] > note["began_at"]
    assert note["live"]["backup"]
    shown = project.guard("lock", "show", env=runner)
    assert shown.code == 0, shown.err
    assert "reconciled with refs/dhash-guard/production of octo/service" in shown.err
    assert "production is free (last fencing number 1)" in shown.out
    assert unreconciled(project) is None
    kept = state(github)
    assert kept["live"] == note["live"] | {"fencing": 1}
    assert kept["ledger_count"] == note["ledger_count"] > 0
    assert history(github) == [f"reconciled: rollback {note['run']} without the shared state"]


@pytest.mark.parametrize("token", ["t-read", "t-nobody"])
def test_a_token_that_may_not_write_stops_no_rollback(
    project: Project, github: Simulator, runner: dict[str, str], token: str
) -> None:
    project.deployed()
    done = project.guard("rollback", "--force", env=runner | {"GITHUB_TOKEN": token})
    assert done.code == 0, done.err
    assert project.version == "good"
    assert len(unreconciled(project)) == 1
    if token == "t-read":
        assert "contents: write" in done.err


def test_github_falls_silent_in_the_middle(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    project.deployed()
    github.fault("status", method="*", path="*/git/*", status=503, skip=4, times=0)
    done = project.guard("rollback", "--force", env=runner, timeout=170)
    assert done.code == 0, done.err
    assert project.version == "good"
    assert state(github)["holder"]["verb"] == "rollback", "it could not be given back"
    github.clear_faults()
    assert project.guard("lock", "show", env=runner).code == 0
    kept = state(github)
    assert (kept["holder"], kept["fencing"]) == (None, 2)
    assert kept["live"]["backup"]


# By hand


def test_who_takes_it_keeps_deployments_out(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    taken = project.guard("lock", "take", "--for", "2h", "--reason", "disks are exchanged", env=runner)
    assert taken.code == 0, taken.err
    shown = project.guard("lock", "show", env=runner)
    assert "production is held by lock 77/1, ada until" in shown.out
    assert "disks are exchanged" in shown.out
    data = project.guard("lock", "show", "--json", env=runner).json
    assert data["holder"]["actor"] == "ada"
    assert data["expired"] is False
    refused = project.guard("deploy", "--tag", "next", "--force", env=runner)
    assert refused.code == 8, refused.err
    assert project.version == "good"
    again = project.guard("lock", "take", env=runner | {"GITHUB_ACTOR": "grace"})
    assert again.code == 8
    assert "disks are exchanged" in again.err


def test_only_ones_own_is_given_back_unless_by_force(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    other = runner | {"GITHUB_ACTOR": "grace"}
    assert project.guard("lock", "take", env=runner).code == 0
    refused = project.guard("lock", "release", env=other)
    assert refused.code == 8
    assert "held by lock 77/1, ada" in refused.err
    unreasoned = project.guard("lock", "release", "--force", env=other)
    assert unreasoned.code == 2
    assert "--reason" in unreasoned.err
    assert state(github)["holder"]["actor"] == "ada"
    forced = project.guard("lock", "release", "--force", "--reason", "ada is ill", env=other)
    assert forced.code == 0, forced.err
    assert state(github)["holder"] is None
    assert history(github)[-1] == "released by hand by grace: ada is ill"
    assert "taken away from lock 77/1, ada" in stage(forced, project, "lock release")
    assert project.guard("lock", "take", env=runner).code == 0
    assert project.guard("lock", "release", env=runner).code == 0
    assert state(github)["holder"] is None
    assert "nobody held it" in project.guard("lock", "release", env=runner).out


def test_on_this_disk_it_is_the_same(project: Project) -> None:
    ada, grace = {"USER": "ada"}, {"USER": "grace"}
    assert project.guard("lock", "take", "--for", "1h", env=ada).code == 0
    path = project.root / ".dhash-guard/shared/production.json"
    assert json.loads(path.read_bytes())["holder"]["verb"] == "lock"
    assert project.guard("deploy", "--tag", "next", "--force", env=grace).code == 8
    assert project.guard("lock", "release", env=grace).code == 8
    assert project.guard("lock", "release", env=ada).code == 0
    assert project.guard("deploy", "--tag", "next", "--force", env=grace).code == 0
    assert json.loads(path.read_bytes())["live"]["tag"] == "next"


def test_a_dry_run_claims_nothing(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    project.deployed()
    assert project.guard("rollback", "--dry-run", env=runner).code == 0
    assert project.guard("lock", "take", "--dry-run", env=runner).code == 0
    assert project.guard("lock", "release", "--dry-run", env=runner).code == 0
    assert github.repository.refs == []
    assert [entry.method for entry in github.log if "/git/" in entry.path] == ["GET"]


# Where it is kept


@pytest.mark.parametrize(
    ("kind", "job", "ref"), [("auto", True, True), ("auto", False, False), ("local", True, False), ("ref", False, True)]
)
def test_the_configuration_says_where(
    project: Project, github: Simulator, runner: dict[str, str], kind: str, job: bool, ref: bool
) -> None:
    project.settings["state"] = {"kind": kind}
    project.write()
    env = runner if job else {name: value for name, value in runner.items() if name != "GITHUB_ACTIONS"}
    assert project.guard("lock", "take", env=env).code == 0
    assert bool(github.repository.refs) is ref
    assert (project.root / ".dhash-guard/shared/production.json").exists() is not ref


def test_a_ref_without_a_token_is_a_fault_of_the_configuration(project: Project) -> None:
    project.settings["state"] = {"kind": "ref"}
    project.write()
    done = project.guard("lock", "show")
    assert done.code == 2
    assert "contents: write" in done.err


def test_a_ref_that_holds_something_else_is_said(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    assert project.guard("lock", "take", env=runner).code == 0
    for sha in github.repository.objects.blobs:
        github.repository.objects.blobs[sha] = base64.b64encode(b"nonsense").decode()
    done = project.guard("lock", "show", env=runner)
    assert done.code == 4
    assert "refs/dhash-guard/production of octo/service" in done.err


# Deploying fails closed


@pytest.mark.parametrize(("fault", "code"), [("status", 7), ("reset", 7)])
def test_no_deployment_without_an_answer(
    project: Project, github: Simulator, runner: dict[str, str], fault: str, code: int
) -> None:
    github.fault(fault, path="*/git/*", status=503, times=0)
    done = project.guard("deploy", "--tag", "next", "--force", env=runner, timeout=170)
    assert done.code == code, done.err
    assert project.version == "good"


def test_no_deployment_without_the_permission(project: Project, github: Simulator, runner: dict[str, str]) -> None:
    done = project.guard("deploy", "--tag", "next", "--force", env=runner | {"GITHUB_TOKEN": "t-read"})
    assert done.code == 2, done.err
    assert "contents: write" in done.err + done.out
    assert project.version == "good"
