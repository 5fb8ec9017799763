"""A wrong configuration or command line is said with its place and the nearest name, and nothing is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


BEFORE = {"baseline": "before-deploy", "fail_ratio": 1.5, "at_least": "50ms"}
POINTLESS: list[tuple[str, dict[str, Any], str]] = [
    ("never", {"signal": "rate", "fail_above": "100%"}, "fail_above: rate is never above 100%"),
    ("always", {"signal": "rate", "fail_from": "0%"}, "fail_from: rate is always at or above 0%"),
    ("many", {"signal": "p95", "fail_above": "2s", "min_samples": 500}, "min_samples: needs 500 values, but 1h has 121"),
    (
        "better",
        {**BEFORE, "signal": "health.success_ratio", "at_least": "5%"},
        "fail_ratio: fails above the value before, but more of health.success_ratio is better",
    ),
    ("late", {"signal": "p95", "fail_above": "2s", "warn_above": "3s"}, "warn_above: 3000 ms is not reached before"),
    ("across", {"signal": "p95", "fail_above": "2s", "warn_below": "1s"}, "warn_below: is on the wrong side of fail_above"),
    ("word", {"signal": "health", "fail_when": "unhealthy", "warn_above": "1s"}, "warn_above: is a limit for numbers"),
    (
        "sure",
        {
            "signal": "health.success_ratio", "fail_below": "70%", "over": "5m", "aggregate": "mean", "confidence": "95%",
        },
        "confidence: is reckoned from events",
    ),
    ("test", {**BEFORE, "signal": "p95", "test": "sequential", "spread": 3}, "spread: plays no part in a test"),
    ("before", {**BEFORE, "signal": "p95"}, "baseline: needs looks from before, but monitor.baseline takes 0"),
]  # fmt: skip


def test_a_gate_that_could_never_do_what_it_promises_is_refused_with_its_place(project: Project) -> None:
    project.environment["monitor"] = {"duration": "1h", "interval": "30s", "baseline": 0}
    project.environment["gates"] = {name: {**gate, "action": "alert"} for name, gate, _ in POINTLESS}
    path = project.write()
    done = project.guard("config", "check")
    assert done.code == 2
    for name, _, said in POINTLESS:
        key = said.split(":")[0]
        below = path.read_text().splitlines()[line_of(path, f"      {name}:") :]
        line = line_of(path, f"      {name}:") + next(number for number, text in enumerate(below, 1) if f" {key}:" in text)
        assert f"dhash-guard.yml:{line}: environments.production.gates.{name}.{said}" in done.err, (name, done.err)
    assert f"{len(POINTLESS)} problems" in done.err, done.err


def test_a_slower_half_that_checkpoints_do_not_have_is_refused(project: Project) -> None:
    project.environment["monitor"] = {"mode": "checkpoint", "duration": "60m", "then": {"after": "5m", "interval": "10m"}}
    path = project.write()
    done = project.guard("config", "check")
    assert done.code == 2
    assert f"dhash-guard.yml:{line_of(path, 'then:')}: environments.production.monitor.then: plays no part" in done.err


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
        (["smoke", "--base-url", "nota"], "http://host:port"),
        (["smoke", "--junit", "nowhere/x.xml"], "there is no directory nowhere"),
        (["report", "--out", "nowhere/x.html"], "there is no directory nowhere"),
        (["report", "--evidence", "nowhere.json"], "there is no such evidence file"),
        (["evidence", "verify", "nowhere/evidence.json"], "there is no such evidence file"),
        (["migrate"], "has no migrate section"),
        (["monitor", "--interval", "0"], "--interval 30s"),
    ],
)
def test_a_wrong_command_line_names_the_right_one(project: Project, command: list[str], hint: str) -> None:
    done = project.guard(*command, "--json")
    assert done.code == 2, done.err
    assert hint in done.err
    assert (done.json["error"], done.json["exit_code"]) == ("usage", 2)


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
