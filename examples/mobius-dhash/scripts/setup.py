#!/usr/bin/env python3
"""Lays out a complete, self-contained project in an empty directory."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # a run must not litter the project with __pycache__
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import atomic
import pictures

PROJECT = Path(__file__).resolve().parent.parent
PARTS = ("*.py", "README.md", ".github", "config", "releases", "scripts", "static")
"""What makes a project; whatever a run leaves behind is no part of it."""


class SetupError(Exception):
    """The project cannot be laid out; the message says why."""


def new_project(root: Path, count: int = 240, seed: int = 7, release: str = "good") -> Path:
    """Lay the project out in `root`, which must be empty or not there yet."""
    root = root.resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise SetupError(f"{root} is not an empty directory")
    root.mkdir(parents=True, exist_ok=True)
    for pattern in PARTS:
        for part in sorted(PROJECT.glob(pattern)):
            if part.is_dir():
                shutil.copytree(part, root / part.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(part, root / part.name)
    pictures.draw_all(root / "uploads", root / "library.json", count, seed)
    atomic.link(root / "current", f"releases/{release}")
    return root


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the empty directory")
    parser.add_argument("--count", type=int, default=240, help="how many pictures to draw")
    parser.add_argument("--seed", type=int, default=7, help="the same seed draws the same pictures")
    options = parser.parse_args()
    try:
        root = new_project(options.root, options.count, options.seed)
    except (SetupError, OSError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print(f"setup: project in {root}, with {options.count} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
