"""What the machine tells of itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dhash_guard.system.host import SystemHost

pwd = pytest.importorskip("pwd")


def test_the_account_is_the_systems_own() -> None:
    try:
        known = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        known = f"uid {os.getuid()}"
    assert SystemHost().account() == known


def test_a_place_that_is_not_there_has_no_room(tmp_path: Path) -> None:
    assert SystemHost().free_bytes(tmp_path / "nowhere") is None
