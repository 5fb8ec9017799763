"""Decides what is said of a backup that only the store has: what was written down with it, where that fits its name."""

from __future__ import annotations

from attrs import evolve

from dhash_guard.backup.naming import Named, is_date, named
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.layout import Layout


def said_by(layout: Layout, name: str) -> Named | None:
    """What the name of a stored backup says; None where it is none of this service."""
    return named(layout, name.rpartition("/")[2])


def here(layout: Layout, name: str) -> str:
    """What a stored backup is called in the project: its path relative to the root."""
    return f"{layout.relative(layout.backups)}/{name}"


def described(layout: Layout, name: str, size: int, told: BackupFacts | None) -> BackupFacts:
    """The facts of a stored backup of `size` bytes, of which the store told `told`; with a problem where that cannot be."""
    said = said_by(layout, name)
    assert said is not None, name
    if (
        told is not None
        and (told.environment, told.purpose, told.size) == (said.environment, said.purpose, size)
        and is_date(told.sealed_at)
    ):
        return evolve(told, name=here(layout, name))
    return BackupFacts(
        name=here(layout, name),
        environment=said.environment,
        purpose=said.purpose,
        sequence=0,
        sealed_at=said.at,
        size=size,
        sha256="",
        members=0,
        components=(),
        problem="the store does not say what it holds; naming it with --backup fetches it",
    )


def identity(facts: BackupFacts) -> tuple[object, ...]:
    """What the store's facts and the archive's own must agree on."""
    return facts.environment, facts.purpose, facts.sequence, facts.sealed_at, facts.size, facts.sha256
