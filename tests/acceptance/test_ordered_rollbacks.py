"""Rollbacks that a workflow runs for somebody: who may order one, to what, and what happens without GitHub."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dhash_guard.simulator import Simulator
from support.git import commit, on_github
from support.project import DEPLOY, PROGRAM, Project

NIGHTLY = [str(PROGRAM), "backup", "create"]


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.repository.collaborators.update(grace="admin", linus="maintain", ada="write", eve="read")
        yield sim
        assert sim.unknown_routes == []


@pytest.fixture
def runner(project: Project, github: Simulator) -> dict[str, str]:
    """A release that is in production, and a run that somebody dispatched."""
    env = on_github(github, commit(project.root)) | {"GITHUB_ACTOR": "ada"}
    assert project.guard("deploy", "--tag", "next", "--backup-first", "--force", env=env).code == 0
    assert project.version == "next"
    return env


def stage(project: Project, name: str) -> str:
    return str(next(one["text"] for one in project.evidence()["stages"] if one["name"] == name))


@pytest.mark.parametrize(("actor", "by", "code"), [("ada", "write", 0), ("linus", "maintain", 0), ("grace", "admin", 0)])
def test_who_may_order_one_gets_it(project: Project, runner: dict[str, str], actor: str, by: str, code: int) -> None:
    project.environment["rollback"]["by"] = by
    project.write()
    done = project.guard("rollback", "--confirm", "production", "--reason", "hurts", env=runner | {"GITHUB_ACTOR": actor})
    assert done.code == code, done.err
    assert project.version == "good"
    assert f"ordered by {actor}" in stage(project, "rollback leave")


@pytest.mark.parametrize(
    ("actor", "by"), [("eve", "write"), ("nobody", "write"), ("ada", "maintain"), ("linus", "admin"), ("", "write")]
)
def test_who_may_not_gets_nothing(project: Project, runner: dict[str, str], actor: str, by: str) -> None:
    project.environment["rollback"]["by"] = by
    project.write()
    done = project.guard("rollback", "--force", env=runner | {"GITHUB_ACTOR": actor})
    assert done.code == 1, done.err
    assert project.version == "next"
    assert "asked" in stage(project, "rollback leave")


def test_who_runs_an_old_rollback_again_needs_the_rights_too(project: Project, runner: dict[str, str]) -> None:
    """GitHub keeps the first one as the actor, and the typed confirmation stands in the run."""
    project.environment["rollback"]["by"] = "admin"
    project.write()
    env = runner | {"GITHUB_ACTOR": "grace", "GITHUB_TRIGGERING_ACTOR": "ada", "GITHUB_RUN_ATTEMPT": "2"}
    assert project.guard("rollback", "--confirm", "production", env=env).code == 1
    assert project.version == "next"
    assert "ada has write access, asked: admin" in stage(project, "rollback leave")


def test_an_event_that_strangers_cause_orders_nothing(project: Project, runner: dict[str, str]) -> None:
    event = project.root / "event.json"
    event.write_text('{"issue": {"number": 7}, "comment": {"id": 1}, "repository": {"full_name": "octo/service"}}')
    env = runner | {"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": str(event)}
    assert project.guard("rollback", "--force", env=env).code in (1, 2)
    assert project.version == "next"


def test_another_name_than_the_environments_confirms_nothing(project: Project, runner: dict[str, str]) -> None:
    done = project.guard("rollback", "--confirm", "prod", env=runner)
    assert done.code == 2
    assert "'production'" in done.err
    assert project.version == "next"
    assert project.guard("rollback", "--force", "--confirm", "staging", env=runner).code == 2
    assert project.guard("rollback", env=runner | {"DHASH_GUARD_CONFIRM": "production"}).code == 2, (
        "not from the environment"
    )


def test_a_typed_name_insists_on_nothing(project: Project, runner: dict[str, str]) -> None:
    """It answers the question; a snapshot that fails still stops the rollback."""
    blocked = project.root / "backups/pre_rollback"
    blocked.rmdir()
    blocked.write_text("in the way")
    assert project.guard("rollback", "--confirm", "production", env=runner).code != 0
    assert project.version == "next"


def test_a_second_rollback_to_the_same_backup_is_asked_for_with_force(project: Project, runner: dict[str, str]) -> None:
    assert project.guard("rollback", "--confirm", "production", env=runner).code == 0
    again = project.guard("rollback", "--confirm", "production", env=runner)
    assert again.code == 1
    assert "already" in again.out
    assert project.guard("rollback", "--force", env=runner).code == 0


def test_a_file_from_elsewhere_is_no_target(project: Project, runner: dict[str, str]) -> None:
    sealed = next((project.root / "backups").glob("*.zip"))
    elsewhere = project.root / "brought" / sealed.name
    elsewhere.parent.mkdir()
    for one in (sealed, sealed.with_name(sealed.name + ".sha256")):
        elsewhere.with_name(one.name).write_bytes(one.read_bytes())
        one.unlink()
    done = project.guard("rollback", "--backup", str(elsewhere), "--force", env=runner)
    assert done.code in (1, 2), done.err
    assert project.version == "next"


def test_without_github_it_goes_on_and_says_so(project: Project, runner: dict[str, str]) -> None:
    done = project.guard("rollback", "--force", env=runner | {"GITHUB_API_URL": "http://127.0.0.1:9"}, timeout=170)
    assert done.code == 0, done.err
    assert project.version == "good"
    assert "GitHub" in done.err


def test_a_machine_that_forgot_everything_knows_which_backups_are_too_new(project: Project, github: Simulator) -> None:
    """A hosted runner has the backups of a store, and no record: the nightly backup held what was just being deployed."""
    (project.root / "deploy.py").write_text(f"{DEPLOY}\nimport subprocess\nsubprocess.run({NIGHTLY!r}, check=True)\n")
    runner = on_github(github, commit(project.root))
    assert project.guard("deploy", "--tag", "next", "--backup-first", "--force", env=runner).code == 0
    (project.root / ".dhash-guard/deployments/production.json").unlink()
    shown = project.guard("rollback", "--list", "--json", env=runner).json
    assert shown[0]["reason"] == "taken after the deployment began"
    assert [one["chance"] for one in shown] == ["refused", "target"]
    assert project.guard("rollback", "--confirm", "production", env=runner).code == 0
    assert project.version == "good"


def test_deploying_takes_the_typed_name_too(project: Project) -> None:
    assert project.guard("deploy", "--tag", "next", "--confirm", "staging").code == 2
    assert project.version == "good"
    assert project.guard("deploy", "--tag", "next", "--confirm", "production").code == 0
    assert project.version == "next"
