"""The gates file of another monitor becomes a configuration, or judges one run, through the installed program."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.loopback import Loopback
from support.project import LENIENT, Project

URLS = {"DHASH_PRODUCTION_URL": "http://127.0.0.1:1", "DHASH_STAGING_URL": "http://127.0.0.1:1"}


def gates_file(project: Project, limit: float, **more: Any) -> Path:
    """A gates file for production with one limit on the time of a hash."""
    gates = {"p95_hash_time": {"threshold_ms": limit, "action": "auto_rollback", **more}}
    data = {"environments": {"production": {"monitoring_duration_minutes": 1, "quality_gates": gates}}}
    path = project.root / "custom-gates.json"
    path.write_text(json.dumps(data, indent=2))
    return path


@pytest.fixture
def measured(project: Project, service: Loopback) -> Project:
    """A project whose service says 100 ms, which its own gate of 2000 ms lets pass."""
    values = project.environment["signals"]["service"]["values"]
    values["p95_hash_time"] = values.pop("p95")
    project.environment["gates"] = {"p95": {"signal": "p95_hash_time", "fail_above": "2000ms", **LENIENT}}
    project.write()
    return project


def test_a_file_is_imported_checked_and_shown(project: Project) -> None:
    gates_file(project, 2000, time_window_minutes=1)
    (project.root / "dhash-guard.yml").unlink()
    done = project.guard("config", "import", "custom-gates.json", "--out", "dhash-guard.yml", "--service", "hashes")
    assert (done.code, done.out) == (0, "wrote dhash-guard.yml\n"), done.err
    line = (
        "threshold_ms = 2000 → gates.p95-hash-time: fail_above: 2000ms (milliseconds; strict: 2000ms passes), mean over 1m"
    )
    assert line in done.err
    assert "monitor.duration: 1m" in done.err
    checked = project.guard("config", "check")
    assert checked.code == 0 and "HASHES_PRODUCTION_URL is not set" in checked.out, checked.err
    shown = project.guard("gates", "show", env={"HASHES_PRODUCTION_URL": "http://127.0.0.1:1"})
    assert shown.code == 0 and "p95-hash-time: p95_hash_time above 2000 ms, mean over 1m → rollback" in shown.out, shown.err


def test_stdout_is_the_configuration_and_json_is_the_account(project: Project) -> None:
    path = gates_file(project, 2000)
    done = project.guard("config", "import", path.name, "--quiet")
    assert done.code == 0 and done.err == ""
    (project.root / "dhash-guard.yml").write_text(done.out)
    assert project.guard("gates", "show", env=URLS).code == 0
    data = project.guard("config", "import", path.name, "--json").json
    assert data["configuration"]["environments"]["production"]["gates"]["p95-hash-time"]["fail_above"] == "2000ms"
    assert (len(data["understood"]), len(data["placed"]), data["left"], data["refused"]) == (2, 1, [], [])


def test_what_is_there_is_not_overwritten(project: Project) -> None:
    gates_file(project, 2000)
    before = (project.root / "dhash-guard.yml").read_text()
    arguments = ["config", "import", "custom-gates.json", "--out", "dhash-guard.yml"]
    done = project.guard(*arguments)
    assert done.code == 2 and "--force" in done.err
    assert project.guard(*arguments, "--force", "--dry-run").code == 0
    assert (project.root / "dhash-guard.yml").read_text() == before
    assert project.guard(*arguments, "--force").code == 0
    assert "Imported from custom-gates.json" in (project.root / "dhash-guard.yml").read_text()


@pytest.mark.parametrize(("out", "why"), [(".", "is a directory"), ("no/such.yml", "there is no such directory")])
def test_where_nothing_can_be_written_is_said_first(project: Project, out: str, why: str) -> None:
    gates_file(project, 2000)
    done = project.guard("config", "import", "custom-gates.json", "--out", out, "--force")
    assert done.code == 2 and why in done.err


def test_a_refused_value_is_told_with_its_line_and_nothing_is_written(project: Project) -> None:
    path = gates_file(project, -5)
    done = project.guard("config", "import", path.name, "--out", "new.yml")
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if "threshold_ms" in text)
    assert done.code == 2 and f"custom-gates.json:{line}: environments.production" in done.err, done.err
    assert not (project.root / "new.yml").exists()


def test_the_files_limit_decides_a_run(measured: Project) -> None:
    base = measured.guard("monitor", "--dry-run")
    assert base.code == 0, base.out + base.err
    gates_file(measured, 50)
    custom = measured.guard("monitor", "--env", "production", "--config", "custom-gates.json", "--dry-run")
    assert custom.code == 1, custom.out + custom.err
    assert "p95-hash-time" in custom.out
    gates_file(measured, 150)
    again = measured.guard("monitor", "--env", "production", "--config", "custom-gates.json", "--dry-run")
    assert again.code == 0, again.out + again.err


def test_the_file_is_shown_and_checked_as_it_would_judge(measured: Project) -> None:
    gates_file(measured, 50)
    shown = measured.guard("gates", "show", "--config", "custom-gates.json")
    line = "p95-hash-time: p95_hash_time above 50 ms, at once → rollback; a total fault is seen after at most 100ms"
    assert shown.out == f"{line}\n"
    checked = measured.guard("config", "check", "--config", "custom-gates.json")
    assert checked.code == 0 and "take the place of all gates of production" in checked.out, checked.err


@pytest.mark.parametrize("command", [["monitor", "--dry-run"], ["gates", "show"], ["config", "check"]])
def test_a_gate_without_its_signal_is_an_error_on_the_line_of_the_file(project: Project, command: list[str]) -> None:
    gates_file(project, 50)
    done = project.guard(*command, "--config", "custom-gates.json")
    assert done.code == 2
    assert re.search(r"custom-gates\.json:\d+: .*there is no signal p95_hash_time", done.err), done.err
    assert not (project.root / ".dhash-guard").exists()


def test_an_environment_that_the_file_lacks_is_wrong_input(measured: Project) -> None:
    measured.settings["environments"]["staging"] = {"base_url": "http://127.0.0.1:1"}
    measured.write()
    gates_file(measured, 50)
    done = measured.guard("monitor", "--env", "staging", "--config", "custom-gates.json")
    assert done.code == 2 and "no environment 'staging', only production" in done.err
