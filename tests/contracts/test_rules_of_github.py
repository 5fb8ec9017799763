"""What act does not model, tested from GitHub's rules: permissions of a job, and which of two waiting runs is cancelled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.simulator import Simulator, Token
from support.git import commit, git, on_github
from support.loopback import Loopback
from support.project import Project

WORKFLOWS = Path(__file__).resolve().parents[2] / ".github/workflows"


def job(workflow: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text())["jobs"][name]
    return found


def token_of(workflow: str, name: str, without: str = "") -> Token:
    """GITHUB_TOKEN as GitHub makes it: what the job's block names, and nothing else."""
    allowed = {
        scope.replace("-", "_"): level for scope, level in job(workflow, name)["permissions"].items() if scope != without
    }
    return Token(login="github-actions[bot]", permissions=allowed, limit=1000)


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.repository.collaborators.update(ada="write", grace="write", linus="write")
        yield sim
        assert sim.unknown_routes == []


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Loopback().serving() as service:
        one = Project(tmp_path / "project", service)
        for gate in one.environment["gates"].values():
            gate["coverage"] = "1%"
        one.environment["requires"] = {"backup": {"verified": True}, "approvals": {"at_least": 2}}
        one.write()
        yield one


def prepared(project: Project, github: Simulator, token: Token) -> dict[str, str]:
    sha = commit(project.root)
    git(project.root, "tag", "v2")
    github.repository.tags["v2"] = sha
    github.add_pull_request(number=7, head_sha=sha, author="ada")
    for reviewer in ("grace", "linus"):
        github.add_review(7, reviewer)
    github.add_status(sha, "ci")
    github.add_token("t-job", token)
    return on_github(github, sha, token="t-job")


STEPS = (
    ("check", "--tag", "v2"),
    ("backup", "create", "--verify"),
    ("gate",),
    ("deploy", "--tag", "v2", "--backup-first", "--force"),
    ("monitor",),
)


def test_the_permissions_of_production_are_enough_for_each_of_its_steps(project: Project, github: Simulator) -> None:
    env = prepared(project, github, token_of("deploy", "production"))
    for step in STEPS:
        done = project.guard(*step, env=env)
        assert done.code == 0, (step, done.err + done.out)
        assert "403" not in done.err, (step, done.err)
    assert not [one.path for one in github.log if one.status == 403]


@pytest.mark.parametrize("scope", ["actions", "contents", "deployments", "pull-requests"])
def test_and_none_of_them_is_superfluous(project: Project, github: Simulator, scope: str) -> None:
    """`statuses` is what the action itself writes with; the program does not."""
    env = prepared(project, github, token_of("deploy", "production", without=scope))
    for step in STEPS:
        if project.guard(*step, env=env).code:
            break
    assert [one.path for one in github.log if one.status == 403]


def test_the_permissions_of_the_rollback_are_enough(project: Project, github: Simulator) -> None:
    env = prepared(project, github, token_of("deploy", "production"))
    assert project.guard(*STEPS[1], env=env).code == 0
    assert project.guard(*STEPS[3], env=env).code == 0
    github.add_token("t-job", token_of("rollback", "rollback"))
    before = len(github.log)
    done = project.guard("rollback", "--confirm", "production", env=env)
    assert done.code == 0, done.err
    assert project.version == "good"
    assert not [one.path for one in github.log[before:] if one.status == 403]


def group(workflow: str, name: str, **inputs: str) -> str:
    """A job's concurrency group, in the letters that GitHub compares."""
    found = job(workflow, name)["concurrency"]
    assert found["cancel-in-progress"] is False
    text: str = re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda one: inputs[one[1]], found["group"])
    assert "${{" not in text
    return text.casefold()


def cancelled(arrivals: list[str]) -> set[int]:
    """Which runs GitHub cancels when all of these arrive while the first of each group goes on: one waits, the newest."""
    running: set[str] = set()
    waiting: dict[str, int] = {}
    lost = set()
    for number, name in enumerate(arrivals):
        if name not in running:
            running.add(name)
        else:
            lost |= {waiting[name]} if name in waiting else set()
            waiting[name] = number
    return lost


@given(st.lists(st.sampled_from(["staging", "production", "rollback"]), max_size=30))
def test_no_deployment_ever_cancels_a_rollback_that_waits(arrivals: list[str]) -> None:
    groups = {
        "staging": group("deploy", "staging", staging="staging"),
        "production": group("deploy", "production", production="production"),
        "rollback": group("rollback", "rollback", environment="production"),
    }
    lost = cancelled([groups[one] for one in arrivals])
    alone = cancelled(["same" if one == "rollback" else str(number) for number, one in enumerate(arrivals)])
    assert {number for number in lost if arrivals[number] == "rollback"} == alone, "only a newer rollback takes its place"
