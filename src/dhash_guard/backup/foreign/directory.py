"""Reads the directory of a zip that another tool wrote: what may differ is let pass, what is ambiguous is not."""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.archive.zipformat import (
    DESCRIBED,
    END_SIZE,
    LIMIT,
    LOCAL,
    RECORD,
    UTF8,
    Directory,
    Entry,
    record_size,
)

MOST_ENTRIES = 250_000
"""Entries of an archive of another tool, which are kept in memory; ours have no such limit."""

_COMMENT = 0xFFFF
_END = struct.Struct("<4s4H2LH")
_END_LARGE = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_UNIX = 3
_LARGE, _UNICODE, _TIMES = 0x0001, 0x7075, 0x5455
_MODES = {Kind.FILE: 0o644, Kind.DIRECTORY: 0o755}
_MOST_DIRECTORY = 128 << 20
_FIRST = 315532800


class Bytes(Protocol):
    """A file that is read at places; `read` raises ValueError where it ends before."""

    @property
    def size(self) -> int: ...

    def read(self, at: int, length: int) -> bytes: ...


class Found(NamedTuple):
    """An entry as the directory tells it: its `path` has no slash at its end, and `entry.name` is `path` as it is meant."""

    path: str
    kind: Kind
    mode: int
    mtime: int
    raw: bytes
    entry: Entry


def directory_of(file: Bytes) -> Directory:
    """Where the directory lies; raise ValueError where the file is no zip, or more than one, or begins or ends with more."""
    tail = file.read(max(0, file.size - END_SIZE - _COMMENT), min(file.size, END_SIZE + _COMMENT))
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and (len(tail) - at < _END.size or at + _END.size + _END.unpack_from(tail, at)[-1] != len(tail)):
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if at < 0:
        raise ValueError("File is not a zip file")
    _, disk, first, here, entries, length, start, _ = _END.unpack_from(tail, at)
    end = file.size - len(tail) + at
    if disk or first or here != entries:
        raise ValueError("it is one part of several")
    if tail[max(0, at - _LOCATOR.size) : at][:4] == b"PK\x06\x07":
        _, _, place, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        sign, _, _, _, disk, first, here, entries, length, start = _END_LARGE.unpack(file.read(place, _END_LARGE.size))
        if sign != b"PK\x06\x06" or disk or first or here != entries or place + _END_LARGE.size != end - _LOCATOR.size:
            raise ValueError("the 64-bit end of the zip contradicts itself")
        end = place
    if start + length != end or entries * RECORD.size > length:
        raise ValueError("there are bytes that belong to no entry")
    if entries > MOST_ENTRIES or length > _MOST_DIRECTORY:
        raise ValueError(f"it has {entries} entries; of other tools' archives at most {MOST_ENTRIES} are read")
    return Directory(entries, start, length)


def entries_of(file: Bytes, directory: Directory) -> Iterator[Found]:
    """Every entry in the directory's order; raise ValueError where it cannot be read or holds more or less than it says."""
    data, at = file.read(directory.start, directory.length), 0
    for _ in range(directory.entries):
        after = at + record_size(data, at)
        if after > len(data):
            raise ValueError("the directory of the zip is cut off")
        yield _found(data[at:after])
        at = after
    if at != len(data):
        raise ValueError("there are bytes that belong to no entry")


def _found(record: bytes) -> Found:
    (
        _, made_by, _, flags, method, time, date, crc, packed, size, named, extra, _, disk, _, outside, offset,
    ) = RECORD.unpack_from(record)  # fmt: skip
    raw = record[RECORD.size : RECORD.size + named]
    extras = _extras(record[RECORD.size + named : RECORD.size + named + extra])
    if disk or _LARGE in extras or LIMIT in (packed, size, offset):
        if disk:
            raise ValueError("it is one part of several")
        packed, size, offset = _large(extras.get(_LARGE, b""), packed, size, offset)
    name = _name(raw, flags, made_by >> 8, extras)
    stamp = date << 16 | time
    mode = outside >> 16 if made_by >> 8 == _UNIX else 0
    kind = _kind(name, mode)
    permissions = stat.S_IMODE(mode) if mode else _MODES.get(kind, 0)
    entry = Entry(name, mode, stamp, method, flags, crc, packed, size, offset)
    return Found(name.removesuffix("/"), kind, permissions, _mtime(extras.get(_TIMES, b""), stamp), raw, entry)


def _kind(name: str, mode: int) -> Kind:
    """What an entry is; ABSENT for what no backup can hold."""
    kinds = {0: Kind.FILE, stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}
    kind = kinds.get(stat.S_IFMT(mode), Kind.ABSENT)
    if name.endswith("/"):
        return Kind.DIRECTORY if stat.S_IFMT(mode) in (0, stat.S_IFDIR) else Kind.ABSENT
    return Kind.ABSENT if kind is Kind.DIRECTORY else kind


def _extras(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        content = data[at + 4 : at + 4 + length]
        if len(content) != length or (kind in found and kind == _LARGE):
            raise ValueError("a record of the zip's directory has a broken extra field")
        found.setdefault(kind, content)
        at += 4 + length
    return found


def _large(content: bytes, packed: int, size: int, offset: int) -> tuple[int, int, int]:
    values = [size, packed, offset]
    at = 0
    for place, value in enumerate(values):
        if value == LIMIT:
            if at + 8 > len(content):
                raise ValueError("a record of the zip's directory lacks its 64-bit values")
            [values[place]] = struct.unpack_from("<Q", content, at)
            at += 8
    return values[1], values[0], values[2]


def _name(raw: bytes, flags: int, system: int, extras: dict[int, bytes]) -> str:
    """The name: UTF-8 where the entry says so, or where it was made on Unix, whose zip writes the bytes of the disk."""
    unicode = extras.get(_UNICODE, b"")
    if len(unicode) > 5 and unicode[0] == 1 and int.from_bytes(unicode[1:5], "little") == zlib.crc32(raw):
        raw, flags = unicode[5:], UTF8
    if not flags & UTF8 and system != _UNIX:
        return raw.decode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(f"{raw!r} is not UTF-8") from problem


def _mtime(times: bytes, stamp: int) -> int:
    """UTC epoch seconds; times of MS-DOS belong to no zone and are taken for UTC."""
    if len(times) >= 5 and times[0] & 1:
        return int(struct.unpack_from("<i", times, 1)[0])
    year, month, day = 1980 + (stamp >> 25), stamp >> 21 & 15, stamp >> 16 & 31
    try:
        at = datetime(year, month, day, stamp >> 11 & 31, stamp >> 5 & 63, (stamp & 31) * 2, tzinfo=UTC)
    except ValueError:
        return _FIRST
    return int(at.timestamp())


def data_at(file: Bytes, found: Found) -> int:
    """Where an entry's data begins; raise ValueError where its local header is another entry's or says something else."""
    entry = found.entry
    head = file.read(entry.offset, LOCAL.size)
    sign, _, flags, method, _, _, crc, packed, size, named, extra = LOCAL.unpack(head)
    if sign != b"PK\x03\x04":
        raise ValueError(f"{entry.name!r} has no local header")
    rest = file.read(entry.offset + LOCAL.size, named + extra)
    extras = _extras(rest[named:])
    if _LARGE in extras and LIMIT in (packed, size) and len(extras[_LARGE]) >= 16:
        size, packed = struct.unpack_from("<QQ", extras[_LARGE])
    told = (entry.crc, entry.packed, entry.size)
    same = (crc, packed, size) == told or (flags & DESCRIBED and (crc, packed, size) in ((0, 0, 0), told))
    alike = (rest[:named], flags & ~0x6, method) == (found.raw, entry.flags & ~0x6, entry.method)
    if not alike or not (same or (flags & DESCRIBED and crc == 0)):
        raise ValueError(f"{entry.name!r} is described differently by its local header")
    return int(entry.offset + LOCAL.size + named + extra)


def ends_at(file: Bytes, found: Found, data: int, limit: int) -> int:
    """Where an entry ends, with the sizes behind its data where it has them; `limit` is where the next one begins.

    Raise ValueError where that is not exactly there: entries that overlap, or bytes that belong to none.
    """
    entry = found.entry
    end = data + entry.packed
    if end > limit:
        raise ValueError(f"{entry.name!r} overlaps what comes after it")
    if end == limit or not entry.flags & DESCRIBED:
        if end != limit:
            raise ValueError(f"there are bytes that belong to no entry behind {entry.name!r}")
        return end
    behind = file.read(end, min(24, limit - end))
    forms = [
        sign + form
        for sign in (b"PK\x07\x08", b"")
        for form in (
            struct.pack("<LQQ", entry.crc, entry.packed, entry.size),
            struct.pack("<LLL", entry.crc, entry.packed & LIMIT, entry.size & LIMIT),
        )
    ]
    if behind not in forms or len(behind) != limit - end:
        raise ValueError(f"{entry.name!r} is described differently behind its data")
    return limit
