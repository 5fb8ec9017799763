"""Refuses what a stranger's pull request brought along, in an event that runs with the rights of the repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dhash_guard.errors import UsageProblem
from dhash_guard.github.context import privileged, read_context
from dhash_guard.records.context import RunContext
from dhash_guard.system import Machine

_GIT_TIMEOUT = 10.0
_CURE = "Check out the default branch, or the base of the pull request; what a pull request says of itself is data."


def refuse_strangers(machine: Machine, places: Sequence[Path], files: Sequence[Path]) -> None:
    """Raise UsageProblem where the checkout, or one of `files`, is not the repository's own word.

    The checkout is that of the first of `places` that is in one.

    In pull_request_target, workflow_run and issue_comment a pull request of a fork must not bring the configuration, the
    templates or the commands. Where nobody else could have brought them (no such event, no fork), or where there is no
    git to ask, nothing is refused.
    """
    if not privileged(machine.environ.get("GITHUB_EVENT_NAME", "")):
        return  # and the payload is nobody's business: a rollback must not fail for what it says
    context = read_context(machine.environ)
    if context.is_fork is False:
        return
    found = ((place, _git(machine, place, "cat-file", "-p", "HEAD")) for place in places)
    root, commit = next(((place, commit) for place, commit in found if commit), (None, ""))
    if root is None:
        return
    if _theirs(machine, root, context, commit):
        raise UsageProblem(
            f"this checkout is the pull request's own, and {context.event} runs with the rights of the repository",
            where=str(root),
            cure=_CURE,
        )
    for path in files:
        if not _as_committed(machine, root, path):
            raise UsageProblem(
                f"is not as the checked-out commit has it, and {context.event} runs with the rights of the repository",
                where=str(path),
                cure=_CURE,
            )


def _theirs(machine: Machine, root: Path, context: RunContext, commit: str) -> bool:
    """Whether HEAD is the head of the pull request, a merge of it, or was fetched as one."""
    head = _git(machine, root, "rev-parse", "HEAD").strip()
    parents = re.findall(r"^parent ([0-9a-f]{40,64})$", commit.partition("\n\n")[0], re.MULTILINE)
    fetched = _git(machine, root, "for-each-ref", "--points-at", "HEAD", "refs/remotes/pull", "refs/pull")
    return bool(fetched.strip()) or (bool(context.sha) and context.sha in (head, *parents))


def _as_committed(machine: Machine, root: Path, path: Path) -> bool:
    """Whether the file, or every file of the folder, is tracked and unchanged."""
    if not path.exists():
        return True
    tracked = _git(machine, root, "ls-files", "--", str(path))
    changed = _git(machine, root, "status", "--porcelain", "--ignored", "--untracked-files=all", "--", str(path))
    return bool(tracked) and not changed.strip() and not path.is_symlink()


def _git(machine: Machine, root: Path, *words: str) -> str:
    """What git says; nothing where it cannot say it."""
    done = machine.processes.run(["git", *words], cwd=root, timeout=_GIT_TIMEOUT, changes=False)
    return done.output if done.exit_code == 0 else ""
