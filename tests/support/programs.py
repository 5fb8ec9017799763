"""Finds the programs that some tests need; missing ones skip on a laptop and fail in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """The path of a program, or a skip (in CI: a failure) that names the command which installs it."""
    found = shutil.which(name)
    if found is None:
        text = f"{name} is missing: apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    return found
