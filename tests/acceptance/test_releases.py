"""Deploying and going back through the installed program: confirmations, failures, locks, freezes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest

from support.project import PROGRAM, Project, clean_environment


@pytest.mark.parametrize(
    "command",
    [
        ["deploy", "--tag", "next"],
        ["rollback"],
        ["migrate"],
        ["backup", "restore", "--backup", "backups/any.zip"],
    ],
)
def test_without_a_terminal_and_force_it_ends_at_once(project: Project, command: list[str]) -> None:
    project.environment["migrate"] = {"run": ["true"]}
    project.write()
    began = time.monotonic()
    done = project.guard(*command)
    assert done.code == 2, done.out
    assert "--force" in done.err
    assert time.monotonic() - began < 10
    assert project.version == "good"
    assert not (project.root / "backups").exists()


def test_the_environment_variable_cannot_force(project: Project) -> None:
    done = project.guard("deploy", "--tag", "next", env={"DHASH_GUARD_FORCE": "1"})
    assert done.code == 2


def test_names_may_come_from_the_environment(project: Project) -> None:
    done = project.guard(
        "deploy", "--force", env={"DHASH_GUARD_TAG": "next", "DHASH_GUARD_ENV": "production", "DHASH_GUARD_MODE": ""}
    )
    assert done.code == 0, done.err
    assert project.version == "next"


@pytest.mark.parametrize("tag", [["--tag", ""], ["--tag=--force"], []], ids=["of an unset variable", "an option", "none"])
def test_what_is_no_release_is_a_usage_error(project: Project, tag: list[str]) -> None:
    assert project.guard("backup", "create").code == 0
    done = project.guard("deploy", *tag, "--force")
    assert done.code == 2, done.err
    assert "tag" in done.err
    assert project.version == "good"
    assert not (project.root / ".dhash-guard/deployments").exists()


def test_a_tag_is_asked_for_only_where_a_command_has_a_use_for_it(project: Project) -> None:
    project.environment["deploy"]["run"] = [sys.executable, "deploy.py", "next"]
    project.write()
    assert project.guard("deploy", "--dry-run").code == 0
    done = project.guard("deploy", "--mode", "production", "--backup-retention", "14", "--force")
    assert done.code == 0, done.err
    assert project.version == "next"


def test_mode_must_agree(project: Project) -> None:
    done = project.guard("deploy", "--tag", "next", "--mode", "staging", "--force")
    assert done.code == 2
    assert project.version == "good"


def test_a_failing_deploy_command_rolls_back_by_itself(project: Project) -> None:
    (project.root / "deploy.py").write_text(
        'import pathlib\npathlib.Path("version.txt").write_text("half\\n")\nraise SystemExit("no")\n'
    )
    done = project.guard("deploy", "--tag", "next", "--backup-first", "--force")
    assert done.code == 5, done.err
    assert project.version == "good"
    assert "exit 1" in done.out


def test_a_failing_migration_rolls_back_by_itself(project: Project) -> None:
    script = 'import pathlib\npathlib.Path("library.json").write_text("half")\nraise SystemExit(1)\n'
    (project.root / "migrate.py").write_text(script)
    project.environment["migrate"] = {"run": [sys.executable, "migrate.py"], "input": "library.json"}
    project.environment["deploy"]["migrates"] = True
    project.write()
    done = project.guard("deploy", "--tag", "next", "--backup-first", "--force")
    assert done.code == 5, done.err
    assert (project.root / "library.json").read_text() == '{"schema": 1}\n'


def test_a_migration_that_leaves_broken_json_fails(project: Project) -> None:
    (project.root / "migrate.py").write_text('import pathlib\npathlib.Path("library.json").write_text("{")\n')
    project.environment["migrate"] = {"run": [sys.executable, "migrate.py"], "input": "library.json"}
    project.write()
    assert project.guard("migrate", "--force").code == 6, "there is no backup to go back to"
    (project.root / "library.json").write_text('{"schema": 1}\n')
    assert project.guard("backup", "create").code == 0
    (project.root / ".dhash-guard/deployments/production.json").unlink()
    assert project.guard("migrate", "--force").code == 5
    assert (project.root / "library.json").read_text() == '{"schema": 1}\n'


def test_an_unhealthy_release_rolls_back_by_itself(project: Project) -> None:
    done = project.guard("deploy", "--tag", "bad", "--backup-first", "--force")
    assert done.code == 5, done.err
    assert project.version == "good"


def test_skipping_the_health_check_ends_unverified(project: Project) -> None:
    done = project.guard("deploy", "--tag", "bad", "--backup-first", "--skip-health-check", "--force")
    assert done.code == 0
    assert "unverified" in done.out
    assert project.evidence()["result"] == "unverified"


def test_a_deployment_without_a_backup_needs_a_person_when_it_fails(project: Project) -> None:
    done = project.guard("deploy", "--tag", "bad", "--force")
    assert done.code == 6
    assert project.version == "bad"


def test_a_command_that_never_ends_is_ended(project: Project) -> None:
    project.environment["deploy"] |= {"run": ["sleep", "600"], "timeout": "300ms"}
    project.write()
    done = project.guard("deploy", "--tag", "next", "--force", "--no-rollback")
    assert done.code == 7
    assert "ended by force" in done.out


def test_a_dry_run_plans_and_writes_nothing(project: Project) -> None:
    before = sorted(project.root.rglob("*"))
    done = project.guard("deploy", "--tag", "next", "--backup-first", "--dry-run")
    assert done.code == 0, done.err
    assert "would run" in done.out
    assert project.version == "good"
    assert sorted(project.root.rglob("*")) == before


def test_a_freeze_is_respected_by_deploy_and_ignored_by_rollback(project: Project) -> None:
    project.environment["freeze"] = [{"from": "2020-01-01T00:00Z", "to": "2100-01-01T00:00Z", "reason": "holidays"}]
    project.write()
    done = project.guard("deploy", "--tag", "next", "--force")
    assert done.code == 8
    assert "holidays" in done.err
    assert project.guard("backup", "create").code == 0
    assert project.guard("rollback", "--force").code == 0


def test_a_second_deployment_is_locked_out(project: Project) -> None:
    project.environment["deploy"]["run"] = [
        sys.executable,
        "-c",
        "import time, pathlib; pathlib.Path('begun').touch(); time.sleep(3)",
    ]
    project.write()
    first = subprocess.Popen(
        [str(PROGRAM), "deploy", "--tag", "a", "--force"],
        cwd=project.root,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (project.root / "begun").exists():
        time.sleep(0.02)
    done = project.guard("deploy", "--tag", "b", "--force")
    assert done.code == 8
    assert "deploy" in done.err
    first.kill()
    first.wait()
    project.environment["deploy"]["run"] = ["true"]
    project.write()
    assert project.guard("deploy", "--tag", "b", "--force").code == 0, "a lock dies with its process"


def test_a_rollback_prefers_what_was_sealed_before_the_deployment(project: Project) -> None:
    project.deployed("next")
    (project.root / "library.json").write_text('{"schema": 2}\n')
    assert project.guard("backup", "create").code == 0
    done = project.guard("rollback", "--force", "--reason", "it hurts")
    assert done.code == 0, done.err
    assert "taken after the deployment began" in done.err
    assert project.version == "good"
    assert (project.root / "library.json").read_text() == '{"schema": 1}\n'
    assert project.evidence()["run"]["reason"] == "it hurts"


def test_a_rollback_that_is_not_proven_needs_a_person(project: Project) -> None:
    project.deployed("next")
    project.service.say("/health", {"status": "unhealthy"})
    done = project.guard("rollback", "--force")
    assert done.code == 6
    assert project.version == "good"
    assert project.guard("rollback", "--force", "--skip-validation").code == 0
    assert project.evidence()["result"] == "unverified"


def test_smoke_checks_say_what_is_wrong_and_write_junit(project: Project) -> None:
    project.service.say("/ok", {"dhash": "0123456789abcdef"})
    project.environment["smoke"] = [
        {"name": "hash", "get": "/ok", "at": "dhash", "matches": "^[0-9a-f]{16}$", "quick": True},
        {"name": "wrong", "get": "/ok", "at": "nothing.here"},
        {"name": "gone", "head": "/missing"},
        {"name": "command", "run": ["false"]},
    ]
    project.write()
    quick = project.guard("smoke", "--quick")
    assert quick.code == 0, quick.err
    done = project.guard("smoke", "--junit", "smoke.xml")
    assert done.code == 1
    assert "nothing at nothing.here" in done.out
    xml = (project.root / "smoke.xml").read_text()
    assert 'tests="4" failures="3"' in xml
    assert list((project.root / "monitor_logs").glob("smoke_tests_production_*.log"))


def test_smoke_without_checks_cannot_tell(project: Project) -> None:
    assert project.guard("smoke").code == 3


def test_the_gate_asks_for_evidence(project: Project) -> None:
    assert project.guard("gate").code == 3, "nothing is asked for, so nothing is known"
    project.environment["requires"] = {"backup": {"verified": True, "younger_than": "1h"}}
    project.write()
    assert project.guard("gate").code == 3
    assert project.guard("backup", "create").code == 0
    done = project.guard("gate")
    assert done.code == 0, done.err
    project.environment["requires"]["approvals"] = {"at_least": 2}
    project.write()
    assert project.guard("gate").code == 3


def test_production_is_gated_on_the_monitoring_of_staging(project: Project) -> None:
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "one"],
    ):
        subprocess.run(["git", *command], cwd=project.root, check=True)
    staging = dict(project.environment, kind="staging")
    project.settings["environments"]["staging"] = staging
    project.environment["requires"] = {"monitored": {"environment": "staging", "verdict": "healthy", "within": "1h"}}
    project.write()
    assert project.guard("gate", "--env", "production").code == 3
    assert project.guard("monitor", "--env", "staging").code == 0
    done = project.guard("gate", "--env", "production")
    assert done.code == 0, done.err
    project.service.say("/metrics", {"p95": 9000, "rate": 0.01})
    assert project.guard("monitor", "--env", "staging", "--no-rollback").code == 1
    assert project.guard("gate", "--env", "production").code == 1
    log = max((project.root / ".dhash-guard/runs/staging").glob("*/samples.jsonl"))
    project.service.say("/metrics", {"p95": 100, "rate": 0.01})
    (project.root / "log.jsonl").write_text(log.read_text().replace('"p95":9.0', '"p95":0.1'))
    project.guard("monitor", "--env", "staging", "--recorded", "log.jsonl")
    assert project.guard("gate", "--env", "production").code == 3, "a log is not the service"
    assert project.guard("monitor", "--env", "staging", "--duration", "500ms").code == 0
    assert project.guard("gate", "--env", "production").code == 3, "not the watch that the configuration asks for"
    assert project.guard("monitor", "--env", "staging").code == 0
    assert project.guard("gate", "--env", "production").code == 0
    newest = max((project.root / ".dhash-guard/runs/staging").glob("*/samples.jsonl")).parent
    shutil.rmtree(newest)
    assert project.guard("gate", "--env", "production").code == 3, "a record that is gone is no older record"
