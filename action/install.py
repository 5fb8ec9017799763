"""Installs the locked libraries once into the runner's tool cache, for a checkout that carries none; a release has them."""

# ruff: noqa: T201, TID251  # nothing of ours can be imported yet

from __future__ import annotations

import compileall
import hashlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

_SEAL = "dhash-guard.json"
_ADDRESSES = {"PIP_INDEX_URL": "--index-url", "PIP_CERT": "--cert", "PIP_PROXY": "--proxy"}
"""What pip may know from outside: only where to ask. What it accepts is decided by the hashes in the lock."""


def ready(root: str) -> str:
    """The folder with the libraries, installed if the cache has none that is whole."""
    lock = Path(root, "requirements", "action.txt")
    folder = _cache() / "dhash-guard" / hashlib.sha256(lock.read_bytes()).hexdigest()[:32] / _interpreter()
    if not _whole(folder):
        _install(lock, folder)
    return str(folder)


def _cache() -> Path:
    """The tool cache; never a place that the workspace or another user could have filled."""
    given = os.environ.get("RUNNER_TOOL_CACHE") or os.environ.get("RUNNER_TEMP") or ""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not Path(given).is_absolute():
        _give_up("RUNNER_TOOL_CACHE names no folder. Use a release (uses: …@v1), or set the variable.", 2)
    if workspace and Path(given).resolve().is_relative_to(Path(workspace).resolve()):
        _give_up("RUNNER_TOOL_CACHE lies inside the workspace, whose content is not trusted. Set it to another folder.", 2)
    return Path(given)


def _interpreter() -> str:
    """Native parts and bytecode fit one interpreter on one machine type."""
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    return f"{sys.implementation.cache_tag}-{sys.platform}-{machine}"


def _count(folder: Path) -> tuple[int, int]:
    files = [path for path in folder.rglob("*") if path.name != _SEAL and path.is_file()]
    return len(files), sum(path.stat().st_size for path in files)


def _whole(folder: Path) -> bool:
    """Whether everything that was installed is still there."""
    try:
        sealed: list[int] = json.loads((folder / _SEAL).read_bytes())
        return sealed == list(_count(folder))
    except (OSError, ValueError):
        return False


def _install(lock: Path, folder: Path) -> None:
    print("dhash-guard: installing its libraries once into the tool cache (a release carries them) …", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        _pip(lock, fresh)
        # Bytecode that is checked by nothing stays valid however the cache is copied.
        compileall.compile_dir(
            fresh, quiet=2, stripdir=fresh, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        (fresh / _SEAL).write_text(json.dumps(_count(fresh)), "utf-8")
        fresh.chmod(0o755)  # a job in a container and one beside it may be different users
        _put_in_place(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, folder: Path) -> None:
    """One rename; a broken predecessor is moved away first, and whoever else was faster has done the same work."""
    if folder.exists() and not _whole(folder):
        folder.rename(fresh.with_name(fresh.name + ".broken"))
        shutil.rmtree(fresh.with_name(fresh.name + ".broken"), ignore_errors=True)
    try:
        fresh.rename(folder)
    except OSError:
        if not _whole(folder):
            raise


def _pip(lock: Path, target: Path) -> None:
    # fmt: off
    command = [
        sys.executable, "-I", "-X", "utf8", "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input",
        "install", "--quiet", "--target", str(target), "--no-deps", "--only-binary", ":all:", "--no-compile",
        "--require-hashes", "--root-user-action", "ignore", "--requirement", str(lock),
    ]
    # fmt: on
    for variable, option in _ADDRESSES.items():
        if os.environ.get(variable):
            command += [option, os.environ[variable]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environment["PIP_CONFIG_FILE"] = os.devnull
    done = subprocess.run(command, cwd=target, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        _give_up(
            "The libraries could not be installed; pip says above why. A release (uses: …@v1) needs no installation.", 7
        )


def _give_up(text: str, code: int) -> NoReturn:
    """End the step with the outputs that every step has."""
    print(f"::error title=dhash-guard could not start::{text}", flush=True)
    output = os.environ.get("GITHUB_OUTPUT")
    if output:
        with Path(output).open("a", encoding="utf-8") as file:
            file.write(f"decision=hold\nreason-code=not-installed\nexit-code={code}\n")
    sys.exit(code)
