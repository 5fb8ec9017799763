"""Lays out projects from examples/mobius-dhash for the tests, and stops whatever they leave running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# At the end, so that the example's plain module names can never hide anyone else's.
sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "mobius-dhash"))

from support.mobius import COUNT, EXAMPLE, Project

if os.environ.get("CI") == "true":
    import PIL  # noqa: F401 - there, a missing Pillow is a failure and not a reason to skip


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn once: drawing is the slow part of laying out a project."""
    root = tmp_path_factory.mktemp("mobius") / "template"
    call = [sys.executable, str(EXAMPLE / "scripts" / "setup.py"), "--root", str(root), "--count", str(COUNT)]
    subprocess.run(call, check=True, capture_output=True, timeout=60)
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Iterator[Project]:
    """A fresh project, not running."""
    root = tmp_path / "project"
    shutil.copytree(template, root, symlinks=True)
    made = Project(root)
    yield made
    made.run("scripts/service.py", "stop")


@pytest.fixture(scope="module")
def running(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One project running the good release, for tests which only ask it things."""
    root = tmp_path_factory.mktemp("running") / "project"
    shutil.copytree(template, root, symlinks=True)
    made = Project(root)
    made.ok("scripts/service.py", "start")
    yield made
    made.run("scripts/service.py", "stop")
