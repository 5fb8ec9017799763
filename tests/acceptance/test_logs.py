"""The commands about logs, through the installed program."""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile

from support.project import Project

GOOD = json.dumps({"timestamp": "2026-11-21T03:15:00Z", "level": "info", "message": "fine"}) + "\n"


def test_logs_that_this_program_writes_are_right(project: Project) -> None:
    assert project.guard("health").code == 0
    done = project.guard("logs", "validate")
    assert done.code == 0, done.out + done.err
    assert "looked at" in done.out


def test_everything_wrong_with_logs_is_said_in_one_run(project: Project) -> None:
    logs = project.root / "monitor_logs"
    logs.mkdir()
    (logs / "text.log").write_text("started\n")
    (logs / "leaky.log").write_text(json.dumps({**json.loads(GOOD), "message": "key AKIA" + "ABCDEFGH23456789"[:16]}) + "\n")
    (logs / "vast.log").write_text(GOOD * 200)
    project.environment["logs"] = {"largest": "1KiB"}
    project.write()
    done = project.guard("logs", "validate")
    assert done.code == 1
    for said in ("text.log: line 1 is no JSON", "leaky.log: line 1 holds an AWS access key", "it is not rotated"):
        assert said in done.out, done.out
    assert "ABCDEFGH23456789" not in done.out + done.err


def test_wrong_settings_are_refused_with_their_place(project: Project) -> None:
    project.environment["logs"] = {"secrets": {"bad": "("}, "largest": "5%"}
    project.write()
    done = project.guard("logs", "validate")
    assert done.code == 2
    assert "logs.secrets.bad" in done.err
    assert "100MiB" in done.err


def test_old_logs_go_into_a_zip_that_reads_back(project: Project) -> None:
    logs = project.root / "monitor_logs"
    logs.mkdir()
    for name, age in (("deploy_production_1.log", 10), ("deploy_production_2.log", 1), ("dhash_production_1.log", 10)):
        (logs / name).write_text(GOOD)
        then = time.time() - age * 86400
        os.utime(logs / name, (then, then))
    command = ("logs", "archive", "--type", "deploy", "--older-than", "7d")
    planned = project.guard(*command, "--dry-run")
    assert planned.code == 0
    assert "would remove" in planned.out
    assert (logs / "deploy_production_1.log").exists()
    done = project.guard(*command)
    assert done.code == 0, done.out + done.err
    names = {path.name for path in logs.glob("*_production_[12].log")}
    assert names == {"deploy_production_2.log", "dhash_production_1.log"}
    (packed,) = (logs / "archive").glob("logs_deploy_production_*.zip")
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == ["deploy_production_1.log"]
        assert archive.read("deploy_production_1.log").decode() == GOOD
    line = packed.with_name(packed.name + ".sha256").read_text()
    assert line == f"{hashlib.sha256(packed.read_bytes()).hexdigest()}  {packed.relative_to(project.root).as_posix()}\n"
    assert "no deploy log is older" in project.guard(*command).out
