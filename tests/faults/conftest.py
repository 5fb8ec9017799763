"""What the crash tests share: a prepared project, and what a person runs after a crash."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.arena import Arena, child, start
from support.programs import program
from support.project import PROGRAM, clean_environment


@pytest.fixture
def arena(tmp_path: Path) -> Arena:
    for name, package in (("sha256sum", "coreutils"), ("unzip", "unzip")):
        program(name, package)
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    start(prepared)
    first = child(prepared, "create")
    assert first.returncode == 0, first.stderr
    return Arena(prepared, tmp_path)


@pytest.fixture
def next_command() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """What a person runs after a crash: any command of the installed program, which first finishes what was begun."""

    def run(root: Path) -> subprocess.CompletedProcess[str]:
        command = [str(PROGRAM), "backup", "list"]
        return subprocess.run(
            command, cwd=root, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
        )

    return run
