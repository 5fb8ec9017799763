"""Programs are run with a limit for the whole tree, and nothing of theirs is waited for longer."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from dhash_guard.system.process import OUTPUT_CAP, Finished, SystemProcesses


def run(*code: str, timeout: float = 20) -> Finished:
    return SystemProcesses(os.environ).run(code, cwd=Path.cwd(), timeout=timeout, changes=True)


def python(code: str, timeout: float = 20) -> Finished:
    return run(sys.executable, "-c", code, timeout=timeout)


def test_output_and_code() -> None:
    done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.exit_code, done.output, done.errors, done.ok) == (3, "out\n", "err\n", False)
    assert "exit 3 (err)" in done.explain()


def test_a_program_that_is_not_there() -> None:
    done = run("no-such-program-anywhere")
    assert done.exit_code is None
    assert "could not start" in done.explain()


def test_the_end_of_much_output_is_kept() -> None:
    done = python(f"print('x' * {OUTPUT_CAP * 2}); print('the end')")
    assert done.output.endswith("the end\n")
    assert len(done.output) < OUTPUT_CAP + 100


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_the_whole_tree_is_ended(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(mark)!r}).touch()"
    done = python(
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)", timeout=0.5
    )
    assert done.timed_out
    time.sleep(2)
    assert not mark.exists()


def test_a_daemon_that_keeps_the_pipes_open_is_not_waited_for() -> None:
    began = time.monotonic()
    done = python(
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)']); print('started')"
    )
    assert done.ok
    assert "started" in done.output
    assert time.monotonic() - began < 15


def test_it_asks_nobody() -> None:
    assert python("input()").exit_code == 1


def test_input_and_output_go_through_files(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write(sys.stdin.read() * 2); print('aside', file=sys.stderr)"
    (tmp_path / "in").write_bytes(b"x" * OUTPUT_CAP)
    with (tmp_path / "in").open("rb") as feed, (tmp_path / "out").open("wb") as into:
        done = SystemProcesses(os.environ).run(
            [sys.executable, "-c", code], cwd=tmp_path, timeout=30.0, changes=True, feed=feed, into=into
        )
    assert done.ok and (done.output, done.errors) == ("", "aside\n")
    assert (tmp_path / "out").read_bytes() == b"x" * 2 * OUTPUT_CAP
