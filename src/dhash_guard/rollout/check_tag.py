"""Finds out whether a release is there to be deployed: its tag names a commit, and what ran on that commit went well."""

from __future__ import annotations

from collections.abc import Iterator

from dhash_guard.errors import GuardError
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.rollout.run import Guarded

_OURS = "dhash-guard/"
_WELL = ("success", "skipped", "neutral")
_MOST_TOLD = 3


def tag_findings(run: Guarded, tag: str) -> Iterator[Finding]:
    """The tag, and where GitHub can be asked, whether its commit is green; a checkout that lies elsewhere is said too."""
    try:
        commit = commit_here(run, f"refs/tags/{tag}") or commit_on_github(run, f"refs/tags/{tag}")
    except GuardError as problem:
        yield _bad(f"tag {tag}", problem.what.splitlines()[0], problem.cure)
        return
    if not commit:
        yield _bad(f"tag {tag}", "names no commit here", f"Push it: git tag {tag} && git push origin {tag}.")
        return
    if run.facts.commit and commit != run.facts.commit:
        what = f"is {commit[:12]}, and {run.facts.commit[:12]} is checked out"
        yield _bad(f"tag {tag}", what, f"Check it out: git checkout {tag}.")
        return
    yield Finding(check=f"tag {tag}", status=StageStatus.PASSED, text=commit[:12])
    if run.hub is not None:
        yield _green(run, tag, commit)


def commit_here(run: Guarded, ref: str) -> str:
    """The commit that a ref is at in this checkout; empty where it has none: a shallow one has no tags."""
    command = ["git", "rev-parse", "--quiet", "--verify", f"{ref}^{{commit}}"]
    found = run.machine.processes.run(command, cwd=run.configuration.layout.root, timeout=10.0, changes=False)
    return found.output.strip() if found.ok else ""


def commit_on_github(run: Guarded, ref: str) -> str:
    """The commit that a ref is at on GitHub; empty where it has none, or cannot be asked. Raise GithubProblem."""
    if run.hub is None:
        return ""
    from dhash_guard.github.deployments import commit_of
    from dhash_guard.github.errors import NotFound, Unprocessable

    try:
        return commit_of(run.hub, ref)
    except (NotFound, Unprocessable):
        return ""


def _green(run: Guarded, tag: str, commit: str) -> Finding:
    from dhash_guard.github.green import verdicts

    assert run.hub is not None
    name = f"checks of {tag}"
    try:
        found = {check: word for check, word in verdicts(run.hub, commit).items() if not check.startswith(_OURS)}
    except GuardError as problem:
        return _bad(name, f"cannot be told: {problem.what.splitlines()[0]}", problem.cure)
    bad = [f"{check}: {word}" for check, word in sorted(found.items()) if word not in _WELL]
    if bad:
        more = f" and {len(bad) - _MOST_TOLD} more" if len(bad) > _MOST_TOLD else ""
        return _bad(name, f"{'; '.join(bad[:_MOST_TOLD])}{more}", "Deploy a release whose checks went well.")
    if not any(word == "success" for word in found.values()):
        return _bad(name, "nothing has looked at this commit", "Let CI run on it first.")
    return Finding(check=name, status=StageStatus.PASSED, text=f"{len(found)} went well")


def _bad(check: str, text: str, cure: str) -> Finding:
    return Finding(check=check, status=StageStatus.FAILED, text=text, cure=cure)
