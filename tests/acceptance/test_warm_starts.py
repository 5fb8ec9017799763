"""A fork of the loaded program answers as a whole start does: the tests' own short cut, held to what it stands for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.project import PROGRAM, Project, clean_environment
from support.warm import Starter

CALLS = [
    ("--version",),
    ("config", "check"),
    ("config", "check", "--json"),
    ("config", "show", "--env", "nowhere"),
    ("gates", "lst"),
    ("backup", "list"),
    ("backup", "verify", "--json"),
    ("logs", "--help"),
]


def cold(root: Path, arguments: tuple[str, ...]) -> tuple[int, str, str]:
    command = [str(PROGRAM), *arguments]
    done = subprocess.run(command, cwd=root, env=clean_environment(), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def starter() -> Starter:
    return Starter(PROGRAM, clean_environment())


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_says_and_ends_the_same(starter: Starter, project: Project, arguments: tuple[str, ...]) -> None:
    told = [starter.run(arguments, cwd=project.root, env=clean_environment(), timeout=60) for _ in range(3)]
    assert {(done.returncode, done.stdout, done.stderr) for done in told} == {cold(project.root, arguments)}


def test_what_one_call_is_given_does_not_reach_the_next(starter: Starter, project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for folder, code in ((project.root, 0), (tmp_path / "elsewhere", 2), (project.root, 0)):
        for env in ({"DHASH_GUARD_CONFIG": "none.yml"}, {}):
            done = starter.run(("config", "check"), cwd=folder, env=clean_environment() | env, timeout=60)
            assert done.returncode == (2 if env else code), done.stderr


def test_one_that_takes_too_long_is_killed(starter: Starter, project: Project) -> None:
    project.environment["deploy"]["run"] = ["sleep", "60"]
    project.write()
    for _ in range(2):  # the first is a whole start
        with pytest.raises(subprocess.TimeoutExpired):
            starter.run(("deploy", "--tag", "a", "--force"), cwd=project.root, env=clean_environment(), timeout=1)
