"""Unpacks a whole backup into a scratch directory and proves that what stands there is what the backup holds."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.archive.structure import header_problems
from dhash_guard.backup.opening import opened_archive
from dhash_guard.backup.restoring.comparing import different_roots
from dhash_guard.backup.restoring.digest import summaries
from dhash_guard.backup.restoring.unpacking import Targets, finish_folders, require_names, unpack
from dhash_guard.errors import Damaged
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine


@frozen(kw_only=True)
class Extracted:
    """How many files were written and read back, and how many bytes they have together."""

    files: int
    bytes: int


def extract(machine: Machine, layout: Layout, facts: BackupFacts, scratch: Path) -> Extracted:
    """Unpack below `scratch`, an empty directory, and compare paths, kinds, modes and hashes of all with the manifest.

    Raise Damaged where the archive is, or where what stands there reads back differently; OSError where writing fails.
    Nothing is written outside `scratch`; what a failure leaves in it is for the caller to remove.
    """
    with opened_archive(layout, facts, chosen(machine.environ)) as archive:
        header = archive.header()
        if problems := header_problems(header):
            raise Damaged("; ".join(problems), where=facts.name)
        require_names(archive)
        found = summaries(header, archive.contents())
        tops = {root.path: scratch / root.path for root in header.roots if root.kind is not Kind.ABSENT}
        for top in tops.values():
            machine.files.make_directory(top.parent)
        targets = Targets({path: str(top) for path, top in tops.items()})
        files, written = unpack(machine, archive, targets)
        finish_folders(machine, archive, targets)
        if different := different_roots(machine, archive, scratch, found):
            raise Damaged(f"what was restored reads back differently: {', '.join(sorted(different))}", where=facts.name)
    return Extracted(files=files, bytes=written)
