"""What GitHub's own deployments say of a release, from its first change to the verdict or the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from support.git import commit, on_github
from support.project import Project


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        yield sim
        assert sim.unknown_routes == []


def life(github: Simulator, number: int = -1) -> list[str]:
    """The states that a deployment went through."""
    made = github.repository.deployments[number]
    return [one.state for one in github.repository.deployment_statuses if one.deployment == made.id]


def words(github: Simulator) -> str:
    return github.repository.deployment_statuses[-1].description


def payload(github: Simulator, number: int = -1) -> Any:
    return json.loads(github.repository.deployments[number].payload)


def release(project: Project, env: dict[str, str], tag: str) -> int:
    return project.guard("deploy", "--tag", tag, "--backup-first", "--force", env=env).code


def test_a_good_release_is_a_success_only_when_it_was_watched(project: Project, github: Simulator) -> None:
    sha = commit(project.root)
    env = on_github(github, sha)
    assert release(project, env, "next") == 0
    (made,) = github.repository.deployments
    assert (made.sha, made.task, made.environment, made.production) == (sha, "dhash-guard:deploy", "production", True)
    assert payload(github)["tag"] == "next"
    assert life(github) == ["in_progress", "in_progress"]
    assert "not yet judged" in words(github)
    assert project.guard("monitor", env=env).code == 0
    assert life(github)[-1] == "success"
    assert len(github.repository.deployments) == 1


def test_a_bad_release_that_was_rolled_back_says_so_and_what_is_live(project: Project, github: Simulator) -> None:
    env = on_github(github, commit(project.root))
    assert release(project, env, "first") == 0
    assert project.guard("monitor", env=env).code == 0
    (project.root / "note.txt").write_text("second")
    second = commit(project.root)
    env = on_github(github, second, run=78)
    assert release(project, env, "bad") == 5
    first, bad, back = github.repository.deployments
    assert life(github, 1)[-1] == "failure"
    assert (back.task, back.sha) == ("dhash-guard:rollback", first.sha)
    assert life(github, 2) == ["success"]
    assert payload(github)["tag"] == "first"
    assert payload(github)["undoes"] == payload(github, 1)["deployment"]
    assert bad.sha == second


def test_a_rollback_by_a_person_is_recorded(project: Project, github: Simulator) -> None:
    env = on_github(github, commit(project.root))
    assert release(project, env, "first") == 0
    assert project.guard("monitor", env=env).code == 0
    assert release(project, env, "next") == 0
    assert project.guard("rollback", "--force", "--reason", "it hurts", env=env).code == 0
    assert [one.task for one in github.repository.deployments] == ["dhash-guard:deploy"] * 2 + ["dhash-guard:rollback"]
    assert life(github, 1)[-1] == "failure"


def test_a_rollback_says_so_before_it_changes_anything_and_is_a_success_only_where_it_is_proven(
    project: Project, github: Simulator
) -> None:
    env = on_github(github, commit(project.root))
    for tag in ("first", "next"):
        assert release(project, env, tag) == 0
        assert project.guard("monitor", env=env).code == 0
    assert project.guard("rollback", "--force", "--skip-validation", "--reason", "it hurts", env=env).code == 0
    assert life(github) == ["in_progress", "in_progress", "success", "failure", "failure"]
    assert len(github.repository.deployments) == 2, "nobody has looked whether the first one is well again"


def test_the_record_that_the_job_made_itself_is_used(project: Project, github: Simulator) -> None:
    """A job with `environment:` has one already, whose statuses link to its run."""
    sha = commit(project.root)
    env = on_github(github, sha, run=4711)
    own = github.add_deployment(sha=sha, environment="production")
    github.add_deployment_status(own.id, "in_progress", log_url=f"https://github.com/{github.name}/actions/runs/4711/job/9")
    other = github.add_deployment(sha=sha, environment="production")
    github.add_deployment_status(other.id, "success", log_url=f"https://github.com/{github.name}/actions/runs/47110/job/9")
    assert release(project, env, "next") == 0
    assert len(github.repository.deployments) == 2
    assert "not yet judged" in words(github)
    assert github.repository.deployment_statuses[-1].deployment == own.id


def test_a_token_that_may_not_write_records_stops_no_release(project: Project, github: Simulator) -> None:
    project.settings["state"] = {"kind": "local"}
    project.write()
    env = on_github(github, commit(project.root), token="t-read")
    done = project.guard("deploy", "--tag", "next", "--backup-first", "--force", env=env)
    assert done.code == 0, done.err
    assert project.version == "next"
    assert "warning: GitHub's record" in done.err
    assert github.repository.deployments == []


def test_a_dry_run_records_nothing(project: Project, github: Simulator) -> None:
    env = on_github(github, commit(project.root))
    assert project.guard("deploy", "--tag", "next", "--dry-run", env=env).code == 0
    assert github.repository.deployments == []


def test_an_answer_that_is_lost_makes_no_second_record(project: Project, github: Simulator) -> None:
    env = on_github(github, commit(project.root))
    github.fault("lost-answer", method="POST", path="*/deployments", times=1)
    assert release(project, env, "next") == 0
    assert len(github.repository.deployments) == 1
    assert life(github)[-1] == "in_progress"


def test_a_failed_check_on_the_commit_is_no_obstacle(project: Project, github: Simulator) -> None:
    """GitHub would answer 409 unless it is told that no context is required: our gate has asked already."""
    sha = commit(project.root)
    env = on_github(github, sha)
    github.add_status(sha, "lint", "failure")
    assert release(project, env, "next") == 0
    assert len(github.repository.deployments) == 1
