"""Progress is one line that leaves nothing behind, and nothing where nobody looks; through a real pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import time
from dhash_guard.cli.progress import Bar, Line
bar = Bar(Line(quiet={quiet}))
for done in range(0, 2000, 10):
    bar("backing up", done, 2000)
    time.sleep(0.005)
bar("backing up", 2000, 2000)
print("end", flush=True)
"""


def _seen(*, quiet: bool = False, environ: dict[str, str] | None = None) -> str:
    """What a terminal got from both streams."""
    pty = pytest.importorskip("pty", reason="terminals of this kind are only on Linux and macOS")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", CODE.format(quiet=quiet)]
    surroundings = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src"), **(environ or {})}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=surroundings) as child:
        os.close(theirs)
        seen = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            seen += more
        assert child.wait(20) == 0
    os.close(ours)
    return seen.decode()


def test_a_terminal_sees_a_line_that_is_written_over_and_gone_at_the_end() -> None:
    seen = _seen(environ={"GITHUB_ACTIONS": ""})
    shown = [line for line in seen.split("\r\033[2K") if line.startswith("backing up")]
    assert 1 <= len(shown) < 15
    assert " %, " in shown[0]
    assert seen.endswith("\r\033[2Kend\r\n")


@pytest.mark.parametrize(("quiet", "environ"), [(True, {"GITHUB_ACTIONS": ""}), (False, {"GITHUB_ACTIONS": "true"})])
def test_nothing_is_shown_where_nobody_looks(quiet: bool, environ: dict[str, str]) -> None:
    assert _seen(quiet=quiet, environ=environ) == "end\r\n"
