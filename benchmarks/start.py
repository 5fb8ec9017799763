"""Measures how long a step waits before dhash-guard runs: whole processes, interleaved, as ratios against named peers."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = ROOT / "build" / "action"
LOCK = ROOT / "requirements" / "action.txt"

Work = Callable[[], None]


def main() -> None:
    """Print a row for each goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", type=int, default=15, help="runs of the quick processes")
    parser.add_argument("--slow", type=int, default=3, help="runs of the installation")
    chosen = parser.parse_args()
    node = shutil.which("node")
    if not RELEASE.is_dir():
        raise SystemExit("build/action is missing: make action")
    print("| goal | measured | min | |\n|---|---|---|---|")
    if node is None:
        print("| `dhash-guard --version` at most 1.3 × `node -e ''` | node is missing | | short |")
    else:
        # -I -S and no options of ours: what the step itself starts.
        guard = [sys.executable, "-I", "-S", "-X", "utf8", str(RELEASE / "action" / "run.py"), "--version"]
        ours, peer = interleaved([lambda: run(guard), lambda: run([node, "-e", ""])], chosen.quick)
        row("`dhash-guard --version` at most 1.3 × `node -e ''`", ours, peer, most=1.3)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        ours, peer = interleaved([lambda: first_step(scratch), lambda: install(scratch)], chosen.slow)
    row("first step from the release at least 20 × faster than venv + pip install", ours, peer, least=20)


def interleaved(works: list[Work], times: int) -> list[list[float]]:
    """Seconds of each work, `times` times in turn after one run that does not count."""
    for work in works:
        work()
    found: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, seconds in zip(works, found, strict=True):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
    return found


def row(goal: str, ours: list[float], peer: list[float], *, most: float = 0, least: float = 0) -> None:
    """One line of the table: medians and minima as ratios."""
    ratios = [how(peer) / how(ours) if least else how(ours) / how(peer) for how in (statistics.median, min)]
    good = ratios[0] >= least if least else ratios[0] <= most
    print(f"| {goal} | {ratios[0]:.2f} × (median of {len(ours)}) | {ratios[1]:.2f} × | {'ok' if good else 'short'} |")


def environment(**more: str) -> Mapping[str, str]:
    """This process's, without what would change how Python starts or writes bytecode."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GITHUB_", "DHASH_GUARD_"))}
    return kept | more


def run(command: list[str], **more: str) -> None:
    """One whole process."""
    subprocess.run(command, check=True, env=environment(**more), stdin=subprocess.DEVNULL, capture_output=True)


def first_step(scratch: Path) -> None:
    """What the runner does: bash, the search for Python, a command, its outputs; from a copy that was just unpacked."""
    copy, workspace = scratch / "release", scratch / "workspace"
    if not copy.exists():
        shutil.copytree(RELEASE, copy)
        workspace.mkdir()
    (scratch / "output").write_text("")
    run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", 'source "$GITHUB_ACTION_PATH/action/start.sh"'],
        GITHUB_ACTIONS="true",
        GITHUB_ACTION_PATH=str(copy),
        GITHUB_WORKSPACE=str(workspace),
        GITHUB_OUTPUT=str(scratch / "output"),
        DHASH_GUARD_INPUT_COMMAND="config schema",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )


def install(scratch: Path) -> None:
    """The usual way of an action in Python: a virtual environment, and pip with its cache warm."""
    venv = scratch / "venv"
    shutil.rmtree(venv, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(venv)])
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--require-hashes"]
    run([str(python), *pip, "--requirement", str(LOCK)])


if __name__ == "__main__":
    main()
