"""Bad moments: killed, interrupted, overtaken or half prepared, the guard never makes it worse and never says it is well."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from filelock import FileLock

from support.loopback import body
from support.programs import program
from support.project import PROGRAM, Project, clean_environment

BAD = {"p95": 9000.0, "rate": 0.01}
LIBRARY = '{"schema": 1}\n'


def record(project: Project) -> Any:
    return json.loads((project.root / ".dhash-guard/deployments/production.json").read_bytes())


def library(project: Project) -> str:
    return (project.root / "library.json").read_text()


def until(condition: Callable[[], object], limit: float = 30) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def begun(project: Project, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(PROGRAM), *arguments],
        cwd=project.root,
        env=clean_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def python(code: str) -> list[str]:
    return [sys.executable, "-c", f"import pathlib, time; {code}"]


def controlled(project: Project, stop: str = "", start: str = "") -> None:
    """Give the service commands that leave a mark, and do more."""
    project.environment["service_control"] = {
        "stop": python(f"pathlib.Path('stopped').touch(); {stop}"),
        "start": python(f"pathlib.Path('started').touch(); {start}"),
    }
    project.write()


def test_a_release_that_was_accepted_is_not_rolled_back_weeks_later(project: Project) -> None:
    project.deployed()
    assert project.guard("monitor").code == 0
    (project.root / "library.json").write_text("weeks of work")
    project.service.say("/metrics", BAD)
    assert project.guard("monitor").code == 6
    assert library(project) == "weeks of work"


def test_a_recorded_log_acts_on_nothing(project: Project) -> None:
    project.deployed()
    ticks = [{"tick": i, "at": time.time() + i / 10, "samples": {"p95": 9.0}} for i in range(8)]
    (project.root / "log.jsonl").write_text("".join(json.dumps(tick) + "\n" for tick in ticks))
    before = record(project)
    assert project.guard("monitor", "--recorded", "log.jsonl", "--auto-rollback").code == 1
    assert (project.version, record(project)) == ("next", before)


def test_half_a_backup_is_no_target(project: Project) -> None:
    assert project.guard("backup", "create").code == 0
    (project.root / "library.json").write_text("newer")
    assert project.guard("backup", "create", "--components", "release").code == 0
    done = project.guard("rollback", "--force")
    assert done.code == 0, done.err
    assert "does not hold database" in done.err
    assert library(project) == LIBRARY


def test_a_deployment_that_was_killed_is_not_what_the_next_one_goes_back_to(project: Project) -> None:
    project.environment["deploy"]["run"] = python("pathlib.Path('library.json').write_text('half'); time.sleep(60)")
    project.write()
    child = begun(project, "deploy", "--tag", "one", "--backup-first", "--force")
    until(lambda: library(project) == "half")
    child.kill()
    child.communicate()
    assert record(project)["state"] == "begun"
    assert project.guard("monitor").code == 6, "a watch would call half a release healthy"
    project.environment["deploy"]["run"] = ["false"]
    project.write()
    done = project.guard("deploy", "--tag", "two", "--backup-first", "--force")
    assert done.code == 5, done.err
    assert "never came to its end" in done.err
    assert library(project) == LIBRARY


def test_a_migration_by_itself_is_guarded_like_a_deployment(project: Project) -> None:
    project.environment["migrate"] = {
        "run": python("pathlib.Path('library.json').write_text('{}')"),
        "input": "library.json",
    }
    project.write()
    assert project.guard("backup", "create").code == 0
    assert project.guard("migrate", "--force").code == 0
    assert (record(project)["state"], record(project)["migrated"]) == ("begun", True)
    done = project.guard("deploy", "--tag", "bad", "--backup-first", "--force")
    assert done.code == 5, done.err
    assert library(project) == LIBRARY, "back to before the migration"
    project.environment["freeze"] = [{"from": "2020-01-01T00:00Z", "to": "2100-01-01T00:00Z", "reason": "x"}]
    project.write()
    assert project.guard("migrate", "--force").code == 8


def test_a_manual_rollback_during_a_watch_is_not_overwritten(project: Project) -> None:
    project.environment["monitor"]["duration"] = "4s"
    project.write()
    project.deployed()
    child = begun(project, "monitor")
    until(lambda: sum("metrics" in asked for asked in project.service.asked) > 3)
    assert project.guard("rollback", "--force").code == 0
    out, err = child.communicate(timeout=30)
    assert child.returncode == 3, out + err
    assert (record(project)["state"], record(project)["rollbacks"]) == ("rolled-back", 1)


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_rollback_that_is_told_to_stop_comes_to_its_end(project: Project, kind: signal.Signals) -> None:
    controlled(project, stop="time.sleep(1)")
    project.deployed()
    child = begun(project, "rollback", "--force")
    until((project.root / "stopped").exists)
    child.send_signal(kind)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, out + err
    assert (project.root / "started").exists()
    assert (project.version, record(project)["state"]) == ("good", "rolled-back")


def test_a_rollback_whose_terminal_goes_comes_to_its_end(project: Project) -> None:
    controlled(project, stop="time.sleep(1)")
    project.deployed()
    primary, secondary = pty.openpty()
    child = subprocess.Popen(
        [program("setsid", "util-linux"), "--ctty", str(PROGRAM), "rollback", "--force"],
        cwd=project.root,
        env=clean_environment(),
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
    )
    os.close(secondary)
    until((project.root / "stopped").exists)
    os.close(primary)  # the system hangs up, and nothing can be written there any more
    code = child.wait(timeout=30)
    assert (project.root / "started").exists()
    assert (project.version, record(project)["state"]) == ("good", "rolled-back")
    assert code == 7, "nobody could be told"


def test_after_a_killed_rollback_nothing_is_called_healthy(project: Project) -> None:
    controlled(project, start="time.sleep(60)")
    project.deployed()
    child = begun(project, "rollback", "--force")
    until((project.root / "started").exists)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert record(project)["state"] == "rolling-back"
    done = project.guard("monitor")
    assert done.code == 6
    assert "dhash-guard rollback" in done.err
    controlled(project)
    assert project.guard("rollback", "--force").code == 0
    assert record(project)["state"] == "rolled-back"


def test_a_service_that_cannot_be_stopped_is_rolled_back_all_the_same(project: Project) -> None:
    controlled(project, stop="raise SystemExit(1)")
    project.deployed()
    project.service.say("/metrics", BAD)
    done = project.guard("monitor")
    assert done.code == 5, done.err + done.out
    assert (project.root / "started").exists()


def test_a_service_that_does_not_start_again_needs_a_person(project: Project) -> None:
    controlled(project, start="raise SystemExit(1)")
    project.deployed()
    done = project.guard("rollback", "--force")
    assert done.code == 6, done.err
    assert (project.version, record(project)["state"]) == ("good", "rollback-failed")


def test_a_backup_under_way_is_waited_for(project: Project) -> None:
    project.deployed()
    project.environment["backup"]["quiesce"] = {"run": python("time.sleep(2)")}
    project.write()
    nightly = begun(project, "backup", "create")
    until((project.root / ".dhash-guard/locks/backup-restore.holder").exists)
    project.environment["backup"].pop("quiesce")
    project.write()
    done = project.guard("rollback", "--force")
    assert done.code == 0, done.err
    nightly.communicate(timeout=30)
    assert nightly.returncode == 0


def test_whoever_is_at_the_environment_is_waited_for(project: Project) -> None:
    project.deployed()
    with FileLock(project.root / ".dhash-guard/locks/production.lock"):
        child = begun(project, "rollback", "--force")
        assert child.stderr is not None
        said = iter(child.stderr.readline, "")
        assert any("locked by another process; waiting" in line for line in said)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    assert project.version == "good"


def test_a_backup_that_begins_behind_the_snapshot_is_waited_for_too(project: Project) -> None:
    nightly = (
        "import filelock, pathlib, time; lock = filelock.FileLock('.dhash-guard/locks/backup-restore.lock'); "
        "lock.acquire(); pathlib.Path('nightly').touch(); time.sleep(1.5)"
    )
    stop = (
        f"import pathlib, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {nightly!r}])\n"
        "while not pathlib.Path('nightly').exists(): time.sleep(0.02)"
    )
    controlled(project, stop=stop)
    project.deployed()
    done = project.guard("rollback", "--force")
    assert done.code == 0, done.err
    assert (project.root / "nightly").exists()
    assert project.version == "good"


@pytest.mark.parametrize(
    "answer",
    [b'{"p95": ' + b"9" * 400 + b"}", b"[" * 100_000, b'{"p95": 1e999}'],
    ids=["a huge integer", "deep nesting", "infinity"],
)
def test_nothing_that_a_service_answers_ends_the_watch(project: Project, answer: bytes) -> None:
    project.deployed()
    project.service.routes["/metrics"] = lambda: (200, answer)
    assert project.guard("monitor").code == 3
    project.service.routes["/health"] = lambda: (200, answer)
    assert project.guard("health").code == 1


def test_a_secret_that_a_service_answers_is_masked_and_still_verifies(project: Project) -> None:
    secret = "s3cr3t-metrics-token"
    project.deployed()
    project.service.routes["/metrics"] = lambda: body({"p95": secret})
    done = project.guard("monitor", env={"METRICS_TOKEN": secret})
    assert done.code == 3
    files = {path.name: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert [name for name, content in files.items() if secret.encode() in content] == []
    assert project.guard("evidence", "verify").code == 0


def test_a_secret_that_is_a_word_of_ours_breaks_nothing(project: Project) -> None:
    project.deployed()
    project.service.say("/metrics", BAD)
    done = project.guard("monitor", env={"SECRETS_BACKEND": "production", "WEBHOOK_MODE": "rollback"})
    assert done.code == 5, done.err
    assert project.guard("evidence", "verify").code == 0


def test_errors_on_the_terminal_are_clean(project: Project) -> None:
    secret = "s3cr3t-value-123"
    project.environment["backup"]["quiesce"] = {"run": ["sh", "-c", "echo cannot log in with $DB_PASSWORD >&2; exit 1"]}
    project.write()
    done = project.guard("backup", "create", env={"DB_PASSWORD": secret})
    assert done.code == 1
    assert "cannot log in" in done.err
    assert secret not in done.err + done.out


def test_a_rollback_is_told_also_when_its_record_cannot_be_sealed(project: Project) -> None:
    project.deployed()
    ledger = project.root / ".dhash-guard/ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"deploy", b"deplox", 1))
    project.service.say("/metrics", BAD)
    done = project.guard("monitor")
    assert done.code == 5, done.err
    assert "could not be sealed" in done.err


def test_a_dry_run_of_the_rehearsal_works(project: Project) -> None:
    project.environment["deploy"]["plan"] = ["true"]
    project.write()
    before = sorted(project.root.rglob("*"))
    assert project.guard("premerge", "--dry-run").code == 0
    assert sorted(project.root.rglob("*")) == before


@pytest.mark.parametrize("change", ["time.sleep(60)", "pass"])
def test_a_cancelled_job_comes_out_of_maintenance(project: Project, change: str) -> None:
    """GitHub sends INT, and TERM some seconds later: in the middle of the change, or only of the way out."""
    leave = python("pathlib.Path('leaving').touch(); time.sleep(1); pathlib.Path('left').touch()")
    project.environment["maintenance"] = {"leave": {"run": leave}}
    project.environment["deploy"]["run"] = python(f"pathlib.Path('changing').touch(); {change}")
    project.write()
    child = begun(project, "deploy", "--tag", "next", "--force")
    if change != "pass":
        until((project.root / "changing").exists)
        child.send_signal(signal.SIGINT)
    until((project.root / "leaving").exists)
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, (project.root / "left").exists()) == (3, True), out + err
