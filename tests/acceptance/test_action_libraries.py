"""What a workflow adds to the action's libraries: searched last, and never taken from the workspace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def started(release: Path, libraries: str, workspace: Path) -> tuple[subprocess.CompletedProcess[str], str]:
    output = workspace.parent / "output"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(workspace),
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_OUTPUT": str(output),
        "DHASH_GUARD_INPUT_LIBRARIES": libraries,
    }
    command = [sys.executable, "-I", "-S", str(release / "action" / "run.py"), "--version"]
    done = subprocess.run(command, env=env, cwd=workspace, capture_output=True, text=True, check=False)
    return done, output.read_text() if output.exists() else ""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace"


def test_a_folder_beside_the_workspace_is_searched_after_our_own(release: Path, workspace: Path) -> None:
    folder = workspace.parent / "libraries"
    (folder / "click").mkdir(parents=True)
    (folder / "click/__init__.py").write_text("raise SystemExit('the wrong click')")
    done, _ = started(release, str(folder), workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("dhash-guard")


@pytest.mark.parametrize("where", ["inside", "link", "relative", "missing"])
def test_any_other_folder_is_refused(release: Path, workspace: Path, where: str) -> None:
    (workspace / "evil").mkdir()
    (workspace.parent / "link").symlink_to(workspace / "evil")
    named = {"inside": str(workspace / "evil"), "link": str(workspace.parent / "link"), "relative": "evil"}
    done, output = started(release, named.get(where, str(workspace.parent / "nothing")), workspace)
    assert done.returncode == 2
    assert "::error" in done.stdout
    assert "decision=hold" in output
