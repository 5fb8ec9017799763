"""Which file is meant, and where the project begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhash_guard.config import load
from dhash_guard.config.find import find
from dhash_guard.errors import UsageProblem


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("version: 1\n")
    return path


@pytest.mark.parametrize("name", [".github/dhash-guard.yml", "dhash-guard.yml"])
def test_the_nearest_file_upward_wins(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "dhash-guard.yml")
    path = touch(tmp_path / "inner" / name)
    below = tmp_path / "inner" / "a" / "b"
    below.mkdir(parents=True)
    found = find(None, below)
    assert (found.path, found.root) == (path, tmp_path / "inner")


def test_from_within_the_github_folder(tmp_path: Path) -> None:
    path = touch(tmp_path / ".github" / "dhash-guard.yml")
    found = find(None, tmp_path / ".github")
    assert (found.path, found.root, found.name) == (path, tmp_path, "dhash-guard.yml")


def test_two_at_one_level_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / ".github" / "dhash-guard.yml")
    touch(tmp_path / "dhash-guard.yml")
    with pytest.raises(UsageProblem, match=r"two configurations: \.github/dhash-guard\.yml and dhash-guard\.yml"):
        find(None, tmp_path)


def test_none_says_where_it_looked_and_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem) as caught:
        find(None, tmp_path)
    assert str(tmp_path) in caught.value.what
    assert "dhash-guard init" in caught.value.cure


@pytest.mark.parametrize(
    ("config", "root"),
    [("gates/own.yml", "gates"), (".github/own.yml", "."), (".github/configs/own.yml", "."), ("own.yml", ".")],
)
def test_the_root_of_a_named_file(tmp_path: Path, config: str, root: str) -> None:
    touch(tmp_path / "dhash-guard.yml")
    path = touch(tmp_path / config)
    found = find(Path(config), tmp_path)
    assert (found.path, found.root, found.name) == (path, tmp_path / root, config)


@pytest.mark.parametrize("config", ["missing.yml", "."])
def test_a_named_file_must_be_one(tmp_path: Path, config: str) -> None:
    with pytest.raises(UsageProblem, match="no such configuration file"):
        load(Path(config), tmp_path, {})
