"""Writes backups as other tools do, honest ones and hostile ones, each with a checksum file that vouches for it."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from pathlib import Path

from attrs import evolve

from dhash_guard.backup import sidecar
from unit.backup.project import Project

Entry = tuple[str, bytes] | tuple[str, bytes, int]

COVERED = (("database", "library.json"), ("config", "config/"), ("config", "releases/current"), ("artifacts", "uploads/"))


def known(project: Project) -> Project:
    """The project as the configuration tells it to backups without a manifest."""
    project.layout = evolve(project.layout, covered=COVERED, unnamed="production")
    return project


def seal(path: Path, content: bytes | None = None, form: str = "{hash}  {name}\n") -> Path:
    """Write the file, where `content` is given, and its checksum file."""
    path.parent.mkdir(exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sidecar.path_of(path).write_text(form.format(hash=digest, name=path.name))
    return path


def info(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo("x", (2026, 1, 2, 3, 4, 6))
    made.filename = made.orig_filename = name
    made.external_attr = mode << 16
    made.compress_type = zipfile.ZIP_DEFLATED
    made.create_system = 3
    return made


def zipped(path: Path, *entries: Entry) -> Path:
    """A sealed zip with these entries: name, content and, where it is no plain file, the whole mode."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for entry in entries:
            archive.writestr(info(entry[0], *entry[2:]), entry[1])
    return seal(path)
