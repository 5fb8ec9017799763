"""Opens any backup, ours or another tool's, as an archive that everything strict can read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.deflate import STANDARD, Deflate
from dhash_guard.backup.archive.reader import Archive, opened
from dhash_guard.backup.catalog import path_of
from dhash_guard.backup.foreign.catalogue import form_of, opened_foreign
from dhash_guard.errors import Damaged
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.layout import Layout


@frozen(kw_only=True)
class Reading:
    """An open backup. `stated` is the hash in its checksum file, `expected` the one that the bytes of `archive` must have:
    they are the same for archives of our own."""

    archive: Archive
    stated: str
    expected: str


@contextmanager
def opened_sealed(layout: Layout, facts: BackupFacts, deflate: Deflate = STANDARD) -> Iterator[Reading]:
    """Open a backup once, so that what is verified is what is used, whatever happens to its name meanwhile.

    Raise CannotTell where it is not there or was never sealed, Damaged where it cannot be read, UsageProblem where it is of
    a form, or holds paths, that cannot be put back.
    """
    path = path_of(layout, facts)
    form = form_of(path)
    if form is not None:
        with opened_foreign(layout, path, form, deflate) as transcript:
            yield Reading(archive=transcript.archive, stated=transcript.stated, expected=transcript.sha256)
        return
    stated = sidecar.read(path)
    with opened(path, deflate) as archive:
        yield Reading(archive=archive, stated=stated, expected=stated)


def require_sealed(layout: Layout, facts: BackupFacts) -> None:
    """Raise where a backup that was chosen before is no longer there as it was; its members are not read again.

    CannotTell where it is gone, Damaged where its checksum file states another hash or its size is another.
    """
    with opened_sealed(layout, facts) as reading:
        stated = reading.stated
    if (facts.sha256 and stated != facts.sha256) or path_of(layout, facts).stat().st_size != facts.size:
        raise Damaged("it is not the backup any more that was chosen", where=facts.name, cure="Nothing was touched.")


@contextmanager
def opened_archive(layout: Layout, facts: BackupFacts, deflate: Deflate = STANDARD) -> Iterator[Archive]:
    """The archive alone, for whoever only looks; raise as `opened_sealed` does, but let an archive of ours be unsealed."""
    path = path_of(layout, facts)
    if form_of(path) is None:
        with opened(path, deflate) as archive:
            yield archive
        return
    with opened_sealed(layout, facts, deflate) as reading:
        yield reading.archive
