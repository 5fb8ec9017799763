"""What a watch may conclude, through the installed program: healthy, degraded, or cannot tell; and what follows."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest
from filelock import FileLock

from support.loopback import Answer, body
from support.project import HEALTH_GATE, PROGRAM, Project, clean_environment

OK, SICK = body({"status": "healthy"}), body({"status": "unhealthy"})


def test_a_healthy_release_proceeds(project: Project) -> None:
    project.deployed()
    done = project.guard("monitor")
    assert done.code == 0, done.err
    assert "Healthy" in done.out
    evidence = project.evidence()
    assert (evidence["verdict"]["status"], evidence["verdict"]["decision"]) == ("healthy", "proceed")
    assert evidence["samples"]["count"] >= 5
    state = json.loads((project.root / ".dhash-guard/deployments/production.json").read_bytes())
    assert state["state"] == "healthy"


def test_http_200_with_an_unhealthy_body_is_unhealthy(project: Project) -> None:
    project.service.say("/health", {"status": "unhealthy"})
    done = project.guard("health")
    assert done.code == 1
    assert "status unhealthy" in done.out


def test_a_bad_release_is_rolled_back_and_proven(project: Project) -> None:
    project.deployed("good")
    assert project.guard("monitor").code == 0
    project.environment["deploy"]["settle"] = "0s"
    project.service.routes["/health"] = lambda: OK  # sick only after the deployment's own look
    project.deployed("bad")
    project.service.routes["/health"] = project._health
    (project.root / "library.json").write_text("damaged by the release")
    done = project.guard("monitor")
    assert done.code == 5, done.err + done.out
    assert project.version == "good"
    assert (project.root / "library.json").read_text() == '{"schema": 1}\n'
    evidence = project.evidence()
    assert evidence["verdict"]["gate"] == "health"
    assert evidence["verdict"]["outcomes"][0]["text"] == "health unhealthy, 3 in a row (limit 3), n=3"
    assert evidence["restoration"]["identical"] is True
    names = [stage["name"] for stage in evidence["stages"] if stage["status"] == "passed"]
    assert names == [f"rollback {name}" for name in ("target", "snapshot", "restore", "health", "artifacts")]
    assert "Quality gate failed: health" in "".join(
        p.read_text() for p in (project.root / "monitor_logs").glob("dhash_production_*.log")
    )
    again = project.guard("monitor")
    assert again.code == 0, "the restored version is watched like any other, without a deployment to blame"


def test_one_bad_look_before_a_release_does_not_shield_it(project: Project) -> None:
    project.environment["monitor"]["baseline"] = 5
    project.write()
    asked = itertools.count()
    project.service.routes["/health"] = lambda: SICK if next(asked) == 2 else OK
    project.deployed("bad")
    project.service.routes["/health"] = project._health
    done = project.guard("monitor")
    assert done.code == 5, done.err + done.out
    evidence = project.evidence()
    before = evidence["judged"]["baseline"]
    words = [look["samples"]["health"]["health"] for look in before["looks"]]
    assert (before["health"], words.count("unhealthy"), len(words)) == ("healthy", 1, 5)
    assert project.guard("evidence", "verify").code == 0


def _metrics(**values: Any) -> Answer:
    return body({"p95": 100.0, "rate": 0.01} | values)


NO_DATA: dict[str, Answer] = {
    "missing metric path": body({"other": 1}),
    "metrics endpoint down": (500, b""),
    "not found": (404, b"{}"),
    "unauthorised": (401, b"{}"),
    "NaN": (200, b'{"p95": NaN, "rate": 0.01}'),
    "null": _metrics(p95=None),
    "numeric string without permission": _metrics(p95="100"),
    "a boolean": _metrics(p95=True),
    "a fraction of 7.63": _metrics(rate=7.63),
    "negative": _metrics(p95=-1),
    "empty": (200, b""),
    "truncated": (200, b'{"p95": 10'),
    "not JSON": (200, b"<html></html>"),
}


@pytest.mark.parametrize("answer", NO_DATA.values(), ids=NO_DATA.keys())
def test_no_data_neither_passes_nor_rolls_back(project: Project, answer: Answer) -> None:
    project.environment["gates"]["rate"] = {"signal": "rate", "fail_above": "5%", "action": "rollback"}
    project.write()
    project.deployed("next")
    project.service.routes["/metrics"] = lambda: answer
    done = project.guard("monitor")
    assert done.code == 3, done.out
    assert project.version == "next"
    verdict = project.evidence()["verdict"]
    assert (verdict["status"], verdict["decision"], verdict["ending"]) == ("cannot-tell", "hold", "capped")


def test_a_metrics_server_that_is_gone_is_no_data(project: Project) -> None:
    project.environment["signals"]["service"] |= {"url": "http://127.0.0.1:9/metrics"}
    del project.environment["signals"]["service"]["path"]
    project.write()
    project.deployed()
    assert project.guard("monitor").code == 3
    assert project.version == "next"


@pytest.mark.parametrize(("failures", "code"), [(2, 0), (3, 5)])
def test_two_failures_then_ok_is_no_rollback_three_are(project: Project, failures: int, code: int) -> None:
    project.deployed()
    project.service.script("/health", [OK, *[SICK] * failures, OK])
    done = project.guard("monitor")
    assert done.code == code, done.out
    assert project.version == ("next" if code == 0 else "good")


@pytest.mark.parametrize(("value", "code"), [(2000, 0), (2000.001, 5)])
def test_equal_to_the_limit_passes(project: Project, value: float, code: int) -> None:
    project.deployed()
    project.service.routes["/metrics"] = lambda: _metrics(p95=value)
    assert project.guard("monitor").code == code


def test_an_alert_only_gate_breached_throughout_changes_nothing(project: Project) -> None:
    project.environment["gates"]["alert"] = {"signal": "rate", "fail_above": "0%", "action": "alert"}
    project.write()
    project.deployed()
    done = project.guard("monitor")
    assert done.code == 0, done.out
    assert any("alert" in warning for warning in project.evidence()["verdict"]["warnings"])


def test_stagings_gates_block_and_roll_nothing_back(project: Project) -> None:
    project.environment["gates"]["health"] = HEALTH_GATE | {"action": "block"}
    project.environment["gates"]["p95"]["action"] = "block"
    project.write()
    project.deployed()
    project.service.routes["/metrics"] = lambda: _metrics(p95=9000)
    done = project.guard("monitor")
    assert done.code == 1
    assert project.version == "next"
    verdict = project.evidence()["verdict"]
    assert (verdict["status"], verdict["decision"]) == ("degraded", "hold")


def test_without_any_deciding_gate_the_watch_is_refused(project: Project) -> None:
    for gate in project.environment["gates"].values():
        gate["action"] = "alert"
    project.write()
    assert project.guard("monitor").code == 2


def test_the_command_line_wins_over_the_configuration(project: Project) -> None:
    project.deployed()
    project.service.routes["/metrics"] = lambda: _metrics(p95=9000)
    assert project.guard("monitor", "--no-rollback").code == 1
    assert project.version == "next"


def test_a_dry_run_decides_and_changes_nothing(project: Project) -> None:
    project.deployed()
    project.service.routes["/metrics"] = lambda: _metrics(p95=9000)
    before = _tree(project)
    done = project.guard("monitor", "--dry-run")
    assert done.code == 1
    assert "dry run" in done.out.lower()
    assert _tree(project) == before


def test_an_unsafe_rollback_is_not_begun(project: Project) -> None:
    project.deployed()
    for archive in (project.root / "backups").glob("*.zip"):
        archive.write_bytes(archive.read_bytes()[:-1])
    project.service.routes["/metrics"] = lambda: _metrics(p95=9000)
    done = project.guard("monitor")
    assert done.code == 6, done.out
    assert "A PERSON IS NEEDED NOW" in done.err
    assert project.version == "next"
    fallback = (project.root / "monitor_logs/notification_fallback.jsonl").read_text()
    assert "A person is needed now" in fallback


def test_a_rollback_that_somebody_else_is_doing_is_left_to_them(project: Project) -> None:
    project.deployed()
    record = project.root / ".dhash-guard/deployments/production.json"
    project.service.routes["/metrics"] = lambda: _metrics(p95=9000)
    with FileLock(project.root / ".dhash-guard/locks/production.lock"):
        child = subprocess.Popen(
            [str(PROGRAM), "monitor"],
            cwd=project.root,
            env=clean_environment(),
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert child.stderr is not None
        assert any("waiting" in line for line in iter(child.stderr.readline, ""))
        theirs = record.read_text().replace('"state":"open"', '"state":"rolled-back"')
        record.write_text(theirs)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 8, err
    assert "somebody else decided" in err
    assert "A PERSON IS NEEDED NOW" not in err
    assert record.read_text() == theirs
    assert project.version == "next"


def test_without_a_deployment_nothing_is_rolled_back(project: Project) -> None:
    assert project.guard("backup", "create").code == 0
    project.service.routes["/metrics"] = lambda: _metrics(p95=9000)
    done = project.guard("monitor")
    assert done.code == 6
    assert "no deployment of this environment is recorded" in done.err


def test_term_holds_the_environment(project: Project) -> None:
    project.environment["monitor"]["duration"] = "60s"
    project.write()
    project.deployed()
    child = subprocess.Popen([str(PROGRAM), "monitor"], cwd=project.root, env=clean_environment(), stderr=subprocess.PIPE)
    _until(lambda: sum("metrics" in asked for asked in project.service.asked) > 3)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    assert child.returncode == 3
    verdict = project.evidence()["verdict"]
    assert (verdict["reason_code"], verdict["decision"]) == ("aborted", "hold")


def test_a_killed_watch_is_continued(project: Project) -> None:
    project.environment["monitor"]["duration"] = "3s"
    project.write()
    project.deployed()
    child = subprocess.Popen([str(PROGRAM), "monitor"], cwd=project.root, env=clean_environment(), stderr=subprocess.DEVNULL)
    _until(lambda: sum("metrics" in asked for asked in project.service.asked) > 4)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    done = project.guard("monitor")
    assert "going on with the watch of" in done.err
    assert done.code == 0, done.out
    assert project.evidence()["samples"]["count"] >= 20


def test_long_stories_come_from_recorded_logs(project: Project) -> None:
    project.environment["monitor"] = {"duration": "60m", "interval": "30s", "baseline": 1}
    project.environment["gates"] = {
        "p95": {"signal": "p95", "fail_above": "2000ms", "over": "15m", "aggregate": "mean", "action": "rollback"}
    }
    project.write()
    for bad, code in (([2.0] * 121, 0), ([1.0] * 60 + [4.0] * 61, 1), ([1.0] * 60, 3)):
        log = project.root / "story.jsonl"
        log.write_text(
            "".join(json.dumps({"tick": i, "at": 1e9 + 30 * i, "samples": {"p95": v}}) + "\n" for i, v in enumerate(bad))
        )
        began = time.monotonic()
        done = project.guard("monitor", "--recorded", "story.jsonl", "--no-rollback")
        assert done.code == code, done.out
        assert time.monotonic() - began < 30


def test_a_broken_recorded_log_names_its_line(project: Project) -> None:
    (project.root / "story.jsonl").write_text('{"tick": 0, "at": 1.0, "samples": {"p95": 1}}\n{"tick": 1}\n')
    done = project.guard("monitor", "--recorded", "story.jsonl")
    assert done.code == 2
    assert "story.jsonl:2" in done.err


def test_elsewhere_than_on_a_terminal_there_is_a_line_per_minute_and_change(project: Project) -> None:
    project.deployed()
    done = project.guard("monitor")
    lines = [line for line in done.err.splitlines() if line.startswith("+")]
    assert 1 <= len(lines) <= 3, done.err


def _tree(project: Project) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()}


def _until(condition: Any, limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="pseudo terminals")
def test_on_a_terminal_there_is_a_live_table(project: Project) -> None:
    project.deployed()
    primary, secondary = os.openpty()
    env = clean_environment() | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40", "LANG": "C.UTF-8"}
    child = subprocess.Popen(
        [str(PROGRAM), "monitor"], cwd=project.root, env=env, stdin=secondary, stdout=subprocess.DEVNULL, stderr=secondary
    )
    os.close(secondary)
    seen = bytearray()
    with contextlib.suppress(OSError):  # Linux reports the end of a pseudo terminal as an error
        while chunk := os.read(primary, 65536):
            seen += chunk
    assert child.wait() == 0
    text = seen.decode("utf-8", "replace")
    for word in ("watching production", "p95", "≤ 2000 ms", "next look", "healthy"):
        assert word in text, text


def test_a_service_that_cannot_be_reached_is_unhealthy(project: Project) -> None:
    project.deployed()
    project.environment["base_url"] = "http://127.0.0.1:9"
    project.environment["signals"]["service"] |= {"url": project.service.url + "/metrics"}
    del project.environment["signals"]["service"]["path"]
    project.environment["rollback"]["automatic"] = False
    project.write()
    done = project.guard("monitor")
    assert done.code == 1
