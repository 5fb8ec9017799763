"""Finds recorded runs: run folders, folders that hold them, and logs that stand alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from dhash_guard.errors import UsageProblem

_SAMPLES, _EVIDENCE = "samples.jsonl", "evidence.json"


@frozen(kw_only=True)
class Log:
    """A recorded run: `name` is the run's id, or the path of a log that stands alone; `named` says that it was asked for."""

    name: str
    samples: Path
    evidence: Path | None
    aliases: tuple[str, ...] = ()
    named: bool = False


def find(paths: Iterable[Path]) -> list[Log]:
    """The logs that are meant, each once, in the order of the command line and sorted within a folder."""
    found: dict[Path, Log] = {}
    for path in paths:
        for log in _logs(path):
            found.setdefault(log.samples.resolve(), log)
    return list(found.values())


def _logs(path: Path) -> list[Log]:
    if not path.exists():
        raise UsageProblem("there is no such file or folder", where=str(path))
    if not path.is_dir():
        if path.suffix == ".json":
            return [_of_folder(path.parent, path, evidence=path)]
        beside = path.parent / _EVIDENCE
        if path.name == _SAMPLES and beside.is_file():
            return [_of_folder(path.parent, path)]
        return [Log(name=str(path), samples=path, evidence=None, named=True)]
    if _is_run(path):
        return [_of_folder(path, path)]
    children = [entry for entry in sorted(path.iterdir()) if entry.is_dir()]
    inner = [entry for child in children if not _is_run(child) for entry in sorted(child.iterdir()) if entry.is_dir()]
    return [_of_folder(folder, None) for folder in (*children, *inner) if _is_run(folder)]


def _is_run(folder: Path) -> bool:
    return (folder / _SAMPLES).is_file() or (folder / _EVIDENCE).is_file()


def _of_folder(folder: Path, named: Path | None, *, evidence: Path | None = None) -> Log:
    told = evidence or folder / _EVIDENCE
    names = {str(folder), str(folder / _SAMPLES), str(told), *([str(named)] if named is not None else [])}
    return Log(
        name=folder.resolve().name,
        samples=folder / _SAMPLES,
        evidence=told if told.is_file() else None,
        aliases=tuple(sorted(names)),
        named=named is not None,
    )
