"""Decides what belongs to a backup: selects components and finds their members below the project root."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from attrs import frozen

from dhash_guard.backup.archive.manifest import Kind, Root
from dhash_guard.backup.archive.packing import is_media
from dhash_guard.backup.archive.sources import Source, kind_of
from dhash_guard.backup.databases import Databases, is_database, sides_of
from dhash_guard.backup.names import overlaps
from dhash_guard.backup.settings import BackupSettings, Component, When
from dhash_guard.backup.streams import databases_of, planned
from dhash_guard.backup.walk import Said, walk
from dhash_guard.errors import NoGo, UsageProblem
from dhash_guard.records.layout import Layout
from dhash_guard.system.files import inside, mounts_in

ALL = "all"

_REMEMBERED = 1 << 17
"""Members that are kept in memory between finding and reading them; more are looked for twice."""

_SHOWN = 50


@frozen(kw_only=True)
class Collection:
    """What a backup holds: `size` are the bytes of all files, `media` of those that no packing makes smaller; `left_out` are
    the paths of environment files and old trees."""

    project: Path
    components: dict[str, tuple[str, ...]]
    roots: tuple[Root, ...]
    entries: int
    size: int
    media: int
    left_out: tuple[str, ...]
    _grows: frozenset[str]
    _databases: Databases
    _found: tuple[Source, ...] | None

    def sources(self) -> Iterator[Source]:
        """Every member in order; where there were too many to remember, the disk is walked once more.

        Raise NoGo where the second walk finds what no backup can hold.
        """
        if self._found is not None:
            return iter(self._found)
        return self._again()

    def _again(self) -> Iterator[Source]:
        problems: list[str] = []
        yield from _walked(self.project, self.roots, self._grows, self._databases, problems.append, lambda path: None)
        _refuse(problems)


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
    if not any(part.roots for part in chosen.values()):
        raise UsageProblem("the chosen components name no paths", cure="Name components with --components, or use `all`.")
    return chosen


def _require_known(name: str, known: Mapping[str, Component]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1) or [", ".join(known)]
        raise UsageProblem(f"no component is called {name!r}", cure=f"Did you mean {near[0]}?")


def collect(
    layout: Layout,
    components: Mapping[str, Component],
    made: Mapping[str, Source] | None = None,
    *,
    strict: bool = True,
    remember: int = _REMEMBERED,
) -> Collection:
    """Find every member of `components`, without following links; `made` is what they make, None while that is not known.

    With `strict`, databases in use that no component names as such are refused. Raise UsageProblem where roots overlap or
    lie where they may not, and NoGo naming every member that cannot be backed up, also where not one root exists
    and one would have to.
    """
    databases = Databases(databases_of(components), planned(components) if made is None else made, strict)
    roots = _roots(layout, components, databases)
    growing = frozenset(PurePosixPath(path).as_posix() for part in components.values() if part.grows for path in part.paths)
    problems = list(_mounted(layout, roots))
    left_out: list[str] = []
    found: list[Source] | None = []
    entries = size = media = 0
    for source in _walked(layout.root, roots, growing, databases, problems.append, left_out.append):
        entries += 1
        if stat.S_ISREG(source.mode):
            size += source.size
            media += source.size if is_media(source.path) else 0
        if found is not None:
            found.append(source)
            if entries > remember:
                found = None
    _refuse(problems)
    if all(root.kind is Kind.ABSENT for root in roots) and not all(part.optional for part in components.values()):
        raise NoGo("nothing to back up: " + ", ".join(root.path for root in roots) + " do not exist")
    return Collection(
        project=layout.root,
        components={name: part.roots for name, part in components.items()},
        roots=roots,
        entries=entries,
        size=size,
        media=media,
        left_out=tuple(sorted(left_out)),
        grows=growing,
        databases=databases,
        found=None if found is None else tuple(found),
    )


def _roots(layout: Layout, components: Mapping[str, Component], databases: Databases) -> tuple[Root, ...]:
    """Every root with what stands there; a database inside a folder that is backed up is none of its own."""
    places: dict[str, str] = {}
    for name, part in components.items():
        for path in part.roots:
            places.setdefault(layout.relative(inside(layout.root, path)), name)
    given = [layout.relative(inside(layout.root, path)) for part in components.values() for path in part.roots]
    folders = {layout.relative(inside(layout.root, path)) for part in components.values() for path in part.paths}
    inner = {path for path in databases.paths if any(PurePosixPath(path).is_relative_to(f) and path != f for f in folders)}
    require_places(layout, [path for path in given if path not in inner])
    _require_below_no_link(layout, inner)
    found = []
    for path, name in places.items():
        if path in inner:
            continue
        kind = Kind.FILE if path in databases.copies else _kind(layout.root / path)
        found.append(Root(path=path, kind=kind, component=name))
        if path in databases.paths or (kind is Kind.FILE and path not in databases.copies and _holds_database(layout, path)):
            # Not there as far as the backup goes: a restore moves away what belongs to the content before.
            found += [Root(path=side, kind=Kind.ABSENT, component=name) for side in sides_of(path) if side not in places]
    return tuple(sorted(found, key=lambda root: root.path.split("/")))


def _mounted(layout: Layout, roots: Iterable[Root]) -> Iterator[str]:
    """File systems that are mounted at a root or in it: a restore could not exchange it, so that the backup would lie."""
    for root in roots:
        for place in mounts_in(layout.root / root.path):
            where = Path(os.path.relpath(place, os.path.realpath(layout.root))).as_posix()
            yield f"{where!r} is a mount point, which no restore can exchange: name what is in it instead"


def covers(components: Mapping[str, Component], root: Root) -> bool:
    """Whether a component names this root of an archive; a file that is to be absent may be one beside a database."""
    known = {PurePosixPath(path).as_posix() for part in components.values() for path in part.roots}
    return root.path in known or (root.kind is Kind.ABSENT and any(root.path in sides_of(path) for path in known))


def _holds_database(layout: Layout, path: str) -> bool:
    try:
        return is_database(layout.root / path)
    except OSError:  # told by the walk
        return False


def _require_below_no_link(layout: Layout, paths: Iterable[str]) -> None:
    for path in paths:
        location = layout.root / path
        above = [parent for parent in location.parents if parent.is_relative_to(layout.root) and parent != layout.root]
        if linked := [layout.relative(parent) for parent in above if parent.is_symlink()]:
            raise UsageProblem(f"{path!r} lies below the link {linked[0]!r}", cure="Give the real path.")


def _walked(
    project: Path,
    roots: tuple[Root, ...],
    growing: frozenset[str],
    databases: Databases,
    problem: Said,
    left_out: Said,
) -> Iterator[Source]:
    beside = {side for root in roots for side in sides_of(root.path)}
    for root in roots:
        if root.kind is Kind.ABSENT and (databases.besides(root.path) or root.path in beside):
            continue  # whether a database may be taken without it is said where the database is
        found, told = Kind.ABSENT, list[str]()
        for source in walk(
            project, root.path, grows=root.path in growing, problem=told.append, left_out=left_out, databases=databases
        ):
            found = source.kind if source.path == root.path else found
            yield source
        if found is not root.kind and not told:  # the archive would contradict its own header
            told.append(f"{root.path!r} came, went or became something else while it was looked at")
        for reason in told:
            problem(reason)


def _refuse(problems: list[str]) -> None:
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise NoGo("\n  ".join(["these cannot be backed up:", *sorted(problems)[:_SHOWN], *more]))


def _kind(location: Path) -> Kind:
    try:
        return kind_of(location.lstat().st_mode)
    except OSError:  # not there, or told by the walk
        return Kind.ABSENT


def require_places(layout: Layout, roots: list[str]) -> None:
    """Raise UsageProblem where roots overlap each other, the backups, the state of this program, or lie below a link."""
    problems = overlaps(roots)
    above = Path(os.path.realpath(layout.root))
    # Behind a link they would go with the tree that a restore takes away, so that it counts where they really lie.
    guarded = {each: Path(os.path.realpath(each)) for each in (layout.backups, layout.pre_rollback, layout.state)}
    for path in roots:
        location = layout.root / path
        for each, real in guarded.items():
            if _overlap(location, each) or _overlap(above / path, real):
                problems.append(f"{path!r} and {layout.relative(each)!r} overlap")
        parents = [parent for parent in location.parents if parent.is_relative_to(layout.root) and parent != layout.root]
        problems += [f"{path!r} lies below the link {layout.relative(p)!r}" for p in parents if p.is_symlink()]
    if problems:
        raise UsageProblem("; ".join(problems), cure="Give each component paths of its own, and the real ones.")


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
