"""Tiny projects, and children that die at a chosen step; what they leave is judged by the checker."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import frozen

from faults import checker
from faults.table import judged
from support.forks import Finished, Forks

Tree = tuple[str, ...]

CONFIGURATION = """\
version: 1
service: dhash
environments:
  production:
    backup:
      components:
        database: {paths: [library.json]}
        config: {paths: [config/]}
        release: {paths: [current]}
        absent: {paths: [leftover], optional: true}
        gone: {paths: [gone], optional: true}
"""
"""The same components as the killer's, for the installed program."""


_KILLER = Forks(Path(__file__).with_name("killer.py"))


def child(*arguments: object) -> Finished:
    """Run the killer's arguments in a process of its own."""
    return _KILLER.ask([str(each) for each in arguments])


def kept(root: Path) -> int:
    """How many previous trees are kept."""
    return len(list(root.glob(".*.dhash-prev-*")))


def change(root: Path) -> None:
    """The bad release: something different in every root."""
    (root / "library.json").write_text("migrated badly")
    (root / "config/app.yml").unlink()
    (root / "config/sub/new").write_text("new")
    (root / "current").unlink()
    (root / "current").symlink_to("v2")
    (root / "leftover").mkdir()
    (root / "leftover/file").write_text("was not there")
    shutil.rmtree(root / "gone")


def start(root: Path) -> None:
    """The good state, with a file, a directory, a link, a root that is not there yet and one that will go."""
    for folder in ("config/sub", "v1", "v2", "gone"):
        (root / folder).mkdir(parents=True)
    (root / "library.json").write_text("good")
    (root / "config/app.yml").write_text("a: 1")
    (root / "config/sub/run").write_text("#!/bin/sh")
    (root / "config/sub/run").chmod(0o755)
    (root / "gone/file").write_text("comes back")
    (root / "current").symlink_to("v1")
    (root / "dhash-guard.yml").write_text(CONFIGURATION)


@frozen
class Killed:
    """A project in which an operation was killed at a step, and what the operation could still have left."""

    step: int
    when: str
    root: Path
    died: bool
    errors: str

    def __str__(self) -> str:
        return f"killed {self.when} step {self.step}: {self.errors}"


@frozen
class Arena:
    """Makes copies of one prepared project and kills an operation at every step in them."""

    prepared: Path
    work: Path

    def copy(self, name: str) -> Path:
        target = self.work / name
        shutil.copytree(self.prepared, target, symlinks=True)
        return target

    def kill_everywhere(
        self,
        operation: str,
        then: Callable[[Killed], None],
        *options: str,
        prepare: Callable[[Path], None] | None = None,
        last: int | None = None,
        trees: tuple[Tree, ...] = (),
        may_go: Collection[str] = (),
        named: str = "",
    ) -> int:
        """Kill before and after every step, each in a fresh copy, and hand each to `then`; return the number of kills.

        One step more than there are ends untouched, a planned kill that is not hit fails; `last` restricts it to the
        last so many steps. The checker looks twice: right after the kill, and after `then`, where the tree must be
        one of `trees` and nothing may be left over. Backups of `may_go` may be missing. `named` is for the table.
        """
        counted, names = self.copy("count"), self.work / "names"
        if prepare:
            prepare(counted)
        before = checker.good(counted)
        whole = child(counted, operation, *options, "--names", names)
        assert whole.returncode == 0, whole.stderr
        steps = names.read_text("utf-8").splitlines()
        whole_steps = len(steps)
        shutil.rmtree(counted)
        beyond = self._one(operation, whole_steps + 1, "before", options, prepare)
        assert not beyond.died, "there are more steps than were counted"
        assert beyond.errors == ""
        shutil.rmtree(beyond.root)
        first = 1 if last is None else whole_steps - last + 1
        plans = [(n, when) for n in range(first, whole_steps + 1) for when in ("before", "after")]

        def attempt(plan: tuple[int, str]) -> None:
            killed = self._one(operation, *plan, options, prepare)
            assert killed.died, f"the planned kill was not hit, {killed}"
            wrong = checker.violations(killed.root, before=before, may_go=may_go)
            then(killed)
            wrong += checker.violations(killed.root, before=before, may_go=may_go, trees=trees, tidy=True)
            judged(named or operation, steps[plan[0] - 1], f"killed {plan[1]}", wrong)
            shutil.rmtree(killed.root)

        with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
            list(pool.map(attempt, plans))
        return len(plans)

    def _one(
        self, operation: str, step: int, when: str, options: tuple[str, ...], prepare: Callable[[Path], None] | None
    ) -> Killed:
        root = self.copy(f"{operation}-{step}-{when}")
        if prepare:
            prepare(root)
        ended = child(root, operation, "--kill-at", step, "--when", when, *options)
        return Killed(step, when, root, ended.returncode == -signal.SIGKILL, ended.stderr)
