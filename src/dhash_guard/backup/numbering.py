"""Decides the number of the next backup: beyond every one that was given, whatever became of the archives since."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

from attrs import frozen

from dhash_guard.backup.catalog import listing
from dhash_guard.errors import Damaged
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_json, to_data
from dhash_guard.records.deployment import Deployment
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine


@frozen(kw_only=True)
class Numbered:
    """The record of the last number that was given in an environment."""

    version: Literal[1] = 1
    last: int


def next_number(layout: Layout, environment: str, after: BackupFacts | None = None) -> int:
    """One more than every archive that lies here, than `after`, and than what is remembered of those that do not.

    An archive that cannot be read has a number that nobody knows, and a rollback tells by numbers what is from before a
    deployment. Raise Damaged where what is remembered cannot be read.
    """
    known = [facts.sequence for facts in listing(layout, environment)] + ([after.sequence] if after else [])
    return 1 + max(*known, _remembered(layout, environment), _deployed_over(layout, environment), 0)


def remember_number(machine: Machine, layout: Layout, environment: str, number: int) -> None:
    """One crash step: afterwards, the number is given, whether or not its archive is ever sealed."""
    record = _record(layout, environment)
    machine.files.make_directory(record.parent)
    machine.files.write_atomic(record, canonical(to_data(Numbered(last=number))) + b"\n")


def _remembered(layout: Layout, environment: str) -> int:
    try:
        return from_json(Numbered, _record(layout, environment).read_bytes()).last
    except FileNotFoundError:
        return 0
    except ValueError as problem:
        raise Damaged(
            f"the number of the last backup cannot be read: {problem}",
            where=str(_record(layout, environment)),
            cure="Remove the file; numbers go on from the archives that lie here.",
        ) from problem


def _deployed_over(layout: Layout, environment: str) -> int:
    """The newest backup that the latest deployment knew of, a store's among them; a record that says nothing stops none."""
    with suppress(OSError, ValueError):
        return from_json(Deployment, layout.deployment(environment).read_bytes()).newest_sequence
    return 0


def _record(layout: Layout, environment: str) -> Path:
    return layout.state / "numbers" / f"{environment}.json"
