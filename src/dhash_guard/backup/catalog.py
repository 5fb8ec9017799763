"""Finds the sealed backups of a project and says what is known of each without reading it whole."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.manifest import Header
from dhash_guard.backup.archive.reader import opened
from dhash_guard.backup.foreign.catalogue import Form, facts_of_foreign, form_of, refusal
from dhash_guard.backup.foreign.naming import is_tar
from dhash_guard.backup.naming import Named, folders, named, single_named
from dhash_guard.errors import CannotTell, Damaged, GuardError, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import Layout

_ALIKE = 0.85
"""How alike a name must be to be suggested: whoever is in a hurry restores what is."""


def listing(layout: Layout, environment: str | None = None) -> list[BackupFacts]:
    """All sealed backups, of one environment where it is given, newest last by sequence.

    What has no checksum file does not appear, except tars; what cannot be used appears with its `problem`. Never raises.
    """
    found = []
    for folder in folders(layout):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_file() and _is_sealed(path):
                facts = facts_of(layout, path)
                gone = facts.problem and not _is_sealed(path)  # a prune took it meanwhile: no fault of the backup
                if not gone and (environment is None or facts.environment == environment):
                    found.append(facts)
    return sorted(found, key=lambda facts: (facts.environment, facts.sequence, facts.sealed_at, facts.name))


def _is_sealed(path: Path) -> bool:
    if path.name.startswith(".") or path.name.endswith(sidecar.SUFFIX):
        return False
    looks = path.suffix == ".zip" or single_named(path.name) is not None
    return (looks and sidecar.path_of(path).is_file()) or is_tar(path.name)


def newest(layout: Layout, environment: str) -> BackupFacts | None:
    """The usable backup with the highest sequence, of either purpose; None where there is none."""
    usable = [facts for facts in listing(layout, environment) if not facts.problem]
    return usable[-1] if usable else None


def last_taken(backups: Iterable[BackupFacts]) -> BackupFacts | None:
    """The newest of these backups, readable or not; None where there is none. Snapshots do not count.

    One of ours that cannot be read has a number that nobody knows; names rise with the numbers, so that its name tells.
    """
    found = [facts for facts in backups if facts.purpose is Purpose.BACKUP]
    ordered = sorted(found, key=lambda facts: (facts.sequence, facts.sealed_at, facts.name))
    numbered = [facts for facts in ordered if facts.sequence]
    unreadable = [facts for facts in ordered if not facts.sequence and not facts.note]
    ours = [*numbered[-1:], *unreadable]
    return max(ours, key=lambda facts: facts.name) if ours else ordered[-1] if ordered else None


def find(layout: Layout, reference: str, environment: str, from_env: str = "") -> BackupFacts:
    """The backup called `reference`: a path, relative to the project or absolute, or a base name.

    Raise UsageProblem where it does not exist or belongs to another service or environment (unless `from_env` names
    that), CannotTell where it was never sealed, Damaged where it cannot be read.
    """
    path = _existing(layout, reference)
    if path is None:
        raise _unknown(layout, reference, environment)
    if form_of(path) is Form.TAR:
        raise refusal(path)
    sidecar.read(path)
    facts = facts_of(layout, path)
    if facts.problem and not path.is_file():  # a prune took it meanwhile
        raise _unknown(layout, reference, environment)
    if facts.problem:
        raise Damaged(facts.problem, where=facts.name, cure="Choose another backup.")
    if facts.environment not in (environment, from_env or environment):
        raise UsageProblem(
            f"{facts.name} is a backup of {facts.environment}, not of {environment}",
            cure=f"Name it with --from-env {facts.environment} where that is meant.",
        )
    return facts


def _unknown(layout: Layout, reference: str, environment: str) -> UsageProblem:
    names = [Path(facts.name).name for facts in listing(layout, environment)]
    near = difflib.get_close_matches(Path(reference).name, names, n=1, cutoff=_ALIKE)
    listed = f"`dhash-guard rollback --list --env {environment}` shows what there is."
    return UsageProblem(
        f"there is no backup {reference!r}",
        cure=f"Did you mean {near[0]}?" if near else listed if names else f"{environment} has no backups.",
    )


def path_of(layout: Layout, facts: BackupFacts) -> Path:
    """Where the archive lies; names of archives outside the project are absolute."""
    return layout.root / facts.name


def facts_of(layout: Layout, path: Path) -> BackupFacts:
    """What is known of the archive at `path` from its name, its checksum file and the first line of its manifest.

    Never raises: what could not be read, or does not fit together, is the `problem`.
    """
    if (form := form_of(path)) is not None:
        return facts_of_foreign(layout, path, form, _name(layout, path))
    said = named(layout, path.name)
    sha256, sealing = _stated_hash(path)
    try:
        size = path.stat().st_size
        with opened(path) as archive:
            header, members = archive.header(), archive.members
    except (GuardError, OSError) as problem:
        return _unreadable(layout, path, said, sha256, sealing or getattr(problem, "what", str(problem)))
    return BackupFacts(
        name=_name(layout, path),
        environment=header.environment,
        purpose=header.purpose,
        sequence=header.sequence,
        sealed_at=header.sealed_at,
        size=size,
        sha256=sha256,
        members=members,
        components=tuple(sorted(header.components)),
        problem=sealing or _contradiction(layout, said, header),
    )


def _contradiction(layout: Layout, said: Named | None, header: Header) -> str:
    if header.service != layout.service:
        return f"it is a backup of the service {header.service!r}, not of {layout.service!r}"
    if said is not None and (said.environment, said.purpose) != (header.environment, header.purpose):
        return f"its name says {said.environment!r}, its manifest {header.environment!r} ({header.purpose.value})"
    return ""


def _stated_hash(path: Path) -> tuple[str, str]:
    """The hash that the checksum file states, or why it states none."""
    try:
        return sidecar.read(path), ""
    except (CannotTell, Damaged) as problem:
        return "", problem.what


def _unreadable(layout: Layout, path: Path, said: Named | None, sha256: str, problem: str) -> BackupFacts:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return BackupFacts(
        name=_name(layout, path),
        environment=said.environment if said else "",
        purpose=said.purpose if said else Purpose.BACKUP,
        sequence=0,
        sealed_at=said.at if said else 0.0,
        size=size,
        sha256=sha256,
        members=0,
        components=(),
        problem=problem,
    )


def _existing(layout: Layout, reference: str) -> Path | None:
    """The first file that `reference` can mean; `..` is resolved so that a name inside the project stays relative."""
    given = layout.root / reference
    for path in (given, *(folder / reference for folder in folders(layout) if "/" not in reference)):
        if path.is_file():
            return path.resolve() if ".." in path.parts else path
    return None


def _name(layout: Layout, path: Path) -> str:
    return layout.relative(path) if path.is_relative_to(layout.root) else path.as_posix()
