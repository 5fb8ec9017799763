"""Finds the programs and rights that some tests need; without them a test skips on a laptop and fails in CI."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NoReturn

import pytest


def lacking(text: str) -> NoReturn:
    """Skip, saying what is missing; fail in CI, where Linux has everything."""
    if os.environ.get("CI") == "true" and sys.platform == "linux":
        pytest.fail(text)
    pytest.skip(text)


def program(name: str, package: str) -> str:
    """The path of a program, or a skip (in CI on Linux: a failure) that names the command which installs it."""
    found = shutil.which(name)
    if found is None:
        lacking(f"{name} is missing: apt-get install {package}")
    return found
