"""The rehearsal before a merge, through the installed program: every leg runs, each leaves its log, one result says how."""

from __future__ import annotations

import json
import sys

import pytest

from support.project import Project


@pytest.fixture
def rehearsed(project: Project) -> Project:
    """The project with everything that a rehearsal looks at."""
    project.environment["deploy"]["plan"] = [sys.executable, "-c", "print('would switch')"]
    (project.root / "migrate.py").write_text('import json, sys\njson.dump({"schema": 2}, open(sys.argv[1], "w"))\n')
    project.environment["migrate"] = {
        "run": ["false"],
        "plan": [sys.executable, "migrate.py", "{output}"],
        "input": "library.json",
    }
    project.environment["smoke"] = [{"name": "health", "get": "/health", "quick": True}]
    project.environment["check"] = {
        "tools": {"python": {"run": [sys.executable, "--version"], "at_least": "3.11"}},
        "files": ["library.json"],
    }
    project.write()
    return project


def test_a_ready_project_proceeds(rehearsed: Project) -> None:
    before = (rehearsed.root / "library.json").read_bytes()
    done = rehearsed.guard("premerge", "--leg", "ubuntu-latest")
    assert done.code == 0, done.out + done.err
    artifacts = rehearsed.root / "premerge_artifacts"
    names = {path.name for path in artifacts.iterdir()}
    assert names == {
        "check.log", "backup.log", "deploy-dryrun.log", "migrate-dryrun.log", "postdeploy-smoketests.log",
        "migrate-dryrun.json", "result-ubuntu-latest.json", "junit.xml",
    }  # fmt: skip
    result = json.loads((artifacts / "result-ubuntu-latest.json").read_bytes())
    assert (result["result"], [stage["status"] for stage in result["stages"]]) == ("proceed", ["passed"] * 5)
    assert (rehearsed.root / "library.json").read_bytes() == before
    assert rehearsed.version == "good"
    assert not (rehearsed.root / "backups").exists(), "the backup is proven in a scratch copy"


def test_every_leg_runs_and_everything_wrong_is_said(rehearsed: Project) -> None:
    rehearsed.environment["check"]["files"].append("missing.txt")
    rehearsed.environment["check"]["variables"] = ["NOT_SET_ANYWHERE"]
    rehearsed.environment["migrate"]["plan"] = ["false"]
    rehearsed.write()
    done = rehearsed.guard("premerge")
    assert done.code == 1
    result = json.loads((rehearsed.root / "premerge_artifacts/result-local.json").read_bytes())
    assert [stage["status"] for stage in result["stages"]] == ["failed", "passed", "passed", "failed", "passed"]
    findings = result["stages"][0]["findings"]
    assert len(findings) == 2
    assert any("NOT_SET_ANYWHERE" in finding for finding in findings)


def test_a_leg_left_out_is_said_so(rehearsed: Project) -> None:
    rehearsed.environment["migrate"]["plan"] = ["false"]
    rehearsed.write()
    assert rehearsed.guard("premerge", "--skip", "migrate").code == 0
    result = json.loads((rehearsed.root / "premerge_artifacts/result-local.json").read_bytes())
    assert ("migrate", "skipped") in [(stage["name"], stage["status"]) for stage in result["stages"]]
    done = rehearsed.guard("premerge", "--skip", "migrat")
    assert done.code == 2
    assert "migrate" in done.err


def test_without_a_plan_nothing_can_be_told(rehearsed: Project) -> None:
    del rehearsed.environment["deploy"]["plan"]
    rehearsed.write()
    assert rehearsed.guard("premerge").code == 3


def test_a_backup_that_cannot_be_made_fails_the_rehearsal(rehearsed: Project) -> None:
    rehearsed.environment["backup"]["components"]["gone"] = {"paths": ["library.json"]}
    rehearsed.write()
    done = rehearsed.guard("premerge")
    assert done.code == 1
    assert "backup" in done.out


def test_the_service_is_started_for_the_smoke_checks_and_stopped_again(rehearsed: Project) -> None:
    rehearsed.service.routes["/health"] = lambda: (
        (200, b'{"status": "ok"}') if (rehearsed.root / "running").exists() else (503, b"")
    )
    touch = "import pathlib; pathlib.Path('running').touch()"
    remove = "import pathlib; pathlib.Path('running').unlink(); pathlib.Path('stopped').touch()"
    rehearsed.environment["service_control"] = {
        "start": [sys.executable, "-c", touch],
        "stop": [sys.executable, "-c", remove],
    }
    rehearsed.write()
    done = rehearsed.guard("premerge")
    assert done.code == 0, done.out + done.err
    assert (rehearsed.root / "stopped").exists()


def test_check_alone_looks_at_the_service_too(rehearsed: Project) -> None:
    assert rehearsed.guard("check").code == 0
    rehearsed.service.say("/health", {"status": "sick"})
    done = rehearsed.guard("check")
    assert done.code == 1
    assert "status sick" in done.out


def test_a_tool_that_is_too_old_or_missing_is_named(rehearsed: Project) -> None:
    rehearsed.environment["check"]["tools"] = {
        "python": {"run": [sys.executable, "--version"], "at_least": "99"},
        "no-such-tool": {},
    }
    rehearsed.write()
    done = rehearsed.guard("check")
    assert done.code == 1
    assert "needs 99" in done.out
    assert "no-such-tool" in done.out
