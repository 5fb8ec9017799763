"""Starting, stopping, deploying and laying out behave at their edges."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.mobius import EXAMPLE, Project, eventually

pytest.importorskip("PIL", reason="needs Pillow: pip install 'dhash-guard[demo]'")

SERVICE = "scripts/service.py"


def test_start_and_stop_twice(project: Project) -> None:
    assert project.run(SERVICE, "status").returncode == 1
    begin = time.monotonic()
    assert "started" in project.ok(SERVICE, "start")
    assert time.monotonic() - begin < 5
    pid = project.pid
    assert f"already running (pid {pid}" in project.ok(SERVICE, "start")
    assert f"running (pid {pid}, port {project.port})" in project.ok(SERVICE, "status")
    assert project.get("/health")["pid"] == pid
    assert "stopped" in project.ok(SERVICE, "stop")
    assert "not running" in project.ok(SERVICE, "stop")
    assert project.run(SERVICE, "status").returncode == 1
    assert (project.root / "logs" / "service.log").read_text().endswith("INFO stopped\n")


def test_a_start_does_not_hold_the_callers_pipes(project: Project) -> None:
    call = [sys.executable, str(project.root / SERVICE), "start"]
    # communicate() returns once nobody has the pipe open any more; the service must not be among them.
    starter = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, _ = starter.communicate(timeout=15)
    assert "started" in said
    assert os.getsid(project.pid) == project.pid


def test_restart_keeps_the_port(project: Project) -> None:
    project.ok(SERVICE, "restart")
    pid, port = project.pid, project.port
    project.ok(SERVICE, "restart")
    assert project.pid != pid
    assert project.port == port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def test_port_by_option_and_by_environment(project: Project) -> None:
    port = free_port()
    assert project.run(SERVICE, "start", DHASH_PORT=str(port)).returncode == 0
    assert project.port == port
    other = free_port()
    done = project.run(SERVICE, "restart", "--port", str(other), DHASH_PORT=str(port))
    assert done.returncode == 0
    assert project.port == other
    pid = project.pid
    assert project.run(SERVICE, "restart", DHASH_PORT="soon").returncode == 1
    assert project.get("/health")["pid"] == pid  # a mistake in the call costs no running service


def test_a_taken_port_is_a_clear_failure(project: Project) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        done = project.run(SERVICE, "start", "--port", str(holder.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot listen on port" in done.stderr
    assert not (project.root / "run" / "service.pid").exists()


def test_pid_file_of_a_killed_service(project: Project) -> None:
    project.ok(SERVICE, "start")
    killed = project.pid
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: project.run(SERVICE, "status").returncode == 1)
    assert project.pid == killed
    assert "started" in project.ok(SERVICE, "start")
    assert project.pid != killed


def test_pid_file_naming_another_program(project: Project) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (project.root / "run").mkdir()
        (project.root / "run" / "service.pid").write_text(f"{bystander.pid}\n")
        assert project.run(SERVICE, "status").returncode == 1
        assert "not running" in project.ok(SERVICE, "stop")
        assert bystander.poll() is None
        (project.root / "run" / "service.pid").write_text(f"{bystander.pid}\n")
        assert "started" in project.ok(SERVICE, "start")
        assert project.pid != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_release_that_cannot_be_loaded(project: Project) -> None:
    project.ok("scripts/deploy.py", "good")
    (project.root / "releases" / "bad" / "extract.py").write_text("import nothing_of_this_name\n")
    done = project.run("scripts/deploy.py", "bad")
    assert done.returncode == 1
    assert "nothing_of_this_name" in done.stderr
    assert project.run(SERVICE, "status").returncode == 1
    project.ok("scripts/deploy.py", "good")
    assert project.get("/health")["release"] == "good"


def test_deploy_switches_and_restarts(project: Project) -> None:
    project.ok("scripts/deploy.py", "sick")
    assert (project.root / "current").readlink() == Path("releases/sick")
    assert project.get("/health")["release"] == "sick"
    port = project.port
    project.ok("scripts/deploy.py", "good")
    assert project.get("/health")["release"] == "good"
    assert project.port == port


def test_deploy_plan_changes_nothing(project: Project) -> None:
    before = sorted(project.root.iterdir())
    plan = json.loads(project.ok("scripts/deploy.py", "bad", "--plan"))
    assert plan["tag"] == "bad"
    assert plan["version"] == "1.5.0"
    assert plan["current"] == "good"
    assert plan["service"] == "start"
    assert sorted(project.root.iterdir()) == before
    assert (project.root / "current").readlink() == Path("releases/good")


@pytest.mark.parametrize("tag", ["nope", "../good", ""])
def test_deploy_of_an_unknown_tag(project: Project, tag: str) -> None:
    done = project.run("scripts/deploy.py", tag)
    assert done.returncode == 2
    assert "bad, good, sick" in done.stderr
    assert (project.root / "current").readlink() == Path("releases/good")


def test_setup_wants_an_empty_directory(project: Project, tmp_path: Path) -> None:
    before = sorted(project.root.rglob("*"))
    done = project.run("scripts/setup.py", "--root", str(project.root))
    assert done.returncode == 1
    assert "not an empty directory" in done.stderr
    assert sorted(project.root.rglob("*")) == before

    # A laid-out project can lay out the next one: it lacks nothing.
    project.ok("scripts/setup.py", "--root", str(tmp_path / "next"), "--count", "2")
    names = {path.name for path in (tmp_path / "next").iterdir()}
    assert {path.name for path in EXAMPLE.glob("*.py")} | {"current", "library.json", "uploads"} <= names
    assert os.access(tmp_path / "next" / "scripts" / "deploy.py", os.X_OK)
