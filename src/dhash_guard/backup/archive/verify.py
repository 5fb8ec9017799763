"""Reads a backup whole and says everything that is wrong with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.manifest import Manifest
from dhash_guard.backup.archive.reader import Archive, opened
from dhash_guard.backup.archive.writer import BLOCK
from dhash_guard.backup.catalog import facts_of, path_of
from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.backup import BackupFacts, Verification
from dhash_guard.records.layout import Layout

_SHOWN = 50


def verify(layout: Layout, backup: BackupFacts | Path) -> Verification:
    """Compare the archive with its checksum file and every member with the manifest; all problems are collected.

    Raise CannotTell where the archive or its checksum file is missing: nothing to verify is no success.
    """
    path = path_of(layout, backup) if isinstance(backup, BackupFacts) else layout.root / backup
    if not path.is_file():
        raise CannotTell("there is no backup to verify", where=str(path))
    name = facts_of(layout, path).name
    try:
        expected = sidecar.read(path)
    except Damaged as problem:
        return Verification(name=name, sha256=archive_sha256(path), members=0, bytes_read=0, problems=(problem.what,))
    return examine(path, name, expected)[0]


def examine(path: Path, name: str, expected: str | None) -> tuple[Verification, Manifest | None]:
    """Read the archive at `path` against the hash `expected`, or only against itself where it has none yet (None).

    The manifest comes with the verification where nothing is wrong.
    """
    actual = archive_sha256(path)
    problems = []
    if expected is not None and actual != expected:
        problems.append(f"the archive's sha256 is {actual}, its checksum file says {expected}")
    manifest, members, size = None, 0, 0
    try:
        with opened(path) as archive:
            manifest = archive.manifest()
            members = len(manifest.members)
            wrong = archive.problems(manifest)
            problems += wrong
            if not wrong:
                size = sum(member.size for member in manifest.members)
                problems += _content_problems(archive, manifest)
    except Damaged as problem:
        problems.append(problem.what)
    found = Verification(name=name, sha256=actual, members=members, bytes_read=size, problems=tuple(problems))
    return found, manifest if found.ok else None


def archive_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hex digits; raise CannotTell where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as problem:
        raise CannotTell(f"the backup cannot be read: {problem.strerror}", where=str(path)) from problem
    return digest.hexdigest()


def _content_problems(archive: Archive, manifest: Manifest) -> list[str]:
    problems = []
    for member in manifest.members:
        try:
            archive.check(member)
        except Damaged as problem:
            problems.append(problem.what)
            if len(problems) == _SHOWN:
                return [*problems, "and perhaps more"]
    return problems
