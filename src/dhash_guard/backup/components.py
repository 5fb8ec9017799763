"""Decides what belongs to a backup: selects components and finds their members below the project root."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from dhash_guard.backup.archive.manifest import Kind, Root
from dhash_guard.backup.names import collisions, is_secret, is_stage, link_problem, name_problem, overlaps
from dhash_guard.backup.settings import BackupSettings, Component, When
from dhash_guard.errors import NoGo, UsageProblem
from dhash_guard.records.layout import Layout
from dhash_guard.system.files import inside

ALL = "all"


@frozen(kw_only=True)
class Source:
    """A member as it stands on the disk; `path` is relative to the project root, `link` the text of a link."""

    path: str
    kind: Kind
    location: Path
    status: os.stat_result
    link: str
    grows: bool


@frozen(kw_only=True)
class Collection:
    """What a backup would hold, in the order of paths; `left_out` are the paths of environment files and old trees."""

    components: dict[str, tuple[str, ...]]
    roots: tuple[Root, ...]
    sources: tuple[Source, ...]
    left_out: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(source.status.st_size for source in self.sources if source.kind is Kind.FILE)


def select(settings: BackupSettings, requested: tuple[str, ...] | None) -> dict[str, Component]:
    """The components of a backup: those that are always part (None), every one (`all`), or the named ones.

    Raise UsageProblem for an unknown name and where nothing is configured or chosen.
    """
    known = settings.components
    if not known:
        raise UsageProblem("no components are configured", cure="List them under backup.components.")
    if requested is None:
        chosen = {name: part for name, part in known.items() if part.when is When.ALWAYS}
    elif ALL in requested:
        chosen = dict(known)
    else:
        for name in requested:
            _require_known(name, known)
        chosen = {name: part for name, part in known.items() if name in requested}
    if not any(part.paths for part in chosen.values()):
        raise UsageProblem("the chosen components name no paths", cure="Name components with --components, or use `all`.")
    return chosen


def _require_known(name: str, known: Mapping[str, Component]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1) or [", ".join(known)]
        raise UsageProblem(f"no component is called {name!r}", cure=f"Did you mean {near[0]}?")


def collect(layout: Layout, components: Mapping[str, Component]) -> Collection:
    """Find every member of `components`, without following links.

    Raise UsageProblem where roots overlap or lie where they may not, and NoGo naming every member that cannot be
    backed up, also where not one root exists.
    """
    places = [(inside(layout.root, path), name, part.grows) for name, part in components.items() for path in part.paths]
    require_places(layout, [layout.relative(location) for location, _, _ in places])
    found = _Walk(layout)
    roots = [
        Root(path=layout.relative(location), kind=found.walk_root(location, grows), component=name)
        for location, name, grows in places
    ]
    sources = sorted(found.sources, key=lambda source: source.path.split("/"))
    problems = found.problems + collisions(source.path for source in sources)
    if problems:
        raise NoGo("\n  ".join(["these cannot be backed up:", *sorted(problems)]))
    if all(root.kind is Kind.ABSENT for root in roots):
        raise NoGo("nothing to back up: " + ", ".join(root.path for root in roots) + " do not exist")
    return Collection(
        components={name: part.paths for name, part in components.items()},
        roots=tuple(sorted(roots, key=lambda root: root.path.split("/"))),
        sources=tuple(sources),
        left_out=tuple(sorted(found.left_out)),
    )


def require_places(layout: Layout, roots: list[str]) -> None:
    """Raise UsageProblem where roots overlap each other, the backups, the state of this program, or lie below a link."""
    problems = overlaps(roots)
    for path in roots:
        location = layout.root / path
        for guarded in (layout.backups, layout.state):
            if guarded.is_relative_to(location) or location.is_relative_to(guarded):
                problems.append(f"{path!r} and {layout.relative(guarded)!r} overlap")
        parents = [parent for parent in location.parents if parent.is_relative_to(layout.root) and parent != layout.root]
        problems += [f"{path!r} lies below the link {layout.relative(p)!r}" for p in parents if p.is_symlink()]
    if problems:
        raise UsageProblem("; ".join(problems), cure="Give each component paths of its own, and the real ones.")


class _Walk:
    """Collects members and what is wrong with them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.sources: list[Source] = []
        self.problems: list[str] = []
        self.left_out: list[str] = []

    def walk_root(self, location: Path, grows: bool) -> Kind:
        try:
            kind = self._take(location, grows)
        except FileNotFoundError:
            return Kind.ABSENT
        except OSError as problem:
            self._unreadable(problem)
            return Kind.ABSENT
        if kind is Kind.DIRECTORY:
            for below in _tree(location, self._unreadable):
                self._take_below(below, grows)
        return kind

    def _take_below(self, location: Path, grows: bool) -> None:
        path = self._layout.relative(location)
        if is_stage(location.name) or (is_secret(location.name) and (location.is_symlink() or not location.is_dir())):
            self.left_out.append(path)
            return
        try:
            self._take(location, grows)
        except OSError as problem:
            self._unreadable(problem)

    def _take(self, location: Path, grows: bool) -> Kind:
        path = self._layout.relative(location)
        status = location.lstat()
        kind, link = _kind(status.st_mode), ""
        problem = name_problem(path)
        if kind is Kind.LINK and not problem:
            link = os.readlink(location)
            problem = link_problem(path, link)
        elif kind is Kind.FILE and not os.access(location, os.R_OK):
            problem = f"{path!r} cannot be read"
        elif kind is Kind.ABSENT:
            problem = f"{path!r} is a socket, a device or a pipe"
        if problem:
            self.problems.append(problem)
        self.sources.append(Source(path=path, kind=kind, location=location, status=status, link=link, grows=grows))
        return kind

    def _unreadable(self, problem: OSError) -> None:
        self.problems.append(f"{problem.filename!r} cannot be read: {problem.strerror}")


def _kind(mode: int) -> Kind:
    """ABSENT stands for everything that is not a file, a directory or a link."""
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.DIRECTORY
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.ABSENT


def _tree(top: Path, unreadable: Callable[[OSError], None]) -> Iterator[Path]:
    """Everything below `top`, links not followed; old and staged trees are named but not entered."""
    for folder, directories, files in os.walk(top, onerror=unreadable):
        for name in (*directories, *files):
            yield Path(folder, name)
        directories[:] = [name for name in directories if not is_stage(name)]
