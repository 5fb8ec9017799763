"""The command: says its address, serves until it is told to end, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from attrs import evolve

from dhash_guard.errors import UsageProblem
from dhash_guard.simulator import Options, run
from dhash_guard.system import Machine, this_machine
from dhash_guard.system.clock import SystemClock

PROGRAM = """
from dhash_guard.cli.simulator import simulator
from dhash_guard.system.interrupt import install
install()
simulator(standalone_mode=False)
"""


class Impatient(SystemClock):
    """A person who presses ^C as soon as there is something to wait for."""

    def __init__(self, ready_file: Path) -> None:
        self.seen = ""
        self._ready_file = ready_file

    def sleep(self, seconds: float) -> None:
        self.seen = self._ready_file.read_text("utf-8").strip()
        assert requests.get(f"{self.seen}/rate_limit", timeout=5).status_code == 200
        raise KeyboardInterrupt


def machine(clock: SystemClock) -> Machine:
    return evolve(this_machine({}), clock=clock)


def test_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    ready_file, told = tmp_path / "ready", list[str]()
    clock = Impatient(ready_file)
    run(Options(ready_file=ready_file), machine(clock), told.append)
    assert told == [clock.seen]
    assert not ready_file.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(told[0], timeout=1)


def test_a_port_that_is_taken_is_a_usage_problem(tmp_path: Path) -> None:
    class Second(Impatient):
        def sleep(self, seconds: float) -> None:
            port = int(self._ready_file.read_text("utf-8").strip().rsplit(":", 1)[1])
            with pytest.raises(UsageProblem, match="cannot serve"):
                run(Options(port=port), machine(SystemClock()), lambda _: None)
            raise KeyboardInterrupt

    ready_file = tmp_path / "ready"
    run(Options(ready_file=ready_file), machine(Second(ready_file)), lambda _: None)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no TERM to send")
def test_the_program_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    ready_file, state = tmp_path / "ready", tmp_path / "state.yml"
    state.write_text("repositories: {a/b: {private: false}}\n", "utf-8")
    call = [sys.executable, "-c", PROGRAM, "--state", str(state), "--ready-file", str(ready_file)]
    child = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while not ready_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        url = ready_file.read_text("utf-8").strip()
        assert requests.get(f"{url}/repos/a/b", timeout=5).json()["full_name"] == "a/b"
    finally:
        child.send_signal(signal.SIGTERM)
        output, _ = child.communicate(timeout=20)
    assert (child.returncode, output) == (0, f"{url}\n")
    assert not ready_file.exists()
