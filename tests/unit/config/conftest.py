"""The project directory that every test of this room begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from unit.config.project import DOCUMENTED, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def documented() -> str:
    return DOCUMENTED
