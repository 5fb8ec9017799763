"""Backups while something happens: signals, files that grow, disks that are full, and a person who watches."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.disks import mounted
from support.programs import program
from support.project import PROGRAM, Project, clean_environment
from support.terminal import on_a_terminal

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def _sparse(path: Path, size: int) -> Path:
    """A file of so many zeros that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return path


def _rehearsed(project: Project, **components: Any) -> None:
    project.settings["premerge"] = {"legs": ["backup"]}
    project.environment["backup"]["components"].update(components)
    project.write()


def test_what_the_scratch_copy_cannot_hold_is_named_in_a_sentence(project: Project) -> None:
    _rehearsed(project, uploads={"paths": ["uploads/"]})
    (project.root / "uploads").mkdir()
    os.mkfifo(project.root / "uploads/pipe")
    done = project.guard("premerge")
    assert done.code == 1, done.out
    assert "'uploads/pipe' is a socket, a device or a pipe" in done.err
    assert "[(" not in done.out + done.err, "no list of Python's"


@pytest.mark.skipif(not ROOT, reason="only root can give a file away")
def test_a_file_that_cannot_be_copied_is_named_in_a_sentence(project: Project) -> None:
    _rehearsed(project, uploads={"paths": ["uploads/"]})
    secret = _sparse(project.root / "uploads/secret.png", 10)
    os.chown(secret, 4711, 4711)
    secret.chmod(0o600)
    powerless = [program("setpriv", "util-linux"), "--bounding-set=-dac_override,-dac_read_search", str(PROGRAM)]
    done = subprocess.run(
        [*powerless, "premerge"], cwd=project.root, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
    assert "the scratch copy could not be made" in done.stderr
    assert f"Permission denied: '{secret}'" in done.stderr
    assert "[(" not in done.stdout + done.stderr


def test_a_scratch_copy_that_does_not_fit_is_refused_before_it_begins(project: Project, tmp_path: Path) -> None:
    _rehearsed(project, uploads={"paths": ["uploads/"]})
    _sparse(project.root / "uploads/film.mp4", 4 << 20)
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=6m", "tmpfs") as small:
        done = project.guard("premerge", env={"TMPDIR": str(small)})
        assert done.code == 1, done.out
        assert "the scratch copy and its backup take at least 8.0 MiB" in done.err
        assert "TMPDIR" in done.err
        assert list(small.iterdir()) == []
    roomy = project.guard("premerge")
    assert roomy.code == 0, roomy.err
    assert "copying 4.0 MiB to " in roomy.err, "what it costs is said first"


def _held_still(project: Project, quiesce: str = "", resume: str = "") -> None:
    """A service that is held still around every backup, and says so in the file `hooks`."""
    backup = project.environment["backup"]
    backup["quiesce"] = {"run": ["sh", "-c", f"echo quiesced >> hooks; {quiesce}"]}
    backup["resume"] = {"run": ["sh", "-c", f"{resume} echo resumed >> hooks"]}
    project.write()


def _hooks(project: Project) -> list[str]:
    path = project.root / "hooks"
    return path.read_text().split() if path.exists() else []


def _left(project: Project) -> list[str]:
    """Everything that a backup that failed may not leave."""
    left = [path.name for path in (project.root / "backups").glob("*") if path.is_file()]
    return left + [path.name for path in project.root.glob(".dhash-guard/made")]


def _until(child: subprocess.Popen[str], ready: Callable[[], object]) -> None:
    """Wait for what the program is about to do."""
    while not ready():
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.01)


@contextmanager
def _begun(project: Project, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [str(PROGRAM), *arguments],
        cwd=project.root,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def test_resume_runs_although_the_command_fails(project: Project) -> None:
    dump = {"run": ["sh", "-c", "echo half a dump; echo the database is gone >&2; exit 3"], "to": "dump.sql"}
    project.environment["backup"]["components"]["dump"] = dump
    _held_still(project)
    done = project.guard("backup", "create")
    assert done.code == 1, done.out
    assert "component dump: " in done.err
    assert "the database is gone" in done.err
    assert _hooks(project) == ["quiesced", "resumed"]
    assert _left(project) == []


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP])
def test_resume_runs_although_quiesce_is_told_to_end(project: Project, kind: signal.Signals) -> None:
    _held_still(project, quiesce="sleep 60")
    with _begun(project, "backup", "create") as child:
        _until(child, lambda: _hooks(project))
        child.send_signal(kind)
        out, _ = child.communicate(timeout=30)
    assert child.returncode == 3, out
    assert _hooks(project) == ["quiesced", "resumed"]
    assert _left(project) == []


def test_resume_runs_although_the_backup_is_told_to_end(project: Project) -> None:
    project.environment["backup"]["components"]["uploads"] = {"paths": ["uploads/"]}
    _sparse(project.root / "uploads/film.bin", 4 << 30)
    _held_still(project)
    with _begun(project, "backup", "create") as child:
        _until(child, lambda: list((project.root / "backups").glob(".*")))
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=30)
    assert child.returncode == 3, out
    assert _hooks(project) == ["quiesced", "resumed"]
    assert _left(project) == []


def test_a_cancelled_job_lets_resume_come_to_its_end(project: Project) -> None:
    """GitHub sends INT, and TERM some seconds later, in the middle of what INT began."""
    _held_still(project, quiesce="sleep 60", resume="echo resuming >> hooks; sleep 0.5;")
    with _begun(project, "backup", "create") as child:
        _until(child, lambda: _hooks(project))
        child.send_signal(signal.SIGINT)
        _until(child, lambda: "resuming" in _hooks(project))
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=30)
    assert child.returncode == 3, out
    assert _hooks(project) == ["quiesced", "resuming", "resumed"]


@contextmanager
def _growing(log: Path) -> Iterator[None]:
    """A log with a past, to which a service goes on writing."""
    log.parent.mkdir()
    log.write_bytes(b"2026-11-21T03:15:00.123Z one line of many\n" * 500_000)
    done = threading.Event()

    def write() -> None:
        with log.open("ab", buffering=0) as file:
            while not done.wait(0.001):
                file.write(b"2026-11-21T03:15:01.456Z and one more\n")

    service = threading.Thread(target=write)
    service.start()
    try:
        yield
    finally:
        done.set()
        service.join()


@pytest.mark.parametrize("grows", [True, False])
def test_a_log_that_grows_is_read_to_the_length_that_it_had(project: Project, grows: bool) -> None:
    project.environment["backup"]["components"]["log"] = {"paths": ["log/"], "grows": grows}
    project.write()
    log = project.root / "log/service.log"
    with _growing(log):
        before = log.stat().st_size
        done = project.guard("backup", "create", "--verify")
    if not grows:
        assert done.code == 1, done.out
        assert "log/service.log" in done.err
        assert _left(project) == []
        return
    assert done.code == 0, done.err
    [archive] = (project.root / "backups").glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        held = opened.read("log/service.log")
    assert before <= len(held) < log.stat().st_size
    assert log.read_bytes().startswith(held)


@pytest.mark.parametrize(("name", "size", "least"), [("film.mp4", 3 << 20, "3.0 MiB"), ("film.txt", 16 << 20, "2.4 MiB")])
def test_a_backup_that_would_fill_the_disk_is_refused_before_it_begins(
    project: Project, name: str, size: int, least: str
) -> None:
    project.environment["backup"]["components"]["uploads"] = {"paths": ["uploads/"]}
    _held_still(project)
    _sparse(project.root / "uploads" / name, size)
    with mounted(project.root / "backups", "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        done = project.guard("backup", "create")
        assert done.code == 1, done.out
        assert f"the backup takes at least {least}, " in done.err
        assert "more than are free" in done.err
        assert "dhash-guard backup prune" in done.err
        assert _left(project) == []
        again = project.guard("backup", "create", "--dry-run")
        seen = name.endswith(".txt")  # media may be cloned, which only writing shows
        assert (again.code, "more than are free" in again.err) == ((1, True) if seen else (0, False))
    assert _hooks(project) == ([] if seen else ["quiesced", "resumed"])


def test_a_terminal_sees_how_far_long_work_has_come(project: Project) -> None:
    project.environment["backup"]["components"]["uploads"] = {"paths": ["uploads/"]}
    project.write()
    for number in range(12):
        _sparse(project.root / f"uploads/{number}.mp4", 9 << 20)
    hasty = [program("faketime", "faketime"), "-f", "+0 x100"]  # half a second is over in five milliseconds

    def seen(words: Sequence[str], *command: str) -> None:
        done = on_a_terminal(project, b"", *command, under=hasty)
        assert done.code == 0, done.err
        for word in words:
            assert re.search(rf"\r\033\[2K{word} \d+ %, [\d.]+ [KM]iB of 108\.0 MiB", done.err), done.err
        assert "\r\033[2K" in done.err.rpartition("%")[2], "nothing of it is left"

    seen(["backing up"], "backup", "create")
    [archive] = (project.root / "backups").glob("*.zip")
    seen(["checking"], "backup", "verify")
    seen(["restoring", "reading back"], "backup", "restore", "--backup", f"backups/{archive.name}", "--force")
