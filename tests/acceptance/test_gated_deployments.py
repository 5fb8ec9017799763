"""Deployments that have to ask: the gate first and again right before acting, evidence used up, refs that move, locks."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator

import pytest
from attrs import evolve

from dhash_guard.simulator import Simulator
from support.git import commit, git, on_github
from support.project import PROGRAM, Project

REQUIRES = {"monitored": {"environment": "staging", "verdict": "healthy", "within": "7d"}}


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.repository.collaborators.update(ada="write", grace="write", linus="write")
        yield sim
        assert sim.unknown_routes == []


@pytest.fixture
def gated(project: Project) -> Project:
    """Production asks for a healthy staging; the evidence of this machine counts."""
    staging = copy.deepcopy(project.environment) | {"kind": "staging"}
    project.settings["environments"]["staging"] = staging
    project.settings["trust"] = {"tier": "local"}
    project.environment["requires"] = REQUIRES
    for gate in staging["gates"].values():
        gate["coverage"] = "1%"  # a busy machine looks rarely, and how much has to be covered is not the question here
    project.write()
    commit(project.root)
    return project


def proven(project: Project, env: dict[str, str] | None = None) -> None:
    """Staging has the release, and it is healthy."""
    assert project.guard("deploy", "--env", "staging", "--tag", "v2", "--force", env=env).code == 0
    done = project.guard("monitor", "--env", "staging", env=env)
    assert done.code == 0, done.err
    (project.root / "version.txt").write_text("good\n")
    subprocess.run(["git", "checkout", "--quiet", "--", "."], cwd=project.root, check=True)


def deploy(project: Project, env: dict[str, str] | None = None, *more: str) -> tuple[int, str]:
    arguments = ("deploy", "--env", "production", "--tag", "v2", "--backup-first", "--force", *more)
    done = project.guard(*arguments, env=env)
    return done.code, done.err + done.out


def stages(project: Project) -> dict[str, str]:
    return {one["name"]: one["status"] for one in project.evidence()["stages"]}


def test_without_evidence_nothing_is_touched(gated: Project) -> None:
    code, said = deploy(gated)
    assert code == 3, said
    assert gated.version == "good"
    assert not list((gated.root / "backups").glob("*.zip"))
    assert stages(gated) == {"gate": "cannot-tell"}


def test_with_a_key_that_cannot_vouch_nothing_is_touched(gated: Project) -> None:
    gated.settings["trust"]["key_env"] = "DHASH_GUARD_EVIDENCE_KEY"
    gated.write()
    code, said = deploy(gated, {"DHASH_GUARD_EVIDENCE_KEY": "short"})
    assert code == 2, said
    assert "fewer than 32 bytes" in said
    assert not (gated.root / ".dhash-guard/runs").exists()


def test_with_evidence_it_is_asked_twice_and_goes(gated: Project) -> None:
    proven(gated)
    code, said = deploy(gated)
    assert code == 0, said
    assert gated.version == "v2"
    order = list(stages(gated))
    assert order.index("gate") < order.index("backup") < order.index("gate again") < order.index("deploy")
    assert order.index("same commit") < order.index("deploy")


def test_the_backup_that_is_asked_for_is_the_one_it_takes(gated: Project) -> None:
    gated.environment["requires"] = {"backup": {"verified": True, "younger_than": "1h"}}
    gated.write()
    commit(gated.root)
    assert gated.guard("deploy", "--env", "production", "--tag", "v2", "--force").code == 3, "it takes none"
    assert deploy(gated)[0] == 0
    assert gated.version == "v2"


def test_evidence_opens_the_gate_once(gated: Project) -> None:
    proven(gated)
    assert deploy(gated)[0] == 0
    (gated.root / "version.txt").write_text("good\n")
    code, said = deploy(gated)
    assert code == 1, said
    assert "used before" in said
    assert gated.version == "good"
    proven(gated)
    assert deploy(gated)[0] == 0, "new evidence opens it again"


def test_what_staging_took_back_opens_nothing(gated: Project) -> None:
    assert gated.guard("deploy", "--env", "staging", "--tag", "v2", "--force", "--backup-first").code == 0
    assert gated.guard("monitor", "--env", "staging").code == 0
    assert gated.guard("rollback", "--env", "staging", "--force", "--reason", "it hurts").code == 0
    code, said = deploy(gated)
    assert code == 1, said
    assert "v2 was rolled back" in said
    assert gated.version == "good"


def test_a_refused_deployment_uses_nothing_up(gated: Project) -> None:
    proven(gated)
    gated.environment["deploy"]["plan"] = [sys.executable, "-c", "raise SystemExit(1)"]
    gated.write()
    assert deploy(gated)[0] in (1, 3)
    del gated.environment["deploy"]["plan"]
    gated.write()
    assert deploy(gated)[0] == 0
    assert gated.version == "v2"


def test_a_dry_run_asks_nothing(gated: Project) -> None:
    done = gated.guard("deploy", "--env", "production", "--tag", "v2", "--dry-run")
    assert done.code == 0, done.err
    assert gated.version == "good"


def test_a_branch_that_moved_is_refused(gated: Project, github: Simulator) -> None:
    sha = commit(gated.root)
    env = on_github(github, sha)
    proven(gated, env)
    github.add_push("main", "d" * 40)
    github.add_branch("main", sha="d" * 40)
    code, said = deploy(gated, env)
    assert code == 1, said
    assert "refs/heads/main is at dddddddddddd now" in said
    assert gated.version == "good"


def test_a_tag_of_another_commit_is_refused(gated: Project) -> None:
    gated.environment["requires"] = {"backup": {"verified": True}}
    gated.write()
    commit(gated.root)
    git(gated.root, "tag", "-a", "-m", "the release before", "v2", "HEAD~1")
    code, said = deploy(gated)
    assert code == 1, said
    assert f"refs/tags/v2 is at {git(gated.root, 'rev-parse', 'HEAD~1')[:12]} here" in said
    assert gated.version == "good"


def test_a_release_that_is_no_tag_of_the_repository_is_refused(gated: Project, github: Simulator) -> None:
    gated.environment["requires"] = {"backup": {"verified": True}}
    gated.write()
    code, said = deploy(gated, on_github(github, commit(gated.root)))
    assert code == 3, said
    assert "v2 is no tag, here or on GitHub" in said
    assert gated.version == "good"


def test_a_checkout_that_moved_while_the_backup_was_taken_is_refused(gated: Project) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    gated.environment["backup"]["quiesce"] = {"run": ["git", *who, "commit", "-q", "--allow-empty", "-m", "x"]}
    gated.environment["requires"] = {"backup": {"verified": True}}
    gated.write()
    commit(gated.root)
    code, said = deploy(gated)
    assert code == 1, said
    assert "was judged" in said
    assert gated.version == "good"


def test_an_approval_taken_back_meanwhile_is_seen(gated: Project, github: Simulator) -> None:
    """The gate opens, the backup is taken, and somebody withdraws an approval before the first change."""
    sha = commit(gated.root)
    github.add_pull_request(number=7, head_sha=sha, author="ada")
    github.add_review(7, "grace")
    review = github.add_review(7, "linus").id
    call = (
        "import json, urllib.request as u; "
        f"u.urlopen(u.Request('{github.url}/repos/octo/service/pulls/7/reviews/{review}/dismissals', method='PUT', "
        "data=json.dumps({'message': 'wait', 'event': 'DISMISS'}).encode(), headers={'Authorization': 'token t-write'}))"
    )
    gated.environment["requires"] = {"approvals": {"at_least": 2}}
    gated.environment["backup"]["quiesce"] = {"run": [sys.executable, "-c", call]}
    gated.write()
    sha = commit(gated.root)
    github.change_pull_request(7, head_sha=sha)
    for number, one in enumerate(github.repository.reviews):
        github.repository.reviews[number] = evolve(one, commit=sha)
    code, said = deploy(gated, on_github(github, sha))
    assert code == 1, said
    assert stages(gated)["gate"] == "passed"
    assert stages(gated)["gate again"] == "failed"
    assert gated.version == "good"


def test_a_whole_deployment_takes_at_most_sixty_requests(gated: Project, github: Simulator) -> None:
    """Check, gate, deployment and watch, each a process of its own, with everything that GitHub can be asked."""
    gated.environment["requires"] = REQUIRES | {"approvals": {"at_least": 2}}
    for gate in gated.environment["gates"].values():
        gate["coverage"] = "1%"
    gated.write()
    sha = commit(gated.root)
    github.repository.tags["v2"] = sha
    github.add_pull_request(number=7, head_sha=sha, author="ada")
    for reviewer in ("grace", "linus"):
        github.add_review(7, reviewer)
    github.add_status(sha, "ci")
    env = on_github(github, sha)
    proven(gated, env)
    before = len(github.log)
    assert gated.guard("check", "--env", "production", "--tag", "v2", env=env).code == 0
    assert gated.guard("gate", "--env", "production", env=env).code == 0
    code, said = deploy(gated, env)
    assert code == 0, said
    assert gated.guard("monitor", "--env", "production", env=env).code == 0
    asked = [f"{one.method} {one.path}" for one in github.log[before:]]
    assert 30 < len(asked) <= 60, asked


def test_an_environment_that_somebody_holds_is_left_alone(project: Project, github: Simulator) -> None:
    env = on_github(github, commit(project.root))
    assert project.guard("lock", "take", "--env", "production", "--reason", "database work", env=env).code == 0
    code, said = deploy(project, env)
    assert code == 8, said
    assert "database work" in said
    assert project.version == "good"


def test_a_token_that_may_not_hold_it_fails_closed(project: Project, github: Simulator) -> None:
    code, said = deploy(project, on_github(github, commit(project.root), token="t-read"))
    assert code in (2, 7), said
    assert "contents: write" in said
    assert project.version == "good"


def test_a_deployment_that_is_overtaken_touches_nothing_more(project: Project, github: Simulator) -> None:
    """Somebody takes the environment away while the deploy command runs."""
    env = on_github(github, commit(project.root))
    (project.root / "deploy.py").write_text(
        "import pathlib, subprocess, sys\n"
        "pathlib.Path('version.txt').write_text('bad\\n')\n"
        f"program = {str(PROGRAM)!r}\n"
        "subprocess.run([program, 'lock', 'release', '--env', 'production', '--force', '--reason', 'mine'], check=True)\n"
    )
    code, said = deploy(project, env)
    assert code == 8, said
    assert "fenced out" in said
    assert project.version == "bad", "nobody rolled back either: that is for whoever took over"
