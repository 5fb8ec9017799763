"""Decides when two trees are the same: by the paths, kinds, modes and hashes of their entries."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from dhash_guard.backup.archive.manifest import Kind, Manifest
from dhash_guard.backup.archive.writer import BLOCK
from dhash_guard.backup.names import is_secret, is_stage
from dhash_guard.records.canonical import canonical, sha256_hex

Entry = tuple[str, str, int, str]
"""Path relative to the project, kind, comparable mode, and sha256 of the content (files) or the target (links)."""

# Setuid and setgid are never restored for files and may be refused for directories; Windows has no such modes.
_COMPARED = 0o1777 if os.name == "posix" else 0


def tree_digest(project: Path, roots: Iterable[str]) -> str:
    """SHA-256 over the sorted entries of `roots` (paths relative to `project`) as they stand on the disk.

    Environment files and staged trees below a root do not count, because backups leave them out. Raise OSError where
    something cannot be read.
    """
    return _digest(entry for root in roots for entry in tree_entries(project, root))


def manifest_roots_digest(manifest: Manifest, roots: Iterable[str]) -> str:
    """The digest that `tree_digest` gives for the same roots after they were restored from `manifest`."""
    return _digest(entry for root in roots for entry in manifest_entries(manifest, root))


def tree_entries(project: Path, root: str) -> Iterator[Entry]:
    """The entries of one root on the disk; a root that is not there is one entry of kind `absent`."""
    top = project / root
    try:
        entry = _entry(project, top)
    except FileNotFoundError:
        yield (root, Kind.ABSENT.value, 0, "")
        return
    yield entry
    if entry[1] != Kind.DIRECTORY.value:
        return
    for folder, directories, files in os.walk(top, onerror=_raise):
        directories[:] = [name for name in directories if not is_stage(name)]
        for name in (*directories, *files):
            location = Path(folder, name)
            if not is_left_out(location.name, directory=stat.S_ISDIR(location.lstat().st_mode)):
                yield _entry(project, location)


def manifest_entries(manifest: Manifest, root: str) -> Iterator[Entry]:
    """The entries of one root as the manifest states them."""
    for member in manifest.by_root().get(root, []):
        if member.path == root or not is_left_out(member.path.rpartition("/")[2], directory=member.kind is Kind.DIRECTORY):
            mode = 0 if member.kind is Kind.LINK else restorable_mode(member.kind, member.mode) & _COMPARED
            yield (member.path, member.kind.value, mode, member.sha256)
    for absent in manifest.header.roots:
        if absent.path == root and absent.kind is Kind.ABSENT:
            yield (root, Kind.ABSENT.value, 0, "")


def restorable_mode(kind: Kind, mode: int) -> int:
    """The permissions that a restore sets: never setuid; setgid and sticky only for directories, where they only pass on."""
    return mode & (0o3777 if kind is Kind.DIRECTORY else 0o777)


def is_left_out(name: str, *, directory: bool) -> bool:
    """Whether an entry of this base name below a root belongs to no backup."""
    return is_stage(name) or (is_secret(name) and not directory)


def _digest(entries: Iterable[Entry]) -> str:
    return sha256_hex(b"".join(canonical(entry) + b"\n" for entry in sorted(entries)))


def _entry(project: Path, location: Path) -> Entry:
    path, status = location.relative_to(project).as_posix(), location.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return (path, Kind.LINK.value, 0, sha256_hex(os.fsencode(os.readlink(location))))
    if stat.S_ISDIR(status.st_mode):
        return (path, Kind.DIRECTORY.value, mode & _COMPARED, "")
    if stat.S_ISREG(status.st_mode):
        return (path, Kind.FILE.value, mode & 0o777 & _COMPARED, _file_sha256(location))
    return (path, "other", mode & _COMPARED, "")


def _file_sha256(location: Path) -> str:
    digest = hashlib.sha256()
    with location.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _raise(problem: OSError) -> None:
    raise problem
