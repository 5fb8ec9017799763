"""Maintenance windows and maintenance mode around a deployment: respected, announced, and always left again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest

from support.project import Project


def window(begins: int, lasts: int = 2) -> dict[str, str]:
    """A window that begins so many hours from now, every day."""
    start = datetime.now(UTC) + timedelta(hours=begins)
    return {"from": f"{start:%H:%M}", "to": f"{start + timedelta(hours=lasts):%H:%M}"}


def mode(project: Project, *, enter: str = "enter", leave: str = "leave") -> None:
    def note(word: str) -> dict[str, list[str]]:
        fails = "raise SystemExit(3)" if word.startswith("!") else ""
        text = f"open('mode.txt', 'a').write('{word.lstrip('!')}:' + open('version.txt').read()); {fails}"
        return {"run": [sys.executable, "-c", text]}

    project.environment["maintenance"] = {"enter": note(enter), "leave": note(leave)}
    project.write()


def noted(project: Project) -> list[str]:
    return (project.root / "mode.txt").read_text().splitlines()


def test_outside_of_its_windows_nothing_is_deployed_or_migrated(project: Project) -> None:
    project.environment["maintenance"] = {"windows": [window(3)]}
    project.environment["migrate"] = {"run": ["true"]}
    project.write()
    for command in (["deploy", "--tag", "next", "--force"], ["migrate", "--force"]):
        done = project.guard(*command)
        assert done.code == 8, done.err
        assert "closed until" in done.err
    assert project.version == "good"
    gate = project.guard("gate")
    assert gate.code == 8
    assert "an open maintenance window" in gate.out


def test_inside_of_one_it_goes_and_a_rollback_always_does(project: Project) -> None:
    project.environment["maintenance"] = {"windows": [window(5), window(-1)]}
    project.write()
    project.deployed()
    project.environment["maintenance"] = {"windows": [window(3)]}
    project.write()
    assert project.guard("rollback", "--force").code == 0
    assert project.version == "good"


@pytest.mark.parametrize("written", ['"25:00"', "22:60", '"9:00"', "1320", '"22:00Z"', "[22]"])
def test_a_time_that_is_none_is_named(project: Project, written: str) -> None:
    path = project.root / "dhash-guard.yml"
    text = path.read_text() + f'    maintenance: {{windows: [{{from: {written}, to: "23:00"}}]}}\n'
    path.write_text(text)
    done = project.guard("config", "check")
    assert done.code == 2
    assert "such as 22:00" in done.err, done.err


def test_the_mode_is_entered_before_the_change_and_left_after_it(project: Project) -> None:
    mode(project)
    project.deployed()
    assert noted(project) == ["enter:good", "leave:next"]
    names = [one["name"] for one in project.evidence()["stages"]]
    assert (
        names.index("maintenance enter") < names.index("deploy") < names.index("maintenance leave") < names.index("health")
    )
    log = "".join(path.read_text() for path in (project.root / "monitor_logs").glob("deploy_*.log"))
    assert "Maintenance begins" in log and "Maintenance is over" in log


def test_the_mode_is_left_when_the_deployment_fails(project: Project) -> None:
    mode(project)
    (project.root / "deploy.py").write_text("open('version.txt', 'w').write('half\\n'); raise SystemExit(1)\n")
    assert project.guard("deploy", "--tag", "next", "--backup-first", "--force").code == 5
    assert noted(project) == ["enter:good", "leave:half"]
    assert project.version == "good"


def test_a_mode_that_cannot_be_left_is_a_failed_deployment(project: Project) -> None:
    mode(project, leave="!leave")
    assert project.guard("deploy", "--tag", "next", "--backup-first", "--force").code == 5
    assert project.version == "good"


def test_a_mode_that_cannot_be_entered_keeps_the_release_out(project: Project) -> None:
    mode(project, enter="!enter")
    assert project.guard("deploy", "--tag", "next", "--backup-first", "--force").code != 0
    assert noted(project) == ["enter:good", "leave:good"]
    assert project.version == "good"


def test_a_dry_run_plans_both(project: Project) -> None:
    mode(project)
    done = project.guard("deploy", "--tag", "next", "--dry-run")
    assert done.code == 0, done.err
    assert not (project.root / "mode.txt").exists()
