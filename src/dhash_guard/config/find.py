"""Decides which file is the configuration, and which directory is the project's root."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from dhash_guard.errors import UsageProblem

NAMES = (".github/dhash-guard.yml", "dhash-guard.yml")
"""Where a project may keep its configuration, relative to its root."""


@frozen
class Found:
    """The configuration file, the project root (absolute), and the short name that messages call the file."""

    path: Path
    root: Path
    name: str


def find(config: Path | None, cwd: Path) -> Found:
    """The file that `--config` names, or the nearest from `cwd` upward; raise UsageProblem where there is none, or two."""
    cwd = cwd.absolute()
    if config is not None:
        path = cwd / config
        if not path.is_file():
            raise UsageProblem("there is no such configuration file", where=str(config), cure="Check --config.")
        return Found(path, _root(path), _name(path, cwd))
    for level in (cwd, *cwd.parents):
        if level.name == ".github":  # seen from its parent, where both names can be told apart
            continue
        here = [level / name for name in NAMES if (level / name).is_file()]
        if len(here) > 1:
            both = " and ".join(_name(path, cwd) for path in here)
            raise UsageProblem(f"there are two configurations: {both}", cure="Keep one of them, or choose with --config.")
        if here:
            return Found(here[0], _root(here[0]), _name(here[0], cwd))
    raise UsageProblem(
        f"there is no configuration: looked for {' and '.join(NAMES)} in {cwd} and every directory above it",
        cure="Write one with `dhash-guard init`, or name it with --config.",
    )


def _root(path: Path) -> Path:
    """The directory that holds the nearest `.github` around the file, or else the file's own."""
    for folder in path.parents:
        if folder.name == ".github":
            return folder.parent
    return path.parent


def _name(path: Path, cwd: Path) -> str:
    return path.relative_to(cwd).as_posix() if path.is_relative_to(cwd) else str(path)
