"""Opens an archive with suspicion: nothing is believed that the manifest does not confirm, and never a byte too many."""

from __future__ import annotations

import io
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from attrs import frozen

from dhash_guard.backup.archive.deflate import STANDARD, Deflate
from dhash_guard.backup.archive.inflating import BLOCK, Blocks, unpacked
from dhash_guard.backup.archive.manifest import HEADER_CAP, LINE_CAP, Header, Member, read_header, read_member
from dhash_guard.backup.archive.zipformat import (
    END_SIZE,
    RECORD,
    Directory,
    Entry,
    find_directory,
    read_local,
    read_records,
    record_offset,
    record_size,
)
from dhash_guard.backup.names import MANIFEST, SUMS
from dhash_guard.errors import CannotTell, Damaged

PORTION = 400
"""Members that are looked at together at most."""

SPAN = 8 << 20
"""Bytes of the archive from which on a portion is not made longer."""

_SLACK = 100
"""Lines of the manifest beyond the number of members that are still read, so that what is missing can be named."""

_LOCAL_CAP = 1 << 17
"""Bytes that a local header can take at most: two lengths of 16 bits behind thirty bytes."""

_UNREADABLE = (struct.error, EOFError, OSError, OverflowError, ValueError)
"""What broken bytes raise."""


class Portion(NamedTuple):
    """Members that follow each other: their records in the zip's directory, their lines in the manifest, and where the
    archive holds them. `before` is the member before them, None for the first of all."""

    records: bytes
    lines: tuple[bytes, ...]
    start: int
    end: int
    before: Member | None


@frozen
class Archive:
    """An open archive. Several processes may read it at once: reading does not move a position."""

    path: Path
    file: BinaryIO
    size: int
    directory: Directory
    manifest: Entry
    """The entry of the manifest, and in `sums` that of the checksums; they are the last two."""
    sums: Entry | None
    deflate: Deflate
    _turn: threading.Lock

    @property
    def members(self) -> int:
        """How many members the zip's directory lists; manifest and sums do not count."""
        return max(0, self.directory.entries - 2)

    def read(self, at: int, length: int) -> bytes:
        """Bytes of the archive; raise ValueError where it ends before."""
        if hasattr(os, "pread"):
            parts = [os.pread(self.file.fileno(), length, at)]
            while parts[-1] and sum(map(len, parts)) < length:  # one call reads at most two gigabytes, and may be cut short
                done = sum(map(len, parts))
                parts.append(os.pread(self.file.fileno(), length - done, at + done))
            data = parts[0] if len(parts) == 1 else b"".join(parts)
        else:  # pragma: no cover - Windows
            with self._turn:
                self.file.seek(at)
                data = self.file.read(length)
        if len(data) != length:
            raise ValueError("the archive ends too early")
        return data

    def header(self) -> Header:
        """The manifest's first line; raise Damaged where there is none."""
        with self.sound():
            return read_header(self.text(self.manifest).readline(HEADER_CAP))

    def contents(self) -> Iterator[Member]:
        """The members in their order, one after the other; raise Damaged where a line is not strictly ours.

        A damaged archive may describe more members than it has; some of these are told too.
        """
        with self.sound():
            yield from map(read_member, self.lines())

    def lines(self) -> Iterator[bytes]:
        """The lines of the members in the manifest."""
        lines = self.text(self.manifest)
        read_header(lines.readline(HEADER_CAP))
        for _ in range(self.members + _SLACK):
            line = lines.readline(LINE_CAP)
            if not line:
                return
            yield line

    def entries(self) -> Iterator[Entry]:
        """Every entry of the zip's directory, manifest and sums included."""
        for record, _ in self._records():
            yield from read_records(record)

    def portions(self, lines: io.BufferedReader) -> Iterator[Portion]:
        """Everything in the order in which it lies there; `lines` is the manifest behind its header.

        Portions of damaged archives may have fewer lines than records. Raise ValueError where the directory is broken.
        """
        records: list[bytes] = []
        texts: list[bytes] = []
        start, before, last = 0, None, b""
        for number, (record, offset) in enumerate(self._records()):
            if number == self.members:
                if records:
                    yield Portion(b"".join(records), tuple(texts), start, offset, before)
                return
            if records and (len(records) == PORTION or offset - start > SPAN):
                yield Portion(b"".join(records), tuple(texts), start, offset, before)
                before = _member(last)
                records, texts = [], []
            if not records:
                start = offset
            records.append(record)
            last = lines.readline(LINE_CAP)
            if last:
                texts.append(last)

    def _records(self) -> Iterator[tuple[bytes, int]]:
        """Each record of the zip's directory, and where its entry begins."""
        at, end = self.directory.start, self.directory.start + self.directory.length
        window, here = b"", 0
        for _ in range(self.directory.entries):
            while (length := _length(window, here)) > len(window) - here:
                if at == end:
                    raise ValueError("the directory of the zip is cut off")
                more = min(BLOCK, end - at)
                window, here = window[here:] + self.read(at, more), 0
                at += more
            record = window[here : here + length]
            here += length
            yield record, record_offset(record)
        if here != len(window) or at != end:
            raise ValueError("there are bytes that belong to no entry")

    def text(self, entry: Entry) -> io.BufferedReader:
        """An entry as a file to read lines from; reading raises ValueError where it cannot be unpacked."""
        packed = self.packed(entry, self.data_of(entry))
        return io.BufferedReader(Blocks(self._summed(entry, unpacked(self.deflate, entry, packed))), BLOCK)

    def _summed(self, entry: Entry, blocks: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        crc = 0
        for block in blocks:
            crc = self.deflate.crc32(block, crc)
            yield block
        if crc != entry.crc:
            raise ValueError(f"{entry.name} does not have the checksum of the zip's directory")

    def data_of(self, entry: Entry) -> int:
        """Where the data of an entry begins; raise ValueError where its local header says otherwise than the directory."""
        head = self.read(entry.offset, max(0, min(_LOCAL_CAP, self.size - entry.offset)))
        return entry.offset + read_local(head, entry).length

    def packed(self, entry: Entry, at: int) -> Iterator[bytes]:
        """The bytes of an entry as they lie there from `at` on."""
        for offset in range(0, entry.packed, BLOCK):
            yield self.read(at + offset, min(BLOCK, entry.packed - offset))

    @contextmanager
    def sound(self, member: str = "", *, writing: bool = False) -> Iterator[None]:
        """Turn what broken bytes raise into Damaged, naming the member.

        What the disk refuses while `writing`, and a worker that died, are no fault of the archive and stay OSError.
        """
        try:
            yield
        except _UNREADABLE as problem:
            if isinstance(problem, OSError) and (writing or problem.errno is None):
                raise
            what = f"{member} cannot be unpacked" if member else "no readable archive of dhash-guard"
            raise Damaged(f"{what}: {str(problem) or type(problem).__name__}", where=str(self.path)) from problem


@contextmanager
def opened(path: Path, deflate: Deflate = STANDARD) -> Iterator[Archive]:
    """Open an archive; raise Damaged where it is no zip with a manifest and CannotTell where it is not there."""
    try:
        file = path.open("rb")
    except OSError as problem:
        raise CannotTell(f"the backup cannot be opened: {problem.strerror}", where=str(path)) from problem
    with file:
        yield archive_in(file, path, deflate)


def archive_in(file: BinaryIO, path: Path, deflate: Deflate = STANDARD) -> Archive:
    """The archive in an open file that is called `path`; raise Damaged where there is none."""
    size = os.fstat(file.fileno()).st_size
    nothing = Entry("", 0, 0, 0, 0, 0, 0, 0, 0)
    archive = Archive(path, file, size, Directory(0, 0, 0), nothing, None, deflate, threading.Lock())
    with archive.sound():
        directory = find_directory(archive.read(max(0, size - END_SIZE), min(size, END_SIZE)), size)
        length = min(directory.length, 4 * (RECORD.size + 64))
        manifest, sums = _closing(archive.read(directory.start + directory.length - length, length))
    return Archive(path, file, size, directory, manifest, sums, deflate, threading.Lock())


def _length(window: bytes, here: int) -> int:
    """How long the record at `here` is; more than there can be where even that cannot be read yet."""
    return record_size(window, here) if len(window) - here >= RECORD.size else RECORD.size + 1


def _closing(tail: bytes) -> tuple[Entry, Entry | None]:
    """The entries of manifest and sums, from the end of the zip's directory; raise ValueError where there is no manifest."""
    found: dict[str, Entry] = {}
    end = len(tail)
    for name in (SUMS, MANIFEST):
        at = tail.rfind(b"PK\x01\x02", 0, end)
        while at >= 0:
            if at + record_size(tail[:end], at) == end:
                [entry] = read_records(tail[at:end])
                if entry.name == name:
                    found[name], end = entry, at
                break
            at = tail.rfind(b"PK\x01\x02", 0, at)
    if MANIFEST not in found:
        raise ValueError(f"there is no {MANIFEST} at its end")
    return found[MANIFEST], found.get(SUMS)


def _member(line: bytes) -> Member | None:
    try:
        return read_member(line)
    except ValueError:  # told where the portion itself is looked at
        return None
