"""Runs the project's commands around a backup: quiesce before files are read, resume after it whatever happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dhash_guard.backup.settings import BackupSettings, Hook
from dhash_guard.errors import GuardError, NoGo, OutsideSilent
from dhash_guard.records.layout import Layout
from dhash_guard.system.interrupt import held_off
from dhash_guard.system.machine import Machine


@contextmanager
def quiesced(machine: Machine, layout: Layout, settings: BackupSettings) -> Iterator[None]:
    """Hold the service still inside the block; raise NoGo where a command fails, OutsideSilent where one never ends."""
    try:
        if settings.quiesce is not None:
            _run(machine, layout, "quiesce", settings.quiesce)
        yield
    except GuardError as problem:
        still = _resume(machine, layout, settings)
        if still is None:
            raise
        raise type(still)(f"{problem.what}; and after it {still.what}", where=problem.where, cure=still.cure) from problem
    except BaseException:
        _resume(machine, layout, settings)
        raise
    else:
        if (still := _resume(machine, layout, settings)) is not None:
            raise still


def _resume(machine: Machine, layout: Layout, settings: BackupSettings) -> GuardError | None:
    if settings.resume is None:
        return None
    try:
        with held_off():  # a job that is cancelled is told so twice, and the second time would end the command
            _run(machine, layout, "resume", settings.resume)
    except GuardError as problem:
        return problem
    return None


def _run(machine: Machine, layout: Layout, name: str, hook: Hook) -> None:
    ended = machine.processes.run(hook.run, cwd=layout.root, timeout=hook.timeout, changes=True)
    if not ended.ok:
        kind = OutsideSilent if ended.timed_out else NoGo
        cure = "Look whether the service still stands still." if name == "resume" else ""
        raise kind(f"{name} failed: {ended.explain()}", cure=cure)
