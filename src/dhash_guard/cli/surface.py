"""Decides where the record of a run goes besides disk and terminal: nowhere, or where the caller of the program says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import click

if TYPE_CHECKING:
    from dhash_guard.errors import GuardError
    from dhash_guard.github.api import GithubApi
    from dhash_guard.records.evidence import Evidence
    from dhash_guard.records.leg import LegReport
    from dhash_guard.records.sample import Tick


class Surface(Protocol):
    """Who started the program: is told how it ended, by `publish` with the record or by `fail` where there is none."""

    @property
    def token(self) -> str:
        """The token for GitHub, kept out of the environment because the project's own commands inherit that; or empty."""

    def publish(self, evidence: Evidence, ticks: Sequence[Tick], folder: Path, templates: Path | None = None) -> None: ...

    def fail(self, problem: GuardError) -> None: ...

    def rehearsed(self, reports: Sequence[LegReport], expected: Sequence[str]) -> None:
        """Is told what one leg of the pre-merge matrix found, or the gate of all, and which legs there are."""

    def opened(self, api: GithubApi) -> None:
        """Is told whom the program asks, so that its requests can be counted."""

    def planned(self, matrix: str) -> None:
        """Is told the targets of every wave, as JSON on one line."""


class Silent:
    """A person at a terminal, who reads what is printed."""

    token = ""

    def publish(self, evidence: Evidence, ticks: Sequence[Tick], folder: Path, templates: Path | None = None) -> None:
        pass

    def fail(self, problem: GuardError) -> None:
        pass

    def rehearsed(self, reports: Sequence[LegReport], expected: Sequence[str]) -> None:
        pass

    def opened(self, api: GithubApi) -> None:
        pass

    def planned(self, matrix: str) -> None:
        pass


def current() -> Surface:
    """The surface that this run of the program was started with."""
    context = click.get_current_context(silent=True)
    return Silent() if context is None or context.obj is None else cast("Surface", context.obj)
