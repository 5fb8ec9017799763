"""A wrong configuration or command line is said with its place and the nearest name, and nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.project import Project


def line_of(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_a_typo_is_named_with_file_line_and_nearest_key(project: Project) -> None:
    project.environment["gates"]["health"]["consecutiv"] = project.environment["gates"]["health"].pop("consecutive")
    path = project.write()
    done = project.guard("monitor")
    assert done.code == 2
    assert f"dhash-guard.yml:{line_of(path, 'consecutiv')}" in done.err
    assert "consecutive" in done.err
    assert not (project.root / ".dhash-guard").exists()


def test_everything_that_is_wrong_is_said_at_once(project: Project) -> None:
    project.environment["gates"]["p95"]["signal"] = "p59"
    project.environment["monitor"]["interval"] = "soon"
    project.environment["deplay"] = {}
    project.write()
    done = project.guard("config", "check")
    assert done.code == 2
    for word in ("p59", "soon", "deplay", "deploy", "3 problems"):
        assert word in done.err, done.err


def test_a_right_configuration_is_said_so_and_shown(project: Project) -> None:
    assert project.guard("config", "check").code == 0
    shown = project.guard("config", "show", "--origin")
    assert shown.code == 0
    assert "dhash-guard.yml:" in shown.out
    assert project.guard("config", "schema").json["$schema"].startswith("https://json-schema.org/")


def test_gates_show_says_how_soon_a_fault_is_seen(project: Project) -> None:
    done = project.guard("gates", "show")
    assert done.code == 0
    assert "health: health is unhealthy, 3 in a row → rollback" in done.out


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (["monitr"], "monitor"),
        (["monitor", "--duraton", "5"], "--duration"),
        (["monitor", "--env", "producton"], "production"),
        (["monitor", "--duration", "5 minutes"], "10m"),
        (["backup", "create", "--components", "databse"], "database"),
        (["rollback", "--skip-validation"], "--force"),
    ],
)
def test_a_wrong_command_line_names_the_right_one(project: Project, command: list[str], hint: str) -> None:
    done = project.guard(*command)
    assert done.code == 2, done.err
    assert hint in done.err


def test_without_a_configuration_it_says_where_it_looked(tmp_path: Path, project: Project) -> None:
    (project.root / "dhash-guard.yml").unlink()
    done = project.guard("health")
    assert done.code == 2
    assert "dhash-guard.yml" in done.err


def test_notify_reaches_log_and_fallback(project: Project) -> None:
    done = project.guard("notify", "--level", "warning", "--message", "Test alert", "--env", "production")
    assert done.code == 0, done.err
    assert "Test alert" in (project.root / "monitor_logs" / "notification_fallback.jsonl").read_text()


def test_errors_are_data_too(project: Project) -> None:
    done = project.guard("backup", "verify", "--json")
    assert (done.code, done.json["error"], done.json["exit_code"]) == (3, "cannot-tell", 3)
