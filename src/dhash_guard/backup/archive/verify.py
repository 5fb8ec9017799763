"""Reads a backup whole and says everything that is wrong with it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.deflate import chosen
from dhash_guard.backup.archive.examining import Examiner, Seen
from dhash_guard.backup.archive.inflating import BLOCK
from dhash_guard.backup.archive.manifest import HEADER_CAP, Header, read_header
from dhash_guard.backup.archive.reader import Archive, Portion, opened
from dhash_guard.backup.archive.structure import closing_problems, header_problems
from dhash_guard.backup.catalog import facts_of, path_of
from dhash_guard.backup.foreign.catalogue import form_of, verify_foreign
from dhash_guard.backup.names import MANIFEST, SUMS
from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.backup import BackupFacts, Verification
from dhash_guard.records.layout import Layout
from dhash_guard.system.machine import Machine
from dhash_guard.system.workers import in_order

_SHOWN = 50


def verify(machine: Machine, layout: Layout, backup: BackupFacts | Path) -> Verification:
    """Compare the archive with its checksum file and every member with the manifest; all problems are collected.

    Raise CannotTell where the archive or its checksum file is missing: nothing to verify is no success.
    """
    path = path_of(layout, backup) if isinstance(backup, BackupFacts) else layout.root / backup
    if not path.is_file():
        raise CannotTell("there is no backup to verify", where=str(path))
    name = facts_of(layout, path).name
    if (form := form_of(path)) is not None:
        return verify_foreign(layout, path, form, name, chosen(machine.environ))
    try:
        expected = sidecar.read(path)
    except Damaged as problem:
        return Verification(name=name, sha256=archive_sha256(path), members=0, bytes_read=0, problems=(problem.what,))
    try:
        with opened(path, chosen(machine.environ)) as archive:
            return examine(machine, archive, name, expected).verification
    except Damaged as problem:
        sha256 = archive_sha256(path)
        problems = (problem.what, *_disagreement(sha256, expected))
        return Verification(name=name, sha256=sha256, members=0, bytes_read=0, problems=problems)


@frozen(kw_only=True)
class Examination:
    """What reading an archive gave; the header is None where something is wrong."""

    verification: Verification
    header: Header | None = None


def examine(machine: Machine, archive: Archive, name: str, expected: str, *, contents: bool = True) -> Examination:
    """Read an open archive against the hash `expected`; without `contents`, members are not unpacked.

    Memory does not grow with the number of members.
    """
    hashing, seen, header = _Hashing(archive), Seen(), None
    try:
        with archive.sound():
            header = archive.header()
            seen.problems += header_problems(header)
            if not seen.problems:
                _all_portions(machine, archive, header, seen, contents=contents, meanwhile=hashing)
                seen.conclude(archive, header)
    except Damaged as problem:
        seen.problems.append(problem.what)
    sha256 = hashing.result()
    problems = [*_disagreement(sha256, expected), *seen.problems]
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    verification = Verification(
        name=name, sha256=sha256, members=seen.members, bytes_read=seen.size, problems=(*problems[:_SHOWN], *more)
    )
    return Examination(verification=verification, header=header if verification.ok else None)


def _disagreement(sha256: str, expected: str) -> list[str]:
    return [] if sha256 == expected else [f"the archive's sha256 is {sha256}, its checksum file says {expected}"]


def archive_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hex digits; raise CannotTell where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as problem:
        raise CannotTell(f"the backup cannot be read: {problem.strerror}", where=str(path)) from problem
    return digest.hexdigest()


def _all_portions(
    machine: Machine, archive: Archive, header: Header, seen: Seen, *, contents: bool, meanwhile: Callable[[], None]
) -> None:
    """Look at every member, and compare the checksums inside with the manifest."""
    seen.problems += closing_problems(archive)
    text = archive.text(archive.manifest)
    first = text.readline(HEADER_CAP)
    read_header(first)
    digest = hashlib.sha256(first)

    def portions() -> Iterator[Portion]:
        for portion in archive.portions(text):
            for line in portion.lines:
                digest.update(line)
            yield portion

    sums = archive.text(archive.sums) if archive.sums is not None else io.BytesIO()
    agree = True
    examiner = Examiner(archive, header, contents)
    for sight, _ in in_order(examiner, portions(), workers=machine.workers, slab=0, meanwhile=meanwhile):
        seen.add(sight)
        machine.progress("checking" if contents else "looking into the backup", sight.end, archive.size)
        agree = agree and sums.read(len(sight.sums)) == sight.sums
    if text.readline(HEADER_CAP):
        seen.problems.append("the manifest has more lines than the archive has members")
        seen.torn = True
    last = f"{digest.hexdigest()}  {MANIFEST}\n".encode()
    if not seen.problems and not seen.torn and not (agree and sums.read(len(last) + 1) == last):
        seen.problems.append(f"{SUMS} does not agree with the manifest")


class _Hashing:
    """The hash of the whole file, worked out while others look into it; `result` does it where nobody did."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._sha256 = ""
        self._problem: Exception | None = None

    def __call__(self) -> None:
        digest, archive = hashlib.sha256(), self._archive
        try:
            for at in range(0, archive.size, BLOCK):
                digest.update(archive.read(at, min(BLOCK, archive.size - at)))
        except (OSError, ValueError) as problem:
            self._problem = problem
        else:
            self._sha256 = digest.hexdigest()

    def result(self) -> str:
        if not self._sha256 and self._problem is None:
            self()
        if self._problem is not None:
            raise CannotTell(f"the backup cannot be read: {self._problem}", where=str(self._archive.path)) from self._problem
        return self._sha256
