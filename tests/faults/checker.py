"""Judges a project after a fault by `sha256sum`, `unzip` and `find` alone; knows nothing of the program under test.

    python checker.py <project>

Prints what is wrong, one line each, and the names of the good backups behind it; exit 1 where anything is.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

_OURS = ("./backups", "./.dhash-guard", "./monitor_logs", "./premerge_artifacts")
"""Folders that are no part of what is backed up."""

Good = dict[str, str]
"""The line of the checksum file of each good backup, by the archive's path from the project root."""


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=120, check=False)


def _found(root: Path, *tests: str) -> list[str]:
    done = _run("find", ".", *tests, "-printf", "%P\\0", cwd=root)
    if done.returncode:
        raise AssertionError(done.stderr.decode())
    return sorted(name.decode() for name in done.stdout.split(b"\0") if name)


def archives(root: Path) -> list[str]:
    """Everything that stands under the final name of a backup, by its path from the project root."""
    return _found(root, "-path", "./backups/*", "-name", "*.zip", "-not", "-name", ".*")


def problem(root: Path, archive: str) -> str:
    """Why an archive under a final name is no good backup; empty where it is one."""
    if not (root / f"{archive}.sha256").is_file():
        return "has no checksum file"
    if _run("sha256sum", "--strict", "--status", "-c", f"{archive}.sha256", cwd=root).returncode:
        return "does not pass sha256sum"
    if archive.encode() not in (root / f"{archive}.sha256").read_bytes():
        return "has a checksum file that speaks of another"
    if _run("unzip", "-tqq", archive, cwd=root).returncode:
        return "does not pass unzip"
    with tempfile.TemporaryDirectory() as folder:
        if _run("unzip", "-qq", str(root / archive), "-d", folder, cwd=root).returncode:
            return "cannot be unpacked"
        if _run("sha256sum", "--strict", "--status", "-c", "SHA256SUMS", cwd=Path(folder)).returncode:
            return "has members that do not pass sha256sum"
    return ""


def good(root: Path) -> Good:
    """The good backups of a project."""
    return {name: (root / f"{name}.sha256").read_text("utf-8") for name in archives(root) if not problem(root, name)}


def tree(root: Path) -> tuple[str, ...]:
    """Kind, mode, content of everything that backups are of; what a restore keeps or stages beside it does not count."""
    aside = [part for folder in _OURS for part in ("-path", folder, "-prune", "-o")]
    hidden = ["-name", ".*.dhash-*", "-prune", "-o"]
    looked = _run("find", ".", "-mindepth", "1", *aside, *hidden, "-printf", "%P|%y|%m|%l\\0", cwd=root)
    hashed = _run("find", ".", *aside, *hidden, "-type", "f", "-exec", "sha256sum", "-z", "{}", "+", cwd=root)
    if looked.returncode or hashed.returncode:
        raise AssertionError((looked.stderr + hashed.stderr).decode())
    return tuple(sorted(part.decode("utf-8", "replace") for part in (looked.stdout + hashed.stdout).split(b"\0") if part))


def strays(root: Path) -> list[str]:
    """Staged trees, temporaries and checksum files without an archive; previous trees are kept on purpose."""
    named = [
        "(",
        "-name",
        "*.dhash-new-*",
        "-o",
        "-name",
        "*.partial",
        "-o",
        "-name",
        "*.tmp",
        "-o",
        "-name",
        "restore.json",
        ")",
    ]
    lonely = [name for name in _found(root, "-path", "./backups/*", "-name", "*.sha256") if not (root / name[:-7]).exists()]
    return _found(root, "(", *named, ")") + lonely


def violations(
    root: Path, *, before: Good, trees: Iterable[tuple[str, ...]] = (), may_go: Iterable[str] = (), tidy: bool = False
) -> list[str]:
    """What is wrong: with the archives, with those that were good `before` and may not go, and with the tree.

    `trees` are the whole states that are allowed, none of them means that it is not looked at; `tidy` asks for no strays.
    """
    looked = {name: problem(root, name) for name in archives(root)}
    wrong = [f"{name} {why}" for name, why in looked.items() if why]
    now = {name: (root / f"{name}.sha256").read_text("utf-8") for name, why in looked.items() if not why}
    wrong += [f"{name} was good and is not any more" for name in before.keys() - now.keys() - set(may_go)]
    wrong += [f"{name} was replaced" for name in before.keys() & now.keys() if before[name] != now[name]]
    if before and not now:
        wrong.append("the last good backup is lost")
    allowed = list(trees)
    if allowed and tree(root) not in allowed:
        wrong.append("the tree is neither old nor new")
    return wrong + ([f"{name} is left over" for name in strays(root)] if tidy else [])


if __name__ == "__main__":
    found = violations(Path(sys.argv[1]), before={})
    print("\n".join([*found, *good(Path(sys.argv[1]))]))
    sys.exit(bool(found))
