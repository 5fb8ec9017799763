"""Reads files and packs them for an archive, many small ones or a piece of a big one at a time: the work of a worker."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from attrs import frozen

from dhash_guard.backup.archive.deflate import Deflate
from dhash_guard.backup.archive.manifest import Kind, Member, member_line
from dhash_guard.backup.archive.sources import Source, kind_of
from dhash_guard.backup.archive.zipformat import (
    DEFLATED,
    LIMIT,
    LOCAL,
    STORED,
    directory_record,
    dos_stamp,
    read_records,
    small_records,
)
from dhash_guard.errors import NoGo

MEDIA = frozenset(
    [
        "avif",
        "gif",
        "heic",
        "jpeg",
        "jpg",
        "jxl",
        "png",
        "webp",
        "m4a",
        "mkv",
        "mov",
        "mp3",
        "mp4",
        "ogg",
        "opus",
        "webm",
        "7z",
        "br",
        "bz2",
        "gz",
        "woff",
        "woff2",
        "xz",
        "zip",
        "zst",
    ]
)
"""Suffixes of files that are packed already and are stored as they are."""

PIECE = 4 << 20
"""Bytes of a big file that one worker packs at a time; smaller files travel in batches of about this size."""

BATCH = 400
"""Entries in a batch at most, so that the results of a million tiny files come back in portions."""

SLAB = 2 * PIECE + (1 << 20)
"""Room for a piece as it is and as it is packed (deflate makes the worst of them a thousandth larger), or for a batch."""


@frozen
class Batch:
    """Entries that are packed whole."""

    sources: tuple[Source, ...]


@frozen
class Piece:
    """`length` bytes of a big file from `offset` on."""

    source: Source
    offset: int
    length: int
    last: bool
    method: int


@frozen
class Aside:
    """Nothing to do for a worker: it holds the place of a file that the main process clones."""


Task = Batch | Piece | Aside


class Packed(NamedTuple):
    """A packed batch: `size` bytes of the slab are headers and data; the records' offsets count from its beginning."""

    size: int
    plain: int
    records: bytes
    offsets: array[int]
    manifest: bytes
    sums: bytes

    def placed(self, start: int) -> bytes:
        """The directory records of a batch that stands at `start` in the archive."""
        if start + self.size >= LIMIT:
            entries = zip(read_records(self.records), self.offsets, strict=True)
            return b"".join(directory_record(entry._replace(offset=start + offset)) for entry, offset in entries)
        records, at = bytearray(self.records), 0
        for offset in self.offsets:
            struct.pack_into("<L", records, at + 42, start + offset)
            at += 46 + int.from_bytes(records[at + 28 : at + 30], "little")
        return bytes(records)


@frozen
class Packer:
    """Packs tasks of one project; `root` is the absolute path of its root."""

    root: str
    deflate: Deflate

    def __call__(self, task: Task, slab: memoryview) -> Packed | int:
        """A packed batch, or how many bytes a piece fills of the slab's second half; as it is, it fills the first."""
        if isinstance(task, Batch):
            return self._batch(task, slab)
        return self._piece(task, slab) if isinstance(task, Piece) else 0

    def _batch(self, batch: Batch, slab: memoryview) -> Packed:
        """What a large backup spends its time with: a file costs little more than its system calls, hash and deflate."""
        at = plain = 0
        records, manifest, sums, offsets = [], [], [], array("L")
        crc32 = self.deflate.crc32
        for source in batch.sources:
            path, mode, _, mtime_ns, _, _, link, _, _ = source
            kind = kind_of(mode)
            if kind is Kind.FILE:
                content = self._read(source)
                sha256 = hashlib.sha256(content).hexdigest()
                method, data = self._packed(path, content)
                manifest.append(member_line(path, kind, len(content), stat.S_IMODE(mode), mtime_ns, sha256))
                sums.append(f"{sha256}  {path}\n")
                plain += len(content)
                name = path
            else:
                content = data = link.encode("utf-8")
                method, member = STORED, member_of(source, kind, len(content), hashlib.sha256(content).hexdigest())
                manifest.append(member.line)
                name = member.entry
            stamp = dos_stamp(mtime_ns // 10**9)
            head, record = small_records(name, mode, stamp, method, crc32(content), len(data), len(content))
            after = at + len(head) + len(data)
            slab[at:after] = head + data
            offsets.append(at)
            records.append(record)
            at = after
        return Packed(at, plain, b"".join(records), offsets, b"".join(manifest), "".join(sums).encode())

    def _packed(self, path: str, content: bytes) -> tuple[int, bytes]:
        if content and not is_media(path):
            packed = self.deflate.whole(content)
            if len(packed) < len(content):
                return DEFLATED, packed
        return STORED, content

    def _read(self, source: Source) -> bytes:
        descriptor = open_source(self.root, source)
        try:
            content = os.read(descriptor, source.size + 1)
            while 0 < len(content) < source.size:
                more = os.read(descriptor, source.size - len(content))
                if not more:
                    break
                content += more
            require_unchanged(source, descriptor)  # then it was the right one all the time
        except OSError as problem:
            raise NoGo(f"{source.path} cannot be read: {problem.strerror}") from problem
        finally:
            os.close(descriptor)
        if len(content) != source.size:
            raise changed(source)
        return content

    def _piece(self, piece: Piece, slab: memoryview) -> int:
        plain, filled = slab[: piece.length], 0
        with opened(self.root, piece.source) as descriptor:
            os.lseek(descriptor, piece.offset, os.SEEK_SET)
            with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
                while filled < piece.length:
                    count = file.readinto(plain[filled:])
                    if not count:
                        raise changed(piece.source)
                    filled += count
            require_unchanged(piece.source, descriptor)
        if piece.method == STORED:
            return 0
        packed = self.deflate.part(plain, last=piece.last)
        slab[PIECE : PIECE + len(packed)] = packed
        return len(packed)


def member_of(source: Source, kind: Kind, size: int, sha256: str) -> Member:
    """What the manifest says of a source whose content was read."""
    directory = kind is Kind.DIRECTORY
    return Member(
        path=source.path,
        kind=kind,
        size=0 if directory else size,
        mode=0 if kind is Kind.LINK else stat.S_IMODE(source.mode),
        mtime_ns=source.mtime_ns,
        sha256="" if directory else sha256,
        link=source.link,
    )


def is_media(path: str) -> bool:
    """Whether a file of this name is packed already."""
    dot = path.rfind(".")
    return dot > 0 and path[dot - 1] != "/" and path[dot + 1 :].lower() in MEDIA


def batch_cost(source: Source) -> int:
    """Bytes that an entry may take in a slab."""
    return LOCAL.size + source.size + 4 * (len(source.path) + len(source.link))  # UTF-8 takes four at most


@contextmanager
def opened(root: str, source: Source) -> Iterator[int]:
    """A descriptor as of `open_source`, for as long as the block takes; raise NoGo where it is another file now."""
    descriptor = open_source(root, source)
    try:
        require_unchanged(source, descriptor)
        yield descriptor
    except OSError as problem:
        raise NoGo(f"{source.path} cannot be read: {problem.strerror}") from problem
    finally:
        os.close(descriptor)


_READING = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_source(root: str, source: Source) -> int:
    """A descriptor of the file itself: never through a link, and a pipe that took its place does not block.

    Raise NoGo where it is not there or cannot be read.
    """
    try:
        return os.open(source.location or f"{root}/{source.path}", _READING)
    except FileNotFoundError:
        raise changed(source, "vanished") from None
    except OSError as problem:
        raise NoGo(f"{source.path} cannot be read: {problem.strerror}") from problem


def require_unchanged(source: Source, descriptor: int) -> None:
    """Raise NoGo where the open file is not the one that was found, or changed since; growing files may have grown."""
    now = os.fstat(descriptor)
    if (
        now.st_mtime_ns == source.mtime_ns
        and now.st_size == source.size
        and now.st_ino == source.inode
        and now.st_dev == source.device
        and now.st_mode == source.mode
        and now.st_nlink
    ):
        return
    if (now.st_ino, now.st_dev, stat.S_IFMT(now.st_mode)) != (source.inode, source.device, stat.S_IFMT(source.mode)):
        raise changed(source)
    if source.grows:
        if now.st_size < source.size:
            raise changed(source)
    elif (now.st_size, now.st_mtime_ns) != (source.size, source.mtime_ns):
        raise changed(source)
    if not now.st_nlink:
        raise changed(source, "vanished")


def changed(source: Source, how: str = "changed") -> NoGo:
    """What is said of a file that did not stand still."""
    return NoGo(
        f"{source.path} {how} while it was backed up",
        cure="Quiesce the service, try again, or mark logs with `grows: true`.",
    )
