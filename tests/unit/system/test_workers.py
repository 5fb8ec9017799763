"""Work spread over processes or threads comes back in order, and whatever goes wrong in a worker is raised here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.errors import NoGo
from dhash_guard.system.workers import in_order

FORKS = pytest.mark.skipif(sys.platform != "linux", reason="workers are threads here; processes only on Linux")


@pytest.fixture(params=["here", "processes", "threads"])
def workers(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many workers; while another thread runs they are threads."""
    if request.param != "threads":
        yield 1 if request.param == "here" else 3
        return
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    yield 3
    done.set()
    other.join()


def _fill(task: int, slab: memoryview) -> int:
    time.sleep(0.002 * (task % 3))  # so that later tasks are done earlier
    text = str(task).encode()
    slab[: len(text)] = text
    return len(text)


def test_results_come_in_the_order_of_their_tasks(workers: int) -> None:
    found = [bytes(slab[:size]) for size, slab in in_order(_fill, range(50), workers=workers, slab=10)]
    assert found == [str(number).encode() for number in range(50)]


def test_tasks_are_taken_when_they_are_needed(workers: int) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results: Any = in_order(_fill, tasks(), workers=workers, slab=10)
    next(results)
    assert len(taken) < 10
    results.close()


@pytest.mark.parametrize("count", [0, 1])
def test_little_work_is_done_here(count: int) -> None:
    assert [pid for pid, _ in in_order(lambda task, slab: os.getpid(), range(count), workers=4)] == [os.getpid()] * count


def test_what_a_worker_raises_is_raised_here(workers: int) -> None:
    def fail(task: int, slab: memoryview) -> int:
        if task == 7:
            raise NoGo("seven", where="there", cure="Take eight.")
        return task

    done: list[int] = []
    with pytest.raises(NoGo) as refusal:
        done.extend(result for result, _ in in_order(fail, range(20), workers=workers))
    assert (refusal.value.what, refusal.value.where, refusal.value.cure) == ("seven", "there", "Take eight.")


def test_a_system_error_keeps_its_number(workers: int) -> None:
    def fail(task: int, slab: memoryview) -> int:
        Path("/nowhere/at/all").read_bytes()
        return 0

    with pytest.raises(FileNotFoundError) as refusal:
        list(in_order(fail, range(3), workers=workers))
    assert refusal.value.errno == 2


def test_beside_the_work_something_else_is_done_once(workers: int) -> None:
    done: list[int] = []
    assert len(list(in_order(_fill, range(9), workers=workers, slab=10, meanwhile=lambda: done.append(1)))) == 9
    assert done == [1]


def alone(tmp_path: Path, script: str) -> str:
    """What a fresh interpreter prints that runs `script`: beside threads of other tests (of fsspec) workers are threads."""
    file = tmp_path / "script.py"
    file.write_text(script)
    done = subprocess.run(
        [sys.executable, str(file), str(tmp_path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


DYING = """
import os, signal
from dhash_guard.system.workers import in_order

here = os.getpid()

def die(task, slab):
    assert os.getpid() != here, "that is no process of its own"
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()

seen = set()
try:
    for pid, _ in in_order(die, range(20), workers=2):
        seen.add(pid)
except OSError as problem:
    print(problem)
for pid in seen:
    try:
        os.kill(pid, 0)
        print("still there")
    except ProcessLookupError:
        print("gone")
"""

SLOW = """
import os, pathlib, sys, time
from dhash_guard.system.workers import in_order

def slow(task, slab):
    with (pathlib.Path(sys.argv[1]) / "pids").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(60)
    return 0

list(in_order(slow, range(4), workers=2))
"""


@FORKS
def test_a_worker_that_dies_is_noticed_and_none_stays(tmp_path: Path) -> None:
    said = alone(tmp_path, DYING).splitlines()
    assert said[0] == "a worker process died"
    assert said[1:]
    assert set(said[1:]) == {"gone"}


@FORKS
def test_workers_do_not_outlive_whoever_began_them(tmp_path: Path) -> None:
    script, note = tmp_path / "slow.py", tmp_path / "pids"
    script.write_text(SLOW)
    with subprocess.Popen([sys.executable, str(script), str(tmp_path)]) as child:
        deadline = time.monotonic() + 60
        while not (note.exists() and len(note.read_text().split()) == 2) and time.monotonic() < deadline:
            time.sleep(0.01)
        child.kill()
    pids = [int(line) for line in note.read_text().split()]
    assert len(pids) == 2
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    """Whether the process does anything still; a zombie that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


TOLD_TO_END = """
import os, signal
from dhash_guard.system.interrupt import Interrupted, install
from dhash_guard.system.workers import in_order
install()
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
try:
    print(list(in_order(lambda task, slab: task, range(9), workers=2)))
except Interrupted:
    print("told to end")
"""


@FORKS
def test_a_signal_in_the_middle_of_a_fork_is_not_lost(tmp_path: Path) -> None:
    assert alone(tmp_path, TOLD_TO_END) == "told to end\n"


def test_large_tasks_and_large_results_do_not_wait_for_each_other(workers: int) -> None:
    def echo(task: bytes, slab: memoryview) -> bytes:
        return task

    tasks = (bytes(2 << 20) for _ in range(12))  # more than a pipe holds, both ways
    assert [len(result) for result, _ in in_order(echo, tasks, workers=workers)] == [2 << 20] * 12


def test_what_is_done_meanwhile_may_not_fail_unheard(workers: int) -> None:
    def meanwhile() -> None:
        raise RecursionError("too deep to count")

    with pytest.raises(RecursionError, match="too deep"):
        list(in_order(_fill, range(9), workers=workers, slab=10, meanwhile=meanwhile))
