"""The disk where it refuses: locks hold although nothing can be noted, and a directory that only grows is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhash_guard.errors import Locked
from dhash_guard.system.files import SystemFiles, only_grows
from support.disks import attributed


def test_a_lock_holds_although_its_holder_cannot_be_noted(tmp_path: Path) -> None:
    """As on a full disk: the note is for people, the lock is for everybody."""
    (tmp_path / "one.holder").mkdir()
    files = SystemFiles()
    with (
        files.lock(tmp_path / "one.lock", "somebody"),
        pytest.raises(Locked, match="locked by another process"),
        files.lock(tmp_path / "one.lock", "other"),
    ):
        pass
    with files.lock(tmp_path / "one.lock", "other"):
        pass


def test_a_note_that_was_cut_off_names_nobody(tmp_path: Path) -> None:
    files = SystemFiles()
    with files.lock(tmp_path / "one.lock", "somebody"):
        (tmp_path / "one.holder").write_text("")
        with pytest.raises(Locked, match="locked by another process"), files.lock(tmp_path / "one.lock", "other"):
            pass


def test_a_directory_that_only_grows_is_known(tmp_path: Path) -> None:
    assert not only_grows(tmp_path)
    assert not only_grows(tmp_path / "gone")
    assert not only_grows(Path("/proc"))
    with attributed(tmp_path, "+a"):
        assert only_grows(tmp_path)
    with attributed(tmp_path, "+i"):
        assert not only_grows(tmp_path)
