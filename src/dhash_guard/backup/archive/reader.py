"""Reads an archive with suspicion: nothing is believed that the manifest does not confirm, and never a byte too many."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from attrs import frozen

from dhash_guard.backup.archive.manifest import LINE_CAP, Header, Kind, Manifest, Member, read_header, read_manifest
from dhash_guard.backup.archive.structure import entry_problems, manifest_problems
from dhash_guard.backup.archive.writer import BLOCK, sums
from dhash_guard.backup.names import MANIFEST, SUMS
from dhash_guard.errors import CannotTell, Damaged

_HEADER_CAP = 64 << 20
_SHOWN = 50
_SLACK = 100
"""Lines of the manifest beyond the number of members that are still read, so that what is missing can be named."""

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises on bytes that are no sound zip."""


@frozen
class Archive:
    """An open archive."""

    path: Path
    zip: zipfile.ZipFile
    file: BinaryIO

    @property
    def members(self) -> int:
        """How many members the zip's directory lists; manifest and sums do not count."""
        return max(0, len(self.zip.infolist()) - 2)

    def header(self) -> Header:
        """The manifest's first line; raise Damaged where there is none."""
        with _sound(self.path), self.zip.open(MANIFEST) as file:
            return read_header(file.readline(_HEADER_CAP))

    def manifest(self) -> Manifest:
        """The whole manifest, in memory; raise Damaged where it is missing, too large or not strictly ours."""
        with _sound(self.path), self.zip.open(MANIFEST) as file:
            return read_manifest(_lines(file, self.members))

    def problems(self, manifest: Manifest) -> tuple[str, ...]:
        """Where directory, manifest and sums contradict each other, the first fifty."""
        with _sound(self.path):
            found = entry_problems(self.zip, self.file) + manifest_problems(self.zip, manifest)
            if not found:
                found = self._sums_problems(manifest)
        more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        return (*found[:_SHOWN], *more)

    def _sums_problems(self, manifest: Manifest) -> list[str]:
        expected = sums(manifest)
        with self.zip.open(SUMS) as file:
            return [] if file.read(len(expected) + 1) == expected else [f"{SUMS} does not agree with the manifest"]

    def stream(self, member: Member) -> Iterator[bytes]:
        """The bytes of a file or link in blocks; raise Damaged naming it where size or hash differ, at the first byte
        beyond its size and after the last byte otherwise."""
        digest, left = hashlib.sha256(), member.size
        with _sound(self.path, member.path), self.zip.open(member.entry) as file:
            while block := file.read(min(BLOCK, left + 1)):
                if len(block) > left:
                    raise Damaged(f"{member.path} is larger than the manifest says", where=str(self.path))
                digest.update(block)
                left -= len(block)
                yield block
        if left:
            raise Damaged(f"{member.path} is shorter than the manifest says", where=str(self.path))
        if digest.hexdigest() != member.sha256:
            raise Damaged(f"{member.path} does not have the hash of the manifest", where=str(self.path))

    def check(self, member: Member) -> None:
        """Read a member whole; raise Damaged where it is not what the manifest says."""
        if member.kind is Kind.FILE:
            for _ in self.stream(member):
                pass
        elif member.kind is Kind.LINK and b"".join(self.stream(member)) != member.link.encode("utf-8"):
            raise Damaged(f"{member.path} does not point where the manifest says", where=str(self.path))


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive; raise Damaged where it is no zip and CannotTell where it is not there."""
    try:
        file = path.open("rb")
    except OSError as problem:
        raise CannotTell(f"the backup cannot be opened: {problem.strerror}", where=str(path)) from problem
    with file:
        with _sound(path):
            archive = zipfile.ZipFile(file)
        with archive:
            yield Archive(path, archive, file)


@contextmanager
def _sound(path: Path, member: str = "") -> Iterator[None]:
    """Turn what the zip library throws at broken bytes into Damaged."""
    try:
        yield
    except _UNREADABLE as problem:
        what = f"{member} cannot be unpacked" if member else "no readable archive of dhash-guard"
        raise Damaged(f"{what}: {str(problem) or type(problem).__name__}", where=str(path)) from problem


def _lines(file: IO[bytes], members: int) -> Iterator[bytes]:
    """At most one line for the header and one for each member, each of bounded length."""
    yield file.readline(_HEADER_CAP)
    for _ in range(members + _SLACK):
        line = file.readline(LINE_CAP)
        if not line:
            return
        yield line
    raise ValueError("the manifest has far more lines than the archive has members")
