"""The installed program in the crash tests' project, alone or under `strace`, and what is asked of it afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from faults import checker
from faults.checker import Good
from support.programs import program
from support.project import PROGRAM, clean_environment, run_program

Tree = tuple[str, ...]


def guard(root: Path, *arguments: str, under: Sequence[str] = (), timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the installed program, `under` another one where that is given."""
    env = clean_environment() | {"COLUMNS": "200"}
    if not under:
        return run_program(*arguments, cwd=root, env=env, timeout=timeout)
    command = [*under, str(PROGRAM), *arguments]
    return subprocess.run(
        command, cwd=root, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    )


def arguments_of(operation: str, root: Path) -> list[str]:
    """The command line of an operation; a restore puts the oldest backup back, a prune keeps one."""
    oldest = next(iter(checker.archives(root)), "")
    return {
        "create": ["backup", "create"],
        "restore": ["backup", "restore", "--backup", oldest, "--force"],
        "undo": ["backup", "undo", "--force"],
        "prune": ["backup", "prune", "--keep-last", "1"],
        "verify": ["backup", "verify", "--all"],
        "recover": ["backup", "recover"],
        "list": ["backup", "list"],
    }[operation]


def injecting(call: str, what: str, nth: int) -> list[str]:
    """The command that makes the n-th system call `call` of each process fail."""
    strace = program("strace", "strace")
    return [strace, "-f", "-qq", "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={nth}", "-o"]


def aftermath(root: Path, before: Good, trees: Sequence[Tree] = (), may_go: Sequence[str] = ()) -> list[str]:
    """What is wrong right after a fault, and again after the next command, which must work."""
    wrong = checker.violations(root, before=before, may_go=may_go)
    done = guard(root, "backup", "list")
    if done.returncode:
        wrong.append(f"the next command ends with {done.returncode}: {done.stderr.strip()}")
    return wrong + checker.violations(root, before=before, trees=trees, may_go=may_go)
