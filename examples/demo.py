"""Plays one guarded rollout on the example service: a good release, a bad one, and the way back; exits 0 when it held."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "build" / "demo"
BIN = Path(sys.executable).parent
GUARDED = ("library.json", "config", "current", "uploads")
"""What the backup covers; see the example's configuration."""


def main() -> int:
    began = time.monotonic()
    title("A project: 240 pictures of board-game components, and the service that hashes them")
    shutil.rmtree(PROJECT, ignore_errors=True)
    run([sys.executable, ROOT / "examples/mobius-dhash/scripts/setup.py", "--root", PROJECT], cwd=ROOT)
    port = free_port()
    os.environ["DHASH_PORT"] = str(port)
    os.environ["DHASH_URL"] = f"http://127.0.0.1:{port}"
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    git(PROJECT)
    with service(), load():
        time.sleep(2)  # a service without any work has no numbers yet

        title("A good release: deployed, watched, and allowed to proceed")
        guard("deploy", "--tag", "good", "--backup-first", "--force", expect=0)
        guard("monitor", expect=0)

        title("A bad release: ten times the work, and a third of the pictures refused")
        guard("deploy", "--tag", "bad", "--backup-first", "--force", expect=0)
        guard("monitor", expect=5)

        title("Is everything as it was?")
        restored = compare()
        guard("evidence", "verify", expect=0)
        guard("health", expect=0)
    report = newest_report()
    print(f"\nThe restored tree is identical: sha256 of all {restored} files agree with the backup.")
    print(f"The HTML report: {report.relative_to(ROOT)}")
    print(f"The demo took {time.monotonic() - began:.0f} s.")
    return 0


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(command: list[str | Path], *, cwd: Path = PROJECT) -> int:
    return subprocess.run([str(part) for part in command], cwd=cwd, check=False).returncode


def guard(*arguments: str, expect: int) -> None:
    """Call the installed program as an operator would, and insist on its exit code."""
    print(f"\n$ dhash-guard {' '.join(arguments)} --env demo", flush=True)
    code = run([BIN / "dhash-guard", *arguments, "--env", "demo"])
    print(f"(exit code {code})", flush=True)
    if code != expect:
        raise SystemExit(f"expected exit code {expect}, got {code}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def git(project: Path) -> None:
    """A commit, so that the evidence can name one."""
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@example.com"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", "the project"]):
        run(["git", *command], cwd=project)


@contextmanager
def service() -> Iterator[None]:
    if run([sys.executable, "scripts/service.py", "start"]) != 0:
        raise SystemExit("the service did not start")
    try:
        yield
    finally:
        run([sys.executable, "scripts/service.py", "stop"])


@contextmanager
def load() -> Iterator[None]:
    """Keep the service at work, so that its numbers are of real work."""
    command = [sys.executable, "load.py", "--url", os.environ["DHASH_URL"], "--rate", "8", "--duration", "600"]
    generator = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        generator.terminate()
        generator.wait()


def compare() -> int:
    """Compare what stands there now with the archive's own list of hashes, without using the guard's code."""
    import zipfile

    evidence = json.loads(newest_report().with_name("evidence.json").read_bytes())
    with zipfile.ZipFile(PROJECT / evidence["backup"]) as archive:
        lines = archive.read("SHA256SUMS").decode().splitlines()
    wanted = {line[66:]: line[:64] for line in lines if not line.endswith("MANIFEST.jsonl")}
    there = {
        path.relative_to(PROJECT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for top in GUARDED
        if not (PROJECT / top).is_symlink()
        for path in [PROJECT / top, *(PROJECT / top).rglob("*")]
        if path.is_file()
    }
    differing = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if differing:
        raise SystemExit(f"not identical: {', '.join(differing)}")
    if os.readlink(PROJECT / "current") != "releases/good":
        raise SystemExit("current does not point to the good release")
    return len(wanted)


def newest_report() -> Path:
    """The report of the newest watch."""
    return max(PROJECT.glob(".dhash-guard/runs/demo/*/samples.jsonl")).with_name("report.html")


if __name__ == "__main__":
    sys.exit(main())
