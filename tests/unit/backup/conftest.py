"""The project that every test of this room begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from unit.backup.project import Project, dhash_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return dhash_project(tmp_path)
