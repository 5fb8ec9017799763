"""Touches files and links so that a reader sees the old one or the new one, never half of either."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Replace the file's content; its permissions stay as they were."""
    path = path.resolve()  # a link keeps pointing where it did; the file behind it is replaced
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def link(path: Path, target: str) -> None:
    """Make `path` a symlink to `target`, replacing the symlink that is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    try:
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
