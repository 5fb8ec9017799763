"""A git repository around a project, and the variables with which the program finds the simulator from there."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dhash_guard.simulator import Simulator

_WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")


def commit(root: Path, message: str = "A change") -> str:
    """Commit everything that is there now; return the id."""
    if not (root / ".git").exists():
        git(root, "init", "--quiet")
        (root / ".git/info/exclude").write_text(".dhash-guard/\nbackups/\nmonitor_logs/\npremerge_artifacts/\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD")


def git(root: Path, *arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *_WHO, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def on_github(
    sim: Simulator, sha: str, *, ref: str = "refs/heads/main", run: int = 77, token: str = "t-write"
) -> dict[str, str]:  # the simulator's
    """What a runner says of a run on `sha`, whose branch the simulator is told of."""
    if ref.startswith("refs/heads/"):
        sim.add_branch(ref.removeprefix("refs/heads/"), sha=sha)
    sim.repository.commits.append(sha)
    sim.repository.collaborators.setdefault("ada", "write")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "ada",
        "GITHUB_API_URL": sim.url,
        "GITHUB_EVENT_NAME": "workflow_dispatch",
        "GITHUB_REF": ref,
        "GITHUB_REPOSITORY": sim.name,
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": str(run),
        "GITHUB_SHA": sha,
        "GITHUB_TOKEN": token,
    }
