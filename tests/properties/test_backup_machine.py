"""Whatever happens in whatever order, deaths at any step among it: the last good backup stays and no tree is a mixture."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dhash_guard.backup import facade as backup
from dhash_guard.backup import sidecar
from dhash_guard.backup.restoring.journal import read_undo
from dhash_guard.backup.settings import Keep
from dhash_guard.errors import CannotTell
from dhash_guard.records.backup import BackupFacts
from dhash_guard.system.files import Files, SystemFiles
from dhash_guard.system.machine import Machine
from unit.backup.project import Project, dhash_project

FULL = bool(os.environ.get("DHASH_GUARD_FULL"))
YEAR = 365 * 86_400.0

Tree = dict[str, object]


class Died(BaseException):
    """What stands for a death: nothing in the program may catch it and go on as if nothing had happened."""


@frozen
class Death:
    """Before or after the n-th call of one method of the disk."""

    method: str
    nth: int
    after: bool


def _deaths(*methods: str) -> st.SearchStrategy[Death]:
    return st.builds(Death, st.sampled_from(methods), st.integers(1, 5), st.booleans())


ENDING = ("write_atomic", "exchange", "rename", "remove", "remove_tree", "sync_directory", "append")
"""The steps that a restore's end, an undo, a recovery and a prune are made of."""

STAGING = ("write_new", "set_mode", "sync_filesystem")


class MortalFiles:
    """The real disk until death; from then on nothing is changed any more, whatever is tried."""

    def __init__(self, real: Files, death: Death) -> None:
        self._real = real
        self._death = death
        self._calls = 0
        self._dead = False

    def __getattr__(self, name: str) -> Any:
        step: Callable[..., Any] = getattr(self._real, name)
        if name == "lock":  # dies with the process; here, with the exception
            return step

        def mortal(*arguments: Any, **options: Any) -> Any:
            self._calls += name == self._death.method
            now = name == self._death.method and self._calls == self._death.nth
            if self._dead or (now and not self._death.after):
                self._dead = True  # clean-up is nothing that a dead process would do either
                raise Died
            done = step(*arguments, **options)
            if now:
                self._dead = True
                raise Died
            return done

        return mortal


PARTS = ("library", "new", "gone", "link", "folder", "absent")


class BackupMachine(RuleBasedStateMachine):
    """A project, what every backup of it was taken of, and what may stand there now."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.project: Project = dhash_project(self.folder)
        self.project.machine = evolve(self.project.machine, workers=1)
        (self.project.root / "absent").mkdir()  # a restore takes the root away again, not the folder above it
        self.held: dict[str, Tree] = {}
        """What each backup must bring back, by its name."""
        self.allowed: list[Tree] = []
        """States in which the tree may be once everything is finished; the first is the one before."""
        self.number = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        for _ in range(3):
            self._create(self.project.machine)
            self._change(set(PARTS))
        self._settled()

    def _settled(self) -> None:
        """Nothing is under way: only what stands there now may."""
        self.allowed = [self.project.snapshot()]

    def _finished(self) -> None:
        """What every command does first."""
        backup.recover(self.project.machine, self.project.layout)
        assert self.project.snapshot() in self.allowed, "the tree is a mixture"
        self._settled()

    def _mortal(self, death: Death) -> Machine:
        files: Any = MortalFiles(SystemFiles(), death)
        return evolve(self.project.machine, files=files)

    def _create(self, machine: Machine) -> None:
        tree = self.project.snapshot()
        before = {facts.name for facts in self._listed()}
        layout, chosen = self.project.layout, self.project.settings
        with suppress(Died):
            backup.create(machine, layout, chosen, backup.plan(machine, layout, chosen, "production"))
        new = {facts.name for facts in self._listed()} - before
        assert len(new) <= 1
        self.held.update(dict.fromkeys(new, tree))

    def _listed(self) -> list[BackupFacts]:
        return backup.listing(self.project.layout, "production")

    def _restore(self, machine: Machine, choice: int) -> None:
        facts = self._listed()[choice % len(self._listed())]
        # Environment files of the living tree are carried over; nothing here changes them.
        self.allowed.append(self.held[facts.name])
        try:
            assert backup.restore(machine, self.project.layout, facts, self.project.settings).identical
        except Died:
            return
        assert self.project.snapshot() == self.held[facts.name]
        self._settled()

    def _undo(self, machine: Machine) -> None:
        record = read_undo(self.project.layout)
        if record is None:
            return
        # What comes back is whatever the last restore replaced: it is told by trying on a copy.
        before = self.project.snapshot()
        copy = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.rmtree(copy)
        shutil.copytree(self.project.root, copy, symlinks=True)
        layout = evolve(self.project.layout, root=copy, backups=copy / "backups")
        try:
            backup.undo(self.project.machine, layout)
        except CannotTell:
            shutil.rmtree(copy)
            return
        there = evolve(self.project, layout=layout)
        self.allowed = [before, there.snapshot()]
        shutil.rmtree(copy)
        try:
            backup.undo(machine, self.project.layout)
        except Died:
            return
        assert self.project.snapshot() == self.allowed[-1]
        self._settled()

    def _prune(self, machine: Machine, keep: int) -> None:
        with suppress(Died):
            backup.prune(machine, self.project.layout, "production", Keep(last=keep))

    @rule()
    def take(self) -> None:
        self._finished()
        self._create(self.project.machine)

    @rule(death=_deaths("create", "finish", "write_atomic", "rename", "sync_directory"))
    def die_while_taking(self, death: Death) -> None:
        self._finished()
        self._create(self._mortal(death))

    @rule(parts=st.sets(st.sampled_from(PARTS), min_size=2))
    def modify(self, parts: set[str]) -> None:
        self._finished()
        self._change(parts)
        self._settled()

    def _change(self, parts: set[str]) -> None:
        """Several roots at once, so that a mixture of two states shows."""
        self.number += 1
        put, root = self.project.put, self.project.root
        if "library" in parts:
            put("library.json", f"release {self.number}")
        if "new" in parts:
            put(f"config/new{self.number}", "new")
        if "gone" in parts:
            (root / "config/app.yml").unlink(missing_ok=True)
        if "link" in parts:
            (root / "releases/current").unlink(missing_ok=True)
            (root / "releases/current").symlink_to(f"v{self.number}")
        if "absent" in parts:
            SystemFiles().remove_tree(root / "absent/thing")
        elif "folder" in parts:
            put(f"absent/thing/{self.number}", "was not there")

    @rule(choice=st.integers(0, 20))
    def restore(self, choice: int) -> None:
        self._finished()
        self._restore(self.project.machine, choice)

    @rule(
        choice=st.integers(0, 20),
        death=_deaths(*STAGING, *ENDING),
    )
    def die_while_restoring(self, choice: int, death: Death) -> None:
        self._finished()
        self._restore(self._mortal(death), choice)

    @rule()
    def undo(self) -> None:
        self._finished()
        self._undo(self.project.machine)

    @rule(death=_deaths(*ENDING))
    def die_while_undoing(self, death: Death) -> None:
        self._finished()
        self._undo(self._mortal(death))

    @rule()
    def recover(self) -> None:
        self._finished()

    @rule(death=_deaths(*ENDING))
    def die_while_recovering(self, death: Death) -> None:
        try:
            backup.recover(self._mortal(death), self.project.layout)
        except Died:
            return
        self._finished()

    @rule(keep=st.integers(1, 3))
    def prune(self, keep: int) -> None:
        self._prune(self.project.machine, keep)

    @rule(
        keep=st.integers(1, 2),
        death=_deaths(*ENDING),
    )
    def die_while_pruning(self, keep: int, death: Death) -> None:
        self._prune(self._mortal(death), keep)

    @rule(years=st.sampled_from([-10.0, -1.0, 0.001, 1.0, 10.0]))
    def jump(self, years: float) -> None:
        self.project.clock.at += years * YEAR

    @invariant()
    def the_last_good_backup_stays(self) -> None:
        if not self.held:
            return
        listed = self._listed()
        assert listed, "the last good backup is lost"
        assert all(not facts.problem for facts in listed)
        assert max(self.held) in {facts.name for facts in listed}, "an older one outlived the newest"
        for path in (self.project.root / "backups").rglob("[!.]*.zip"):
            assert sidecar.path_of(path).is_file(), "a final name without a checksum file"

    @invariant()
    def what_is_listed_reads_back(self) -> None:
        for facts in self._listed()[-1:]:
            assert backup.verify(self.project.machine, self.project.layout, facts).ok


TestBackupMachine = BackupMachine.TestCase
TestBackupMachine.settings = settings(
    max_examples=1000 if FULL else 40,
    stateful_step_count=40 if FULL else 25,
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
