"""Walks what a backup covers in the one order that archives keep: a folder, then what is in it, names sorted."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.archive.sources import Source, kind_of, source_of
from dhash_guard.backup.databases import Databases
from dhash_guard.backup.names import folded, is_secret, is_stage, link_problem, name_problem

_PLAIN = re.compile(r"[^\x00-\x1f\x7f\x80-\U0010ffff\\]+")
"""Names of entries that need no closer look: printable ASCII without a backslash."""

DEEPEST = 400
"""Folders in each other that a backup holds: what restores and removes them goes down one by one."""

Said = Callable[[str], None]

_AS_IT_IS = Databases(strict=False)


def walk(
    project: Path, root: str, *, grows: bool, problem: Said, left_out: Said, databases: Databases = _AS_IT_IS
) -> Iterator[Source]:
    """Everything of `root` (a path relative to `project`), links not followed; nothing where it does not exist.

    What no backup can hold is told to `problem`; environment files and staged trees below the root are told to
    `left_out`, as paths relative to the project. Memory is that of the largest folder.
    A database is replaced by its copy, and what SQLite keeps beside it is passed over.
    """
    if root in databases.copies:
        yield databases.copies[root]
        return
    try:
        status = (project / root).lstat()
        if reason := name_problem(root):
            problem(reason)
            return
        source = _source(project, root, status, grows=grows, problem=problem)
        if source is not None and source.kind is Kind.FILE and (reason := databases.problem(project, root)):
            problem(reason)
            return
    except FileNotFoundError:
        return
    except OSError as refusal:
        problem(f"{root!r} cannot be read: {refusal.strerror}")
        return
    if source is None:
        return
    yield source
    if source.kind is Kind.DIRECTORY:
        yield from _below(project, root, grows=grows, problem=problem, left_out=left_out, databases=databases)


def _below(
    project: Path, folder: str, *, grows: bool, problem: Said, left_out: Said, databases: Databases
) -> Iterator[Source]:
    try:
        with os.scandir(f"{project}/{folder}") as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as refusal:
        problem(f"{folder!r} cannot be read: {refusal.strerror}")
        return
    if folder.count("/") >= DEEPEST and entries:
        problem(f"{f'{folder[:60]}…'!r} lies more than {DEEPEST} folders deep")
        return
    names = [entry.name for entry in entries]
    for reason in chain(siblings(folder, names), databases.problems(project, folder, names)):
        problem(reason)
    aside = databases.aside(folder, names)
    for name, entry in zip(names, entries, strict=True):
        path = f"{folder}/{name}"
        if aside and name in aside:
            if (said := aside[name]) is not None:
                yield said
            continue
        try:
            status = entry.stat(follow_symlinks=False)
            source = _entry(project, path, name, status, grows=grows, problem=problem, left_out=left_out)
        except OSError as refusal:
            problem(f"{path!r} cannot be read: {refusal.strerror}")
            continue
        if source is None:
            continue
        yield source
        if stat.S_ISDIR(source.mode):
            yield from _below(project, path, grows=grows, problem=problem, left_out=left_out, databases=databases)


def _entry(
    project: Path, path: str, name: str, status: os.stat_result, *, grows: bool, problem: Said, left_out: Said
) -> Source | None:
    """What stands in a folder under this name; None where it is no part of the backup, and was told."""
    plain = _PLAIN.fullmatch(name)
    if plain and stat.S_ISREG(status.st_mode) and name[0] != ".":  # as nearly all are
        return source_of(path, status, grows=grows)
    if name[0] == "." and is_left_out(name, kind_of(status.st_mode)):
        left_out(path)
        return None
    if not plain and (reason := name_problem(path)):
        problem(reason)
        return None
    return _source(project, path, status, grows=grows, problem=problem)


def is_left_out(name: str, kind: Kind) -> bool:
    """Whether an entry of this base name below a root belongs to no backup."""
    return is_stage(name) or (is_secret(name) and kind is not Kind.DIRECTORY)


def siblings(folder: str, names: list[str]) -> Iterator[str]:
    """One line for each name of a folder that some disk takes for another one in it."""
    if len({name.lower() for name in names}) == len(names) and all(name.isascii() for name in names):
        return
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(folded(name), name)
        if first != name:
            yield f"{f'{folder}/{first}'!r} and {f'{folder}/{name}'!r} are one name on some disks"


def _source(project: Path, path: str, status: os.stat_result, *, grows: bool, problem: Said) -> Source | None:
    kind = kind_of(status.st_mode)
    if kind is Kind.ABSENT:
        problem(f"{path!r} is a socket, a device or a pipe")
        return None
    if kind is not Kind.LINK:
        return source_of(path, status, grows=grows)
    link = os.readlink(project / path)
    if reason := link_problem(path, link):
        problem(reason)
        return None
    return source_of(path, status, link)
