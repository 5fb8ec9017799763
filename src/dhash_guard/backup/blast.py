"""Decides what a restore would take away, change and bring back, by merging two ordered streams of entries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum

from attrs import define, field, frozen

from dhash_guard.backup.archive.manifest import Kind, Member
from dhash_guard.backup.restoring.digest import restorable_mode
from dhash_guard.backup.walk import is_left_out
from dhash_guard.records.blast import Share

SHOWN = 10
"""How many names of each kind are kept."""
POSIX_MODES = 0o1777
"""The bits of a mode that are compared; 0 where the system has none."""


class Sort(Enum):
    """What a restore does to an entry."""

    LOST = "lost"
    CHANGED = "changed"
    RETURNING = "returning"
    SAME = "same"


@frozen
class Difference:
    """One path: what the backup holds of it, and what stands there now; one of the two may be missing."""

    sort: Sort
    then: Member | None
    now: Member | None

    @property
    def shown(self) -> Member:
        """The entry whose bytes count: what stands there now, and of what returns, what the backup holds."""
        found = self.now or self.then
        assert found is not None
        return found


Content = Callable[[Member, Member], str]
"""The sha256 of a file as it stands now, given the backup's member and the present one (same path, same size)."""


def compare(
    then: Iterable[Member], now: Iterable[Member], content: Content, *, modes: int = POSIX_MODES
) -> Iterator[Difference]:
    """Every path of either stream, in order; both are ordered by the parts of their paths, folders before what is in them.

    `content` is asked only where sizes are equal. Raise ValueError naming the first entry that is out of order.
    """
    old, new = _ordered(then, "the backup"), _ordered(now, "the project")
    before, after = next(old, None), next(new, None)
    while before is not None or after is not None:
        if after is None or (before is not None and _place(before) < _place(after)):
            yield Difference(Sort.RETURNING, before, None)
            before = next(old, None)
        elif before is None or _place(after) < _place(before):
            yield Difference(Sort.LOST, None, after)
            after = next(new, None)
        else:
            differs = _differs(before, after, content, modes)
            yield Difference(Sort.CHANGED if differs else Sort.SAME, before, after)
            before, after = next(old, None), next(new, None)


def going_along(differences: Iterable[Difference], roots: Collection[str]) -> Iterator[Difference]:
    """The differences without the environment files that a restore keeps: all but those in a folder that goes itself."""
    gone = ""
    for difference in differences:
        then, now = difference.then, difference.now
        inside = now is not None and bool(gone) and now.path.startswith(gone)
        if now is not None and then is None and now.path not in roots and _is_secret(now) and not inside:
            continue
        if now is not None and now.kind is Kind.DIRECTORY and not inside and (then is None or then.kind is not now.kind):
            gone = now.entry
        yield difference


@define
class Tally:
    """Adds differences up; its memory does not grow with them."""

    shown: int = SHOWN
    _files: dict[Sort, int] = field(factory=lambda: dict.fromkeys(Sort, 0))
    _folders: dict[Sort, int] = field(factory=lambda: dict.fromkeys(Sort, 0))
    _bytes: dict[Sort, int] = field(factory=lambda: dict.fromkeys(Sort, 0))
    _names: dict[Sort, list[str]] = field(factory=lambda: {sort: [] for sort in Sort})
    _covers: dict[Sort, str] = field(factory=dict)

    def add(self, difference: Difference) -> None:
        """Take one difference in; they come in order."""
        sort, entry = difference.sort, difference.shown
        folder = entry.kind is Kind.DIRECTORY
        (self._folders if folder else self._files)[sort] += 1
        self._bytes[sort] += entry.size if entry.kind is Kind.FILE else 0
        if sort is Sort.SAME or len(self._names[sort]) >= self.shown:
            return
        if self._covered(sort, entry) and not _is_secret(entry):  # what no backup has is named
            return
        self._names[sort].append(_printable(entry.entry))
        if folder and sort is not Sort.CHANGED:
            self._covers[sort] = entry.entry

    def share(self, sort: Sort) -> Share:
        """What came together of one kind."""
        return Share(
            files=self._files[sort],
            folders=self._folders[sort],
            bytes=self._bytes[sort],
            names=tuple(self._names[sort]),
        )

    def _covered(self, sort: Sort, entry: Member) -> bool:
        """Whether a folder that was named stands for it."""
        cover = self._covers.get(sort)
        return cover is not None and entry.path.startswith(cover)


def _differs(then: Member, now: Member, content: Content, modes: int) -> bool:
    if then.kind is not now.kind:
        return True
    if then.kind is Kind.LINK:
        return then.link != now.link
    if (restorable_mode(then.kind, then.mode) ^ restorable_mode(now.kind, now.mode)) & modes:
        return True
    return then.kind is Kind.FILE and (then.size != now.size or content(then, now) != then.sha256)


def _is_secret(member: Member) -> bool:
    return is_left_out(member.path.rpartition("/")[2], member.kind)


def _place(member: Member) -> list[str]:
    return member.path.split("/")


def _ordered(members: Iterable[Member], whose: str) -> Iterator[Member]:
    """The same members; a stream out of order would make differences of what is none."""
    last: list[str] = []
    for member in members:
        place = _place(member)
        if place <= last:
            raise ValueError(f"{member.path!r} of {whose} is out of order")
        last = place
        yield member


def _printable(name: str) -> str:
    """The name; bytes that are no UTF-8 are written out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
