"""Decides where the record of a run goes besides disk and terminal: nowhere, or where the caller of the program says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import click

if TYPE_CHECKING:
    from dhash_guard.errors import GuardError
    from dhash_guard.records.evidence import Evidence
    from dhash_guard.records.sample import Tick


class Surface(Protocol):
    """Is told once how the program ended: `publish` with the record, or `fail` where there is none."""

    def publish(self, evidence: Evidence, ticks: Sequence[Tick], folder: Path) -> None: ...

    def fail(self, problem: GuardError) -> None: ...


class Silent:
    """Tells nobody."""

    def publish(self, evidence: Evidence, ticks: Sequence[Tick], folder: Path) -> None:
        pass

    def fail(self, problem: GuardError) -> None:
        pass


def current() -> Surface:
    """The surface that this run of the program was started with."""
    context = click.get_current_context(silent=True)
    return Silent() if context is None or context.obj is None else cast("Surface", context.obj)
