"""Writes an archive: every file is read once, and that one read feeds its hash, its packed form and the archive's hash."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import IO, BinaryIO

from attrs import define, evolve, field, frozen

from dhash_guard.backup.archive.cloning import WORTHWHILE, can_clone, clone, padding
from dhash_guard.backup.archive.deflate import STANDARD, Deflate
from dhash_guard.backup.archive.manifest import HEADER_CAP, Header, Kind, header_line
from dhash_guard.backup.archive.packing import (
    BATCH,
    PIECE,
    SLAB,
    Aside,
    Batch,
    Packed,
    Packer,
    Piece,
    Task,
    batch_cost,
    is_media,
    member_of,
    opened,
    require_unchanged,
)
from dhash_guard.backup.archive.sources import Source
from dhash_guard.backup.archive.zipformat import (
    DEFLATED,
    DESCRIBED,
    LIMIT,
    STORED,
    UTF8,
    Entry,
    descriptor,
    directory_record,
    dos_stamp,
    end_records,
    local_header,
)
from dhash_guard.backup.names import MANIFEST, SUMS
from dhash_guard.errors import NoGo
from dhash_guard.system.clock import Clock
from dhash_guard.system.workers import in_order

_LARGE = LIMIT - (64 << 20)
"""Bytes from which sizes are written in 64 bits: what deflate cannot pack grows a little."""

_IN_MEMORY = 4 << 20
_SAMPLE = 256 << 10
_HARDLY = 0.97


@frozen(kw_only=True)
class Written:
    """An archive that was written: its length and hashes as they left memory."""

    members: int
    plain: int
    size: int
    sha256: str
    crc: int


def write_archive(
    file: BinaryIO,
    clock: Clock,
    header: Header,
    root: Path,
    sources: Iterable[Source],
    *,
    folder: Path,
    workers: int = 1,
    deflate: Deflate = STANDARD,
    advance: Callable[[int], None] = lambda count: None,
    clones: bool | None = None,
) -> Written:
    """Write members, manifest and sums as a zip into `file`, which stays open; the header's `sealed_at` is set here.

    `sources` come in the order of their paths' parts. What comes last in a zip is kept in `folder` until then, so that
    memory does not grow with the number of members; `advance` is told how many plain bytes are done; `clones` says whether
    blocks can be shared there (None: it is tried). Raise NoGo naming the member that changed, vanished or could not be
    read, and OSError where writing fails.
    """
    with ExitStack() as stack:
        manifest, sums, directory = (
            stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))) for _ in range(3)
        )
        shares = can_clone(folder) if clones is None else clones
        writing = _Writing(file, root, deflate, manifest, sums, directory, shares)
        stack.callback(writing.abandon)
        packer = Packer(str(root), deflate)
        for result, slab in in_order(packer, writing.tasks(sources), workers=workers, slab=SLAB):
            writing.take(result, slab)
            advance(writing.plain)
        return writing.close(evolve(header, sealed_at=float(clock.now())))


@define
class _Big:
    """A file that is written piece by piece: what is known of it so far."""

    source: Source
    entry: Entry
    large: bool
    descriptor: int
    digest: hashlib._Hash = field(factory=hashlib.sha256)
    crc: int = 0
    packed: int = 0


@define
class _Writing:
    """An archive in the making. Manifest, sums and directory are kept aside until all members are written."""

    file: BinaryIO
    root: Path
    deflate: Deflate
    manifest: IO[bytes]
    sums: IO[bytes]
    directory: IO[bytes]
    clones: bool
    at: int = 0
    crc: int = 0
    members: int = 0
    entries: int = 0
    plain: int = 0
    _digest: hashlib._Hash = field(factory=hashlib.sha256)
    _plans: deque[Task] = field(factory=deque)
    _bigs: deque[_Big] = field(factory=deque)

    def tasks(self, sources: Iterable[Source]) -> Iterator[Task]:
        """The work in order; what each task was is remembered until its result comes."""
        for task in self._tasks(sources):
            self._plans.append(task)
            yield task

    def _tasks(self, sources: Iterable[Source]) -> Iterator[Task]:
        batch: list[Source] = []
        cost = 0
        for source in sources:
            cloned = self.clones and source.size >= WORTHWHILE and is_media(source.path) and source.kind is Kind.FILE
            alone = cloned or ((source.grows or source.size > PIECE) and source.kind is Kind.FILE)
            more = batch_cost(source)
            if batch and (alone or cost + more > PIECE or len(batch) == BATCH):
                yield Batch(tuple(batch))
                batch, cost = [], 0
            if alone:
                yield from self._alone(source, cloned=cloned)
            else:
                batch.append(source)
                cost += more
        if batch:
            yield Batch(tuple(batch))

    def _alone(self, source: Source, *, cloned: bool) -> Iterator[Task]:
        with opened(str(self.root), source) as found:
            source = source._replace(size=os.fstat(found).st_size) if source.grows else source
            method = STORED if cloned else self._method(source, found)
            entry = Entry(
                source.path, source.mode, dos_stamp(source.mtime_ns // 10**9), method, UTF8 | DESCRIBED, 0, 0, source.size, 0
            )
            # Kept open until the last piece is written, so that a file that is replaced meanwhile is noticed.
            self._bigs.append(_Big(source, entry, source.size >= _LARGE, os.dup(found)))
        if cloned:
            yield Aside()
            return
        offsets = range(0, source.size, PIECE) or (0,)
        for offset in offsets:
            length = min(PIECE, source.size - offset)
            yield Piece(source, offset, length, offset + length == source.size, method)

    def _method(self, source: Source, found: int) -> int:
        """Big files that hardly get smaller are stored; their beginning speaks for them."""
        if is_media(source.path) or not source.size:
            return STORED
        sample = os.read(found, _SAMPLE)
        return DEFLATED if len(self.deflate.whole(sample)) < _HARDLY * len(sample) else STORED

    def take(self, result: Packed | int, slab: memoryview) -> None:
        """Write the result of the next task."""
        task = self._plans.popleft()
        if isinstance(result, Packed):
            self._batch(result, slab)
        elif isinstance(task, Piece):
            self._piece(task, result, slab)
        else:
            self._clone(self._bigs[0])

    def _batch(self, result: Packed, slab: memoryview) -> None:
        self.directory.write(result.placed(self.at))
        self.manifest.write(result.manifest)
        self.sums.write(result.sums)
        self._write(slab[: result.size])
        self.members += len(result.offsets)
        self.entries += len(result.offsets)
        self.plain += result.plain

    def _piece(self, piece: Piece, packed: int, slab: memoryview) -> None:
        big = self._bigs[0]
        if piece.offset == 0:
            big.entry = big.entry._replace(offset=self.at)
            self._write(local_header(big.entry, large=big.large))
        plain = slab[: piece.length]
        self._account(big, plain)
        data = plain if piece.method == STORED else slab[PIECE : PIECE + packed]
        big.packed += len(data)
        self._write(data)
        if piece.last:
            self._end(self._bigs.popleft())

    def _clone(self, big: _Big) -> None:
        """Share the file's blocks, then hash what stands in the archive: whatever happens to the file, they agree."""
        big.entry = big.entry._replace(offset=self.at)
        room = padding(self.at + len(local_header(big.entry, large=big.large)))
        self._write(local_header(big.entry, large=big.large, padding=room))
        self.file.flush()
        try:
            clone(big.descriptor, self.file.fileno(), self.at)
            require_unchanged(big.source, big.descriptor)
            reading, start = self.file.fileno(), self.at
        except OSError:  # a file from another file system, for instance
            reading, start = big.descriptor, 0
        for offset in range(0, big.source.size, 1 << 20):
            block = os.pread(reading, min(1 << 20, big.source.size - offset), start + offset)
            self._account(big, block)
            big.packed += len(block)
            self._write(block, present=reading == self.file.fileno())
        self.file.seek(self.at)
        self._end(self._bigs.popleft())

    def _account(self, big: _Big, plain: memoryview | bytes) -> None:
        big.digest.update(plain)
        big.crc = self.deflate.crc32(plain, big.crc)
        self.plain += len(plain)

    def _end(self, big: _Big) -> None:
        """Close the entry of a big file; raise NoGo where it changed since its first byte was read."""
        with os.fdopen(big.descriptor, "rb") as file:
            require_unchanged(big.source, file.fileno())
        big.entry = big.entry._replace(crc=big.crc, packed=big.packed)
        self._write(descriptor(big.entry, large=big.large))
        self.directory.write(directory_record(big.entry, large=big.large))
        member = member_of(big.source, Kind.FILE, big.source.size, big.digest.hexdigest())
        self.manifest.write(member.line)
        self.sums.write(f"{member.sha256}  {member.path}\n".encode())
        self.members += 1
        self.entries += 1

    def abandon(self) -> None:
        """Let go of files that were begun and not ended."""
        while self._bigs:
            os.close(self._bigs.pop().descriptor)

    def close(self, header: Header) -> Written:
        """Write manifest, sums, directory and the end; raise NoGo where no reader would take the manifest."""
        first = header_line(header)
        if len(first) > HEADER_CAP:
            raise NoGo(
                f"the {len(header.left_out)} paths that are left out are more than a manifest can name",
                cure="Move environment files and old trees to a folder that no component covers.",
            )
        sha256 = self._stream(MANIFEST, first, self.manifest, header)
        self.sums.write(f"{sha256}  {MANIFEST}\n".encode())
        self._stream(SUMS, b"", self.sums, header)
        start = self.at
        for block in _blocks(self.directory):
            self._write(block)
        self._write(end_records(self.entries, start, self.at - start))
        return Written(members=self.members, plain=self.plain, size=self.at, sha256=self._digest.hexdigest(), crc=self.crc)

    def _stream(self, name: str, first: bytes, spool: IO[bytes], header: Header) -> str:
        """Pack `first` and then a spool as one entry; return its sha256."""
        large = spool.tell() + len(first) >= _LARGE
        stamp = dos_stamp(int(header.created_at))
        entry = Entry(name, stat.S_IFREG | 0o640, stamp, DEFLATED, UTF8 | DESCRIBED, 0, 0, 0, self.at)
        self._write(local_header(entry, large=large))
        digest, crc, size, packed = hashlib.sha256(), 0, 0, 0
        for block in chain((first,) if first else (), _blocks(spool), (b"",)):
            data = self.deflate.part(memoryview(block), last=not block)  # an empty one ends it
            digest.update(block)
            crc = self.deflate.crc32(block, crc)
            size, packed = size + len(block), packed + len(data)
            self._write(data)
        entry = entry._replace(crc=crc, packed=packed, size=size)
        self._write(descriptor(entry, large=large))
        self.directory.write(directory_record(entry, large=large))
        self.entries += 1
        return digest.hexdigest()

    def _write(self, data: bytes | memoryview, *, present: bool = False) -> None:
        """Append to the archive and to its hashes; `present` bytes are in the file already."""
        if not present:
            self.file.write(data)
        self._digest.update(data)
        self.crc = self.deflate.crc32(data, self.crc)
        self.at += len(data)


def _blocks(spool: IO[bytes]) -> Iterator[bytes]:
    """A spool from its beginning, a few megabytes at a time."""
    spool.seek(0)
    while block := spool.read(PIECE):
        yield block
