"""What `config check` and `check` say of a store that cannot work, and of a runner whose disk goes away."""

from __future__ import annotations

from typing import Any

import pytest

from support.git import git
from support.project import Project

HOSTED = {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"}
PROOF_LEGS = {"legs": ["check", "backup"]}


def stored(project: Project, **settings: Any) -> None:
    project.environment["backup"]["store"] = {"kind": "object", **settings}
    project.write()


@pytest.fixture
def ready(project: Project) -> Project:
    """A project of which everything else is ready."""
    assert project.guard("check").code == 0
    return project


@pytest.mark.parametrize(
    ("settings", "key", "text"),
    [
        ({"url": "gs://bucket"}, "url", "s3://bucket/prefix"),
        ({"url": "s3://"}, "url", "no address of a store"),
        ({"url": "s3://user:hunter2@bucket"}, "url", "key_env"),
        ({"url": "s3://bucket", "retain": 0}, "retain", "at least 1"),
        ({"url": "s3://bucket", "key_env": "STORE_KEY"}, "key_env", "name both"),
        ({"url": "s3://bucket", "secret_env": "STORE_SECRET"}, "secret_env", "name both"),
        ({"url": "s3://bucket", "endpoint_url": "store.example.com"}, "endpoint_url", "https://host"),
        ({"url": "s3://bucket", "endpoint_url": "http://["}, "endpoint_url", "https://host"),
    ],
)
def test_a_store_that_can_never_work_is_a_fault_of_the_file(
    project: Project, settings: dict[str, Any], key: str, text: str
) -> None:
    stored(project, **settings)
    done = project.guard("config", "check")
    assert done.code == 2, done.out
    number = next(
        n for n, line in enumerate((project.root / "dhash-guard.yml").read_text().splitlines(), 1) if f" {key}:" in line
    )
    assert f"dhash-guard.yml:{number}" in done.err
    assert f"backup.store.{key}" in done.err
    assert text in done.err
    assert "hunter2" not in done.err


def test_what_only_this_machine_lacks_is_a_note(project: Project) -> None:
    stored(project, url="s3://bucket", key_env="STORE_KEY", secret_env="STORE_SECRET")
    done = project.guard("config", "check", env={"STORE_KEY": "there"})
    assert done.code == 0, done.err
    assert "the variable STORE_SECRET is not set here" in done.out
    assert "STORE_KEY" not in done.out


def test_a_store_that_answers_is_said_and_one_that_does_not_is_a_finding(ready: Project) -> None:
    mounted = ready.root.parent / "mounted"
    stored(ready, url=f"file://{mounted}")
    done = ready.guard("check")
    assert done.code == 1
    assert "backup store: the folder of the store is not there" in done.out
    mounted.mkdir()
    assert ready.guard("backup", "create").code == 0
    done = ready.guard("check", "--json")
    assert done.code == 0, done.out
    [finding] = [f for f in done.json["stages"][0]["findings"] if f["check"] == "backup store"]
    assert "backups there: 1" in finding["text"]


def test_backups_that_git_would_take_along_are_noted(ready: Project) -> None:
    git(ready.root, "init", "--quiet")
    (ready.root / ".gitignore").write_text("/backups/\n.dhash-guard/\n")
    done = ready.guard("check")
    assert done.code == 0, done.err
    assert "git: does not ignore monitor_logs/, premerge_artifacts/" in done.out
    (ready.root / ".gitignore").write_text("backups/\n.dhash-guard/\nmonitor_logs/\npremerge_artifacts/\n")
    assert "does not ignore" not in ready.guard("check").out


@pytest.mark.parametrize("kind", ["production", "staging"])
def test_on_a_hosted_runner_local_backups_are_none(ready: Project, kind: str) -> None:
    ready.environment["kind"] = kind
    ready.write()
    done = ready.guard("check", "--json", env=HOSTED)
    assert done.code == 2, done.out
    assert done.json["result"] == "nothing-lasts"
    assert ready.evidence()["exit_code"] == 2
    assert ready.guard("check", env={**HOSTED, "RUNNER_ENVIRONMENT": "self-hosted"}).code == 0
    (ready.root.parent / "mounted").mkdir()
    stored(ready, url=f"file://{ready.root.parent}/mounted")
    assert ready.guard("check", env=HOSTED).code == 0


def test_on_a_hosted_runner_everything_else_is_said_too(ready: Project) -> None:
    ready.environment["check"] = {"files": ["missing.txt"]}
    ready.write()
    done = ready.guard("check", env=HOSTED)
    assert done.code == 2
    assert "missing.txt" in done.out
    assert "its disk goes away" in done.out


def test_a_rehearsal_on_a_hosted_runner_needs_no_store(ready: Project) -> None:
    ready.settings["premerge"] = PROOF_LEGS
    ready.write()
    done = ready.guard("premerge", env=HOSTED)
    assert done.code == 0, done.out + done.err
