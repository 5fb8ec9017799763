"""Loads the release `current` points at, and says what every release must offer."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Extract = Callable[[bytes], tuple[str, float]]


class ExtractionError(Exception):
    """Raised by a release's `extract` for a picture from which it cannot take a hash."""


class ReleaseError(Exception):
    """The release cannot be loaded; the message says why."""


@dataclass(frozen=True)
class Release:
    """One release: `extract` turns a picture's bytes into (dhash, confidence)."""

    name: str
    version: str
    extract: Extract
    unhealthy: str | None
    """Why the release reports itself unhealthy, or None when it is well."""


def load(folder: Path) -> Release:
    """The release in `folder`, which may be a symlink to the real one."""
    try:
        folder = folder.resolve(strict=True)  # from here on a switch of the symlink cannot mix releases
        about = json.loads((folder / "release.json").read_bytes())
        # Run from its source each time: a cached .pyc may be stale after a quick swap of files.
        code = runpy.run_path(str(folder / "extract.py"), run_name="current_release")
        return Release(about["name"], about["version"], code["extract"], about.get("unhealthy"))
    except Exception as error:  # a release is someone's new code: anything may be wrong with it
        raise ReleaseError(f"cannot load release {folder}: {type(error).__name__}: {error}") from error
