"""Writes a backup of another tool anew in our own form, into a nameless file, so that everything strict can read it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Sequence
from typing import Protocol

from attrs import define, field

from dhash_guard.backup.archive.deflate import Deflate
from dhash_guard.backup.archive.manifest import Header, Kind, Member, header_line
from dhash_guard.backup.archive.zipformat import (
    DEFLATED,
    LIMIT,
    STORED,
    UTF8,
    Entry,
    directory_record,
    dos_stamp,
    end_records,
    local_header,
)
from dhash_guard.backup.foreign.directory import Found
from dhash_guard.backup.foreign.reading import Foreign
from dhash_guard.backup.names import MANIFEST, SUMS

_TYPES = {Kind.FILE: stat.S_IFREG, Kind.DIRECTORY: stat.S_IFDIR, Kind.LINK: stat.S_IFLNK}
_NANO = 10**9
_LINK_MODE = 0o777


class Sink(Protocol):
    """Where bytes are written."""

    def write(self, data: bytes | memoryview, /) -> object: ...


def transcribe(archive: Foreign, members: Sequence[Found], header: Header, deflate: Deflate, sink: Sink) -> str:
    """Write `members` (in the order of archives) with their manifest; return the sha256 of what was written.

    Packed bytes are taken over as they are, each member read whole meanwhile. Raise Damaged naming the member that is not
    what its directory says.
    """
    writing = _Writing(archive, deflate, sink)
    for found in members:
        writing.add(found)
    return writing.close(header)


@define
class _Writing:
    archive: Foreign
    deflate: Deflate
    sink: Sink
    at: int = 0
    entries: int = 0
    _digest: hashlib._Hash = field(factory=hashlib.sha256)
    _manifest: list[bytes] = field(factory=list)
    _sums: list[str] = field(factory=list)
    _directory: list[bytes] = field(factory=list)

    def add(self, found: Found) -> None:
        link = self.archive.link(found, self.deflate) if found.kind is Kind.LINK else ""
        source = found.entry
        if found.kind is Kind.DIRECTORY:
            source = source._replace(method=STORED, crc=0, packed=0, size=0)
        mode = _LINK_MODE if found.kind is Kind.LINK else found.mode
        name = found.path + "/" if found.kind is Kind.DIRECTORY else found.path
        entry = Entry(
            name, _TYPES[found.kind] | mode, dos_stamp(found.mtime), source.method, UTF8,
            source.crc, source.packed, source.size, self.at,
        )  # fmt: skip
        self._write(local_header(entry, large=entry.large))
        digest = hashlib.sha256()
        if found.kind is not Kind.DIRECTORY:
            for block in self.archive.plain(found, self.deflate, self._copied(found)):
                digest.update(block)
        self._directory.append(directory_record(entry))
        self.entries += 1
        directory = found.kind is Kind.DIRECTORY
        member = Member(
            path=found.path,
            kind=found.kind,
            size=entry.size,
            mode=0 if link else mode,
            mtime_ns=found.mtime * _NANO,
            sha256="" if directory else digest.hexdigest(),
            link=link,
        )
        self._manifest.append(member.line)
        if found.kind is Kind.FILE:
            self._sums.append(f"{member.sha256}  {member.path}\n")

    def _copied(self, found: Found) -> Iterator[bytes]:
        for block in self.archive.packed(found):
            self._write(block)
            yield block

    def close(self, header: Header) -> str:
        manifest = header_line(header) + b"".join(self._manifest)
        self._sums.append(f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n")
        self._text(MANIFEST, manifest, header)
        self._text(SUMS, "".join(self._sums).encode(), header)
        start = self.at
        self._write(b"".join(self._directory))
        self._write(end_records(self.entries, start, self.at - start))
        return self._digest.hexdigest()

    def _text(self, name: str, content: bytes, header: Header) -> None:
        packed = self.deflate.whole(content)
        crc = self.deflate.crc32(content)
        stamp = dos_stamp(int(header.created_at))
        entry = Entry(name, stat.S_IFREG | 0o640, stamp, DEFLATED, UTF8, crc, len(packed), len(content), self.at)
        assert len(content) < LIMIT
        self._write(local_header(entry))
        self._write(packed)
        self._directory.append(directory_record(entry))
        self.entries += 1

    def _write(self, data: bytes) -> None:
        self.sink.write(data)
        self._digest.update(data)
        self.at += len(data)
