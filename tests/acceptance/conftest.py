"""Every acceptance test drives the installed program on real files against a real loopback service."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from support.loopback import Loopback
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make action` makes, once for all workers; a run without a network is given it by its parent."""
    if given := os.environ.get("DHASH_GUARD_RELEASE"):
        return Path(given)
    worker = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if worker else base) / "release"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            command = [sys.executable, str(ROOT / "tools" / "assemble_action.py"), "--out", str(shared)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    return shared


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback().serving() as one:
        yield one


@pytest.fixture
def project(tmp_path: Path, service: Loopback) -> Project:
    return Project(tmp_path / "project", service)


@pytest.fixture
def base(project: Project) -> Project:
    """The checkout of the base branch, with legs that need nothing but the repository."""
    project.settings["premerge"] = {"legs": ["check", "backup"]}
    project.write()
    return project
