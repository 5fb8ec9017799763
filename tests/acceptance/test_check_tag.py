"""Is the release there, and green? `check --tag` here and against GitHub."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dhash_guard.simulator import Simulator
from support.git import commit, git, on_github
from support.project import Project, Result


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        yield sim
        assert sim.unknown_routes == []


def check(project: Project, tag: str, env: dict[str, str] | None = None) -> Result:
    return project.guard("check", "--env", "production", "--tag", tag, env=env)


def told(project: Project) -> dict[str, str]:
    """What each check found, by the record of the run."""
    return {one["check"]: one["text"] for one in project.evidence()["stages"][0]["findings"]}


def test_a_tag_that_is_checked_out_is_there(project: Project) -> None:
    commit(project.root)
    git(project.root, "tag", "-a", "-m", "a release", "v1")
    done = check(project, "v1")
    assert done.code == 0, done.err
    assert told(project)["tag v1"]


@pytest.mark.parametrize("tag", ["", "--help"])
def test_what_is_no_name_of_a_release_is_a_usage_error(project: Project, tag: str) -> None:
    done = project.guard("check", "--env", "production", f"--tag={tag}")
    assert done.code == 2, done.err
    assert "no name of a release" in done.err


@pytest.mark.parametrize("tag", ["v2", "no such tag", "../../x"])
def test_a_tag_that_is_not_there(project: Project, tag: str) -> None:
    commit(project.root)
    done = project.guard("check", "--env", "production", f"--tag={tag}")
    assert done.code == 1, done.err
    assert "names no commit" in done.out


def test_a_tag_of_another_commit_than_the_one_that_is_checked_out(project: Project) -> None:
    commit(project.root)
    git(project.root, "tag", "v1")
    commit(project.root, "more")
    done = check(project, "v1")
    assert done.code == 1
    assert "is checked out" in done.out


def test_without_git_nothing_is_there(project: Project) -> None:
    assert check(project, "v1").code == 1


def released(project: Project, github: Simulator) -> tuple[str, dict[str, str]]:
    sha = commit(project.root)
    github.repository.tags["v1"] = sha
    return sha, on_github(github, sha, run=900)


def test_a_shallow_checkout_asks_github_for_the_tag(project: Project, github: Simulator) -> None:
    sha, env = released(project, github)
    github.add_status(sha, "ci")
    done = check(project, "v1", env)
    assert done.code == 0, done.out
    assert told(project)["checks of v1"] == "1 went well"
    assert check(project, "v2", env).code == 1


@pytest.mark.parametrize("state", ["failure", "pending", "error"])
def test_a_status_that_is_not_green(project: Project, github: Simulator, state: str) -> None:
    sha, env = released(project, github)
    github.add_status(sha, "ci", "success")
    github.add_status(sha, "e2e", state)
    done = check(project, "v1", env)
    assert done.code == 1
    assert f"e2e: {state}" in done.out


def test_runs_count_too_but_this_one_and_our_own_status_do_not(project: Project, github: Simulator) -> None:
    sha, env = released(project, github)
    assert "nothing has looked at this commit" in check(project, "v1", env).out
    github.add_run(id=900, head_sha=sha, name="release", status="in_progress", conclusion=None)
    github.add_status(sha, "dhash-guard/gate", "failure")
    assert "nothing has looked at this commit" in check(project, "v1", env).out
    github.add_run(head_sha=sha, name="ci", conclusion="failure")
    assert "ci: failure" in check(project, "v1", env).out
    github.add_run(head_sha=sha, name="ci")
    github.add_run(head_sha=sha, name="docs", conclusion="skipped")
    assert check(project, "v1", env).code == 0, "the latest run of a workflow counts"
    github.add_run(head_sha=sha, name="slow", status="queued", conclusion=None)
    assert "slow: queued" in check(project, "v1", env).out


def test_what_github_does_not_tell_is_not_green(project: Project, github: Simulator) -> None:
    _, env = released(project, github)
    done = check(project, "v1", env | {"GITHUB_TOKEN": "t-nobody"})
    assert done.code in (1, 2), done.out
