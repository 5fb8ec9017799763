"""What the crash tests share: a prepared project, and what a person runs after a crash."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.arena import Arena, child, start


@pytest.fixture
def arena(tmp_path: Path) -> Arena:
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    start(prepared)
    first = child(prepared, "create")
    assert first.returncode == 0, first.stderr
    return Arena(prepared, tmp_path)


@pytest.fixture
def next_command() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """What a person runs after a crash: here recovery itself; any command of the installed program will do the same."""
    return lambda root: child(root, "recover")
