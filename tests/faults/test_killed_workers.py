"""Worker processes die, or their parent does: the operation fails cleanly, nobody is left behind, the lock is free."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults import checker
from faults.arena import child
from faults.installed import aftermath, arguments_of, guard
from faults.table import judged
from support.project import PROGRAM, clean_environment

if TYPE_CHECKING:
    from faults.arena import Arena

pytestmark = pytest.mark.skipif("__import__('sys').platform != 'linux'", reason="workers are processes on Linux only")

OPERATIONS = ["create", "verify", "restore"]


def _busy(arena: Arena) -> Path:
    """A project whose backup keeps several workers busy for a while."""
    chance = random.Random(5)
    root = arena.prepared
    for number in range(3):
        (root / f"config/big{number}").write_bytes(chance.randbytes(3 << 20).hex().encode())
    for number in range(1000):
        (root / f"config/sub/small{number}").write_bytes(chance.randbytes(500))
    done = child(root, "create")
    assert done.returncode == 0, done.stderr
    for archive in checker.archives(root)[:-1]:  # the arena's own is not one that keeps anybody busy
        (root / archive).unlink()
        (root / f"{archive}.sha256").unlink()
    (root / "library.json").write_text("newer")
    return root


def _begin(root: Path, operation: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(PROGRAM), *arguments_of(operation, root)],
        cwd=root,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _workers(parent: int) -> list[int]:
    """Children of the process that are the program itself; what it runs for a moment (git) is not."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        line = Path(f"/proc/{parent}/cmdline").read_bytes()
        return [int(each) for each in children if Path(f"/proc/{each}/cmdline").read_bytes() == line]
    except OSError:
        return []


def _wait_for_workers(process: subprocess.Popen[bytes]) -> list[int]:
    """The workers, as soon as there are two of them."""
    while process.poll() is None:
        found = _workers(process.pid)
        if len(found) >= 2:
            return found
        time.sleep(0.001)
    raise AssertionError(f"it ended before it had workers: {process.stderr.read().decode() if process.stderr else ''}")


def _gone(pid: int, within: float = 5.0) -> bool:
    """Whether a process ends within so many seconds; one that nobody has fetched yet (a zombie) has ended."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif("(__import__('os').cpu_count() or 1) < 2", reason="needs two cores for two workers")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_killed_worker_fails_the_operation(arena: Arena, operation: str) -> None:
    root = _busy(arena)
    before, old = checker.good(root), checker.tree(root)
    process = _begin(root, operation)
    workers = _wait_for_workers(process)
    os.kill(workers[0], signal.SIGKILL)
    errors = process.communicate(timeout=60)[1].decode()
    wrong = checker.violations(root, before=before, trees=(old,), tidy=True)
    if process.returncode in (0, 70) or "Traceback" in errors:
        wrong.append(f"it ended with {process.returncode}: {errors[-300:]}")
    wrong += [f"worker {pid} stays" for pid in workers if not _gone(pid)]
    if checker.archives(root) != list(before):
        wrong.append("there is a new backup")
    judged(operation, "workers are busy", "a worker is killed", wrong + aftermath(root, before, (old,)))


@pytest.mark.skipif("(__import__('os').cpu_count() or 1) < 2", reason="needs two cores for two workers")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_killed_parent_leaves_no_workers_and_no_lock(arena: Arena, operation: str) -> None:
    root = _busy(arena)
    before, old = checker.good(root), checker.tree(root)
    process = _begin(root, operation)
    workers = _wait_for_workers(process)
    process.kill()
    process.communicate(timeout=60)
    wrong = [f"worker {pid} stays" for pid in workers if not _gone(pid)]
    wrong += aftermath(root, before, (old,))
    again = guard(root, "backup", "create")
    if again.returncode:
        wrong.append(f"the next backup ends with {again.returncode}: {again.stderr[-300:]}")
    wrong += checker.violations(root, before=before, trees=(old,))
    judged(operation, "workers are busy", "the parent is killed", wrong)


STEPS = [1, 2, 200, 399]


@pytest.mark.parametrize("step", [pytest.param(n, marks=() if n in (1, 200) else pytest.mark.full) for n in STEPS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_while_it_unpacks(arena: Arena, step: int, when: str) -> None:
    """At a chosen step of its own, in the midst of the staged tree."""
    root = _busy(arena)
    before, old = checker.good(root), checker.tree(root)
    done = child(root, "restore", "--kill-at", step, "--when", when, "--in-worker")
    assert "NoGo" in done.stderr, f"the planned kill was not hit: {done.stderr}"
    wrong = [] if done.returncode == 1 else [f"it ended with {done.returncode}"]
    wrong += checker.violations(root, before=before, trees=(old,), tidy=True)
    judged("restore", "write staged tree, in a worker", f"killed {when}", wrong + aftermath(root, before, (old,)))
