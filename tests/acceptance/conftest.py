"""Every acceptance test drives the installed program on real files against a real loopback service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.loopback import Loopback
from support.project import Project


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback().serving() as one:
        yield one


@pytest.fixture
def project(tmp_path: Path, service: Loopback) -> Project:
    return Project(tmp_path / "project", service)
