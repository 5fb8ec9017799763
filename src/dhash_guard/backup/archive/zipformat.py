"""The records of a zip as bytes, both ways; section numbers are those of PKWARE's APPNOTE 6.3.10."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

STORED, DEFLATED = 0, 8
UTF8, DESCRIBED, ENCRYPTED = 0x800, 0x8, 0x1
"""Flags of an entry: its name is UTF-8; sizes and checksum follow its data; it is encrypted."""

LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_LOCAL_SIGN = b"PK\x03\x04"
_DESCRIPTOR = struct.Struct("<4s3L")  # 4.3.9
_DESCRIPTOR_LARGE = struct.Struct("<4sLQQ")
_DESCRIPTOR_SIGN = b"PK\x07\x08"
RECORD = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_RECORD_SIGN = b"PK\x01\x02"
_END = struct.Struct("<4s4H2LH")  # 4.3.16
_END_LARGE = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
END_SIZE = _END.size + _LOCATOR.size + _END_LARGE.size
"""Bytes at the end of a file in which its end records must be found."""

_LARGE_EXTRA, _PADDING_EXTRA = 0x0001, 0xD935
"""Sizes beyond 4 GiB (4.5.3); padding, as Android's zipalign writes it, which readers pass over."""

LIMIT = 0xFFFFFFFF
_MANY = 0xFFFF
_UNIX, _PLAIN_VERSION, _LARGE_VERSION = 3 << 8, 20, 45
_DIRECTORY_BIT = 0x10


class Entry(NamedTuple):
    """One entry as the zip's directory describes it. `mode` is the whole `st_mode`, `stamp` MS-DOS time and date."""

    name: str
    mode: int
    stamp: int
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def large(self) -> bool:
        """Whether its sizes need 64 bits."""
        return max(self.packed, self.size) >= LIMIT


@lru_cache(maxsize=256)
def dos_stamp(seconds: int) -> int:
    """UTC seconds as MS-DOS time and date; zip knows the years 1980 to 2107, and every second second."""
    at = datetime.fromtimestamp(min(max(seconds, 315532800), 4354819198), UTC)
    date = (at.year - 1980) << 9 | at.month << 5 | at.day
    return date << 16 | at.hour << 11 | at.minute << 5 | at.second // 2


def local_header(entry: Entry, *, large: bool = False, padding: int = 0) -> bytes:
    """What stands before an entry's data; with the flag DESCRIBED its sizes and checksum follow the data instead.

    `padding` bytes (none, or at least six) are added so that the data begins at a round place.
    """
    name = entry.name.encode("utf-8")
    described = bool(entry.flags & DESCRIBED)
    crc, packed, size = (0, 0, 0) if described else (entry.crc, entry.packed, entry.size)
    extra = b""
    if large:
        extra = struct.pack("<HHQQ", _LARGE_EXTRA, 16, size, packed)
        packed = size = LIMIT
    if padding:
        extra += struct.pack("<HHH", _PADDING_EXTRA, padding - 4, 4096) + bytes(padding - 6)
    version = _LARGE_VERSION if large else _PLAIN_VERSION
    time, date = entry.stamp & 0xFFFF, entry.stamp >> 16
    head = LOCAL.pack(_LOCAL_SIGN, version, entry.flags, entry.method, time, date, crc, packed, size, len(name), len(extra))
    return head + name + extra


def descriptor(entry: Entry, *, large: bool) -> bytes:
    """Checksum and sizes of an entry whose local header could not know them."""
    form = _DESCRIPTOR_LARGE if large else _DESCRIPTOR
    return form.pack(_DESCRIPTOR_SIGN, entry.crc, entry.packed, entry.size)


def directory_record(entry: Entry, *, large: bool = False) -> bytes:
    """The entry's record in the directory at the end of the zip."""
    name = entry.name.encode("utf-8")
    values, packed, size, offset = b"", entry.packed, entry.size, entry.offset
    if entry.large or large:
        values, packed, size = struct.pack("<QQ", size, packed), LIMIT, LIMIT
    if offset >= LIMIT:
        values, offset = values + struct.pack("<Q", offset), LIMIT
    extra = struct.pack("<HH", _LARGE_EXTRA, len(values)) + values if values else b""
    version = _LARGE_VERSION if extra else _PLAIN_VERSION
    outside = (entry.mode & 0xFFFF) << 16 | (_DIRECTORY_BIT if entry.name.endswith("/") else 0)
    time, date = entry.stamp & 0xFFFF, entry.stamp >> 16
    head = RECORD.pack(
        _RECORD_SIGN, _UNIX | version, version, entry.flags, entry.method, time, date, entry.crc, packed, size,
        len(name), len(extra), 0, 0, 0, outside, offset,
    )  # fmt: skip
    return head + name + extra


def small_records(name: str, mode: int, stamp: int, method: int, crc: int, packed: int, size: int) -> tuple[bytes, bytes]:
    """`local_header` and `directory_record` of an entry that is small and known, in one step: there may be a million."""
    raw = name.encode("utf-8")
    time, date, length = stamp & 0xFFFF, stamp >> 16, len(raw)
    outside = (mode & 0xFFFF) << 16 | (_DIRECTORY_BIT if name[-1] == "/" else 0)
    head = LOCAL.pack(_LOCAL_SIGN, _PLAIN_VERSION, UTF8, method, time, date, crc, packed, size, length, 0)
    record = RECORD.pack(
        _RECORD_SIGN, _UNIX | _PLAIN_VERSION, _PLAIN_VERSION, UTF8, method, time, date, crc, packed, size,
        length, 0, 0, 0, 0, outside, 0,
    )  # fmt: skip
    return head + raw, record + raw


def end_records(entries: int, start: int, length: int) -> bytes:
    """What closes a zip whose directory of `length` bytes begins at `start`."""
    end = _END.pack(b"PK\x05\x06", 0, 0, min(entries, _MANY), min(entries, _MANY), min(length, LIMIT), min(start, LIMIT), 0)
    if entries < _MANY and length < LIMIT and start < LIMIT:
        return end
    version = _LARGE_VERSION
    large = _END_LARGE.pack(
        b"PK\x06\x06", _END_LARGE.size - 12, _UNIX | version, version, 0, 0, entries, entries, length, start
    )
    return large + _LOCATOR.pack(b"PK\x06\x07", 0, start + length, 1) + end


class Directory(NamedTuple):
    """Where a zip's directory lies, and how many entries it says it has."""

    entries: int
    start: int
    length: int


def find_directory(tail: bytes, size: int) -> Directory:
    """Read the end records from the last `END_SIZE` bytes of a file of `size` bytes; raise ValueError where they are not
    exactly at its end."""
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise ValueError("File is not a zip file, or there are bytes that belong to no entry behind it")
    _, disk, first, here, entries, length, start, comment = _END.unpack(tail[-_END.size :])
    end = size - _END.size
    if disk or first or here != entries or comment:
        raise ValueError("the end of the zip is not as this program writes it")
    locator = tail[-_END.size - _LOCATOR.size : -_END.size]
    if locator[:4] == b"PK\x06\x07" and len(tail) >= END_SIZE:
        sign, length_of_end, _, _, disk, first, here, entries, length, start = _END_LARGE.unpack(
            tail[-END_SIZE:][: _END_LARGE.size]
        )
        end = size - END_SIZE
        sound = (
            sign == b"PK\x06\x06" and length_of_end == _END_LARGE.size - 12 and here == entries and not disk and not first
        )
        if not sound or _LOCATOR.unpack(locator)[1:] != (0, end, 1):
            raise ValueError("the 64-bit end of the zip contradicts itself")
    if start + length != end or entries * RECORD.size > length:
        raise ValueError("there are bytes that belong to no entry")
    return Directory(entries, start, length)


def record_size(data: bytes, at: int) -> int:
    """How long the directory record at `at` is; raise ValueError where none begins there."""
    if data[at : at + 4] != _RECORD_SIGN or at + RECORD.size > len(data):
        raise ValueError("the directory of the zip is broken")
    name, extra, comment = struct.unpack_from("<3H", data, at + 28)
    return int(RECORD.size + name + extra + comment)


def record_offset(record: bytes) -> int:
    """Where the entry of one directory record begins in the archive."""
    offset = int.from_bytes(record[42:46], "little")
    return next(read_records(record)).offset if offset == LIMIT else offset


def read_records(data: bytes) -> Iterator[Entry]:
    """The entries of whole directory records; raise ValueError where one is none of a plain or 64-bit zip."""
    at = 0
    while at < len(data):
        after = at + record_size(data, at)
        (
            _, made_by, _, flags, method, time, date, crc, packed, size, named, extra, noted, disk, _, outside, offset,
        ) = RECORD.unpack_from(data, at)  # fmt: skip
        name = data[at + RECORD.size : at + RECORD.size + named]
        if after > len(data) or noted or disk or made_by >> 8 != 3:
            raise ValueError("a record of the zip's directory is not as this program writes it")
        if extra:
            packed, size, offset = _large_values(data[after - extra : after], packed, size, offset)
        yield Entry(
            name.decode("utf-8" if flags & UTF8 else "cp437"), outside >> 16, date << 16 | time, method, flags, crc,
            packed, size, offset,
        )  # fmt: skip
        at = after


def _large_values(extra: bytes, packed: int, size: int, offset: int) -> tuple[int, int, int]:
    """The 64-bit values that a directory record's extra field holds in place of 0xFFFFFFFF."""
    kind, length = struct.unpack_from("<HH", extra)
    wanted = [value == LIMIT for value in (size, packed, offset)]
    if kind != _LARGE_EXTRA or length != len(extra) - 4 or length != 8 * sum(wanted):
        raise ValueError("a record of the zip's directory has an extra field that this program does not write")
    values = iter(struct.unpack_from(f"<{sum(wanted)}Q", extra, 4))
    size, packed, offset = (
        next(values) if large else value for large, value in zip(wanted, (size, packed, offset), strict=True)
    )
    return packed, size, offset


class Local(NamedTuple):
    """What an entry's local header says: its own length, and the bytes that must follow the entry's data."""

    length: int
    tail: bytes


def read_local(data: bytes | memoryview, entry: Entry) -> Local:
    """Check the local header at the beginning of `data` against `entry`; raise ValueError where they differ."""
    expected = local_header(entry)
    if data[: len(expected)] == expected and not entry.flags & DESCRIBED:
        return Local(len(expected), b"")
    head = bytes(data[: LOCAL.size])
    if len(head) != LOCAL.size or head[:4] != _LOCAL_SIGN:
        raise ValueError(f"{entry.name!r} has no local header")
    _, version, flags, method, time, date, crc, packed, size, named, extra = LOCAL.unpack(head)
    begins = LOCAL.size + named + extra
    name = bytes(data[LOCAL.size : LOCAL.size + named])
    large = _local_extra(bytes(data[LOCAL.size + named : begins]), entry) if extra else None
    told = (0, 0, 0) if flags & DESCRIBED else (entry.crc, entry.packed, entry.size)
    said = (crc, packed, size) if large is None else (crc, *large)
    same = (name, flags, method, date << 16 | time) == (_encoded(entry), entry.flags, entry.method, entry.stamp)
    if not same or said != told or version > _LARGE_VERSION or (large is not None and packed & size != LIMIT):
        raise ValueError(f"{entry.name!r} is described differently by its local header")
    return Local(begins, descriptor(entry, large=large is not None) if flags & DESCRIBED else b"")


def _encoded(entry: Entry) -> bytes:
    return entry.name.encode("utf-8" if entry.flags & UTF8 else "cp437")


def _local_extra(extra: bytes, entry: Entry) -> tuple[int, int] | None:
    """Packed and plain size from the extra fields of a local header, None where they hold none; padding is passed over."""
    found, at = None, 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise ValueError(f"{entry.name!r} has a broken extra field")
        kind, length = struct.unpack_from("<HH", extra, at)
        content = extra[at + 4 : at + 4 + length]
        if kind == _LARGE_EXTRA and len(content) == 16 and found is None:
            size, packed = struct.unpack("<QQ", content)
            found = (packed, size)
        elif kind != _PADDING_EXTRA or len(content) != length:
            raise ValueError(f"{entry.name!r} has an extra field that this program does not write")
        at += 4 + length
    return found
