"""Looks at what a rollback would do to the data: compares the project with a backup, and says it in sentences."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from attrs import define, field

from dhash_guard.backup.archive.manifest import Kind, Member
from dhash_guard.backup.blast import POSIX_MODES, Difference, Sort, Tally, compare, going_along
from dhash_guard.backup.contents import content_of, members, out_of_order, roots, sha256_of, standing
from dhash_guard.backup.library import CAP, compare_documents
from dhash_guard.errors import CannotTell
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.blast import BlastRadius, LibraryChange, Share
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.run import Guarded

Progress = Callable[[int, int], object]
"""Told, again and again: how many entries of both sides were compared, and how many bytes were read."""

_LIBRARIES = 20
_QUICKLY = 3.0
"""Seconds that a look before a question may take."""


def blast_radius(run: Guarded, facts: BackupFacts, progress: Progress) -> BlastRadius:
    """What going back to this backup would take away, change and bring back; every file of an equal size is read.

    Raise Damaged or CannotTell where one of the sides cannot be read.
    """
    return _Survey(run.configuration.layout, facts, progress).exact()


def blast_radius_at_a_glance(run: Guarded, facts: BackupFacts) -> BlastRadius | None:
    """The same by size and time alone, for a question that somebody waits for; None where even that takes too long."""
    clock = run.machine.clock
    until = clock.monotonic() + _QUICKLY
    return _Survey(run.configuration.layout, facts, lambda entries, read: None).quick(lambda: clock.monotonic() > until)


@define
class _Survey:
    """One comparison under way."""

    layout: Layout
    facts: BackupFacts
    progress: Progress
    tally: Tally = field(factory=Tally)
    libraries: list[LibraryChange] = field(factory=list)
    left: int = 0
    compared: int = 0
    read: int = 0

    def exact(self) -> BlastRadius:
        for difference in self._differences(self._content):
            self._take(difference)
        return self._result(exact=True)

    def quick(self, late: Callable[[], bool]) -> BlastRadius | None:
        for difference in self._differences(_by_time):
            self._take(difference)
            if late():
                return None
        return self._result(exact=False)

    def _differences(self, content: Callable[[Member, Member], str]) -> Iterator[Difference]:
        tops = roots(self.layout, self.facts)
        modes = POSIX_MODES if os.name == "posix" else 0
        try:
            found = compare(members(self.layout, self.facts), standing(self.layout, tops), content, modes=modes)
            yield from going_along(found, tops)
        except ValueError as problem:
            raise out_of_order(problem) from problem

    def _content(self, then: Member, now: Member) -> str:
        return sha256_of(self.layout, now.path, self._seen)

    def _seen(self, size: int) -> None:
        self.read += size
        self.progress(self.compared, self.read)

    def _take(self, difference: Difference) -> None:
        self.compared += 1
        self.tally.add(difference)
        self.progress(self.compared, self.read)
        then, now = difference.then, difference.now
        if difference.sort is Sort.CHANGED and then is not None and now is not None and _is_library(then, now):
            if len(self.libraries) >= _LIBRARIES:
                self.left += 1
            else:
                self.libraries += self._library(then, now)

    def _library(self, then: Member, now: Member) -> tuple[LibraryChange, ...]:
        if max(then.size, now.size) > CAP:
            return (
                LibraryChange(path=now.path, problem=f"more than {format_bytes(CAP)}, too large to compare its entries"),
            )
        try:
            present = (self.layout.root / now.path).read_bytes()
        except OSError as problem:
            raise CannotTell(f"it cannot be read: {problem.strerror}", where=now.path) from problem
        return compare_documents(now.path, content_of(self.layout, self.facts, then), present)

    def _result(self, *, exact: bool) -> BlastRadius:
        return BlastRadius(
            backup=self.facts.name,
            exact=exact,
            lost=self.tally.share(Sort.LOST),
            changed=self.tally.share(Sort.CHANGED),
            returning=self.tally.share(Sort.RETURNING),
            same=self.tally.share(Sort.SAME).entries,
            libraries=tuple(self.libraries),
            libraries_left=self.left,
        )


def _by_time(then: Member, now: Member) -> str:
    """The backup's own hash where size and time agree; anything else counts as changed, without reading it."""
    return then.sha256 if then.mtime_ns == now.mtime_ns else ""


def _is_library(then: Member, now: Member) -> bool:
    return now.path.endswith(".json") and then.kind is now.kind is Kind.FILE


def summary(radius: BlastRadius) -> str:
    """The blast radius in one line."""
    parts = [
        f"{_amount(share)} {does}"
        for share, does in (
            (radius.lost, "would disappear"),
            (radius.changed, "would change back"),
            (radius.returning, "would come back"),
        )
        if share.entries
    ]
    how = "" if radius.exact else " (by size and time)"
    return ("; ".join(parts) or "nothing would change") + how


def sentences(radius: BlastRadius) -> Iterator[tuple[str, str]]:
    """What would happen, as (verb, object) of `would …`, with the first names."""
    for share, verb, why in (
        (radius.lost, "remove", "only there now"),
        (radius.changed, "change back", "different now"),
        (radius.returning, "bring back", "gone now"),
    ):
        if share.entries:
            yield verb, f"{_amount(share)} {why}: {_listed(share.names, share.entries)}"
    for library in radius.libraries:
        yield from _of_library(library)
    if radius.libraries_left:
        yield "change back", f"{radius.libraries_left} more JSON files, whose entries were not compared"


def _of_library(library: LibraryChange) -> Iterator[tuple[str, str]]:
    where = library.path + (f" ({library.section})" if library.section else "")
    if library.problem:
        yield "change back", f"{where}; which entries, cannot be told: {library.problem}"
    if library.added:
        names = _listed(library.added_names, library.added)
        yield "lose", f"{_counted(library.added, 'entry', 'entries')} of {where} added since: {names}"
    if library.removed:
        names = _listed(library.removed_names, library.removed)
        yield "bring back", f"{_counted(library.removed, 'entry', 'entries')} of {where} removed since: {names}"
    if library.changed:
        yield "change back", f"{_counted(library.changed, 'entry', 'entries')} of {where}"


def _amount(share: Share) -> str:
    counts = [
        text
        for number, text in (
            (share.files, _counted(share.files, "file", "files")),
            (share.folders, _counted(share.folders, "folder", "folders")),
        )
        if number
    ]
    return f"{' and '.join(counts)} ({format_bytes(share.bytes)})"


def _listed(names: tuple[str, ...], total: int) -> str:
    """The first names; a folder stands for what is in it, so that the others cannot be counted from the names."""
    folders = any(name.endswith("/") for name in names)
    more = "" if len(names) >= total or folders else f" and {total - len(names)} more"
    return ", ".join(names) + (", …" if folders and len(names) < total else more)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
