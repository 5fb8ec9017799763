"""Opens a backup of another tool, checks it against its checksum file and its own words, and hands out its entries."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from attrs import field, frozen

from dhash_guard.backup.archive.deflate import Deflate
from dhash_guard.backup.archive.inflating import BLOCK, unpacked
from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.archive.zipformat import STORED, Entry
from dhash_guard.backup.foreign.directory import Found, data_at, directory_of, ends_at, entries_of
from dhash_guard.backup.foreign.tree import problems_of
from dhash_guard.backup.names import RESERVED, link_problem
from dhash_guard.errors import CannotTell, Damaged

_JSON_CAP = 64 << 20
"""Bytes of a JSON document that is read whole, which takes two to three times as much memory."""
_END = 4096
_AROUND = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"
"""What may stand before and behind a document: blanks, marks of the encoding, halves of its characters."""
_LINK_CAP = 4096


@frozen
class Foreign:
    """An open backup: its entries, and where the data of each begins by its path."""

    path: Path
    file: BinaryIO
    size: int
    found: tuple[Found, ...] = ()
    starts: dict[str, int] = field(factory=dict)
    problems: tuple[str, ...] = ()

    def read(self, at: int, length: int) -> bytes:
        """Bytes of the file; raise ValueError where it ends before."""
        self.file.seek(at)
        data = self.file.read(length)
        if len(data) != length:
            raise ValueError("the archive ends too early")
        return data

    def stands(self) -> tuple[int, int]:
        """Size and time of the open file: another value says that somebody wrote into it."""
        status = os.fstat(self.file.fileno())
        return status.st_size, status.st_mtime_ns

    def sha256(self) -> str:
        """The hash of the whole file as it is open."""
        digest = hashlib.sha256()
        self.file.seek(0)
        while block := self.file.read(BLOCK):
            digest.update(block)
        return digest.hexdigest()

    def packed(self, found: Found) -> Iterator[bytes]:
        """The bytes of an entry as they lie there."""
        start = self.starts[found.path]
        for offset in range(0, found.entry.packed, BLOCK):
            yield self.read(start + offset, min(BLOCK, found.entry.packed - offset))

    def plain(self, found: Found, deflate: Deflate, packed: Iterator[bytes]) -> Iterator[bytes | memoryview]:
        """The plain bytes of an entry out of its packed ones; raise Damaged naming it where size or checksum are others."""
        crc, left = 0, found.entry.size
        try:
            for block in unpacked(deflate, found.entry, packed):
                left -= len(block)
                if left < 0:
                    raise ValueError("it is larger than the directory says")
                crc = deflate.crc32(block, crc)
                yield block
            if left or crc != found.entry.crc:
                raise ValueError("it does not have the size and checksum of the directory")
        except (ValueError, OSError, EOFError) as problem:
            raise Damaged(f"{found.path} cannot be unpacked: {problem}", where=str(self.path)) from problem

    def link(self, found: Found, deflate: Deflate) -> str:
        """Where a link points; raise Damaged where that is out of the project."""
        if found.entry.size > _LINK_CAP:
            raise Damaged(f"{found.path} is far too long for a link", where=str(self.path))
        content = b"".join(self.plain(found, deflate, self.packed(found)))
        try:
            target = content.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise Damaged(f"{found.path} is a link to {content!r}, which is not UTF-8", where=str(self.path)) from problem
        if problem_of_link := link_problem(found.path, target):
            raise Damaged(problem_of_link, where=str(self.path))
        return target


@contextmanager
def opened_zip(path: Path) -> Iterator[Foreign]:
    """Open a zip; `problems` are what is wrong with its structure. Raise Damaged where it is none, CannotTell without it."""
    with _file(path) as (file, size):
        bare = Foreign(path, file, size)
        try:
            directory = directory_of(bare)
            found = tuple(entries_of(bare, directory))
        except (ValueError, OSError) as problem:
            raise Damaged(f"no readable zip: {problem}", where=str(path)) from problem
        problems = problems_of(found)
        starts: dict[str, int] = {}
        try:
            starts = _starts(bare, found, directory.start)
        except (ValueError, OSError) as problem:
            problems.append(str(problem))
        yield Foreign(path, file, size, found, starts, tuple(problems))


@contextmanager
def opened_single(path: Path, member: str, deflate: Deflate, *, whole: bool) -> Iterator[Foreign]:
    """Open the plain copy of the file `member` as if it were a zip of that one file.

    With `whole` it is read, and a .json that is none is a problem; without, the checksum of the one entry is no use.
    """
    with _file(path) as (file, size):
        crc, problems = 0, list[str]()
        while whole and (block := file.read(BLOCK)):
            crc = deflate.crc32(block, crc)
        status = os.fstat(file.fileno())
        entry = Entry(member, stat.S_IFREG, 0, STORED, 0, crc, size, size, 0)
        only = Found(member, Kind.FILE, stat.S_IMODE(status.st_mode) & 0o777, int(status.st_mtime), b"", entry)
        if whole and member.endswith(".json") and (problem := json_problem(file, size)):
            problems.append(f"{member}: {problem}")
        yield Foreign(path, file, size, (only,), {member: 0}, tuple(problems))


def json_problem(file: BinaryIO, size: int, cap: int = _JSON_CAP) -> str:
    """Why the open file is no JSON document; empty where it is one, or is larger than `cap` and begins and ends as one."""
    file.seek(0)
    if size > cap:
        return _torn(file, size)
    try:
        # What was read is let go of at once: only that it can be read counts.
        json.loads(file.read(), object_pairs_hook=len, parse_float=len, parse_int=len)
    except (ValueError, RecursionError) as problem:
        return f"no JSON document: {problem}"
    return ""


def _torn(file: BinaryIO, size: int) -> str:
    """What is wrong with the two ends of a document, as after a copy that was cut off."""
    first = file.read(_END)
    file.seek(max(0, size - _END))
    last = file.read(_END)
    if not all(end.strip(b"\x00") for end in (first, last)):
        return "no JSON document: there are zeros where something was to be written, as after a power cut"
    begins, ends = first.lstrip(_AROUND)[:1], last.rstrip(_AROUND)[-1:]
    if begins + ends in (b"{}", b"[]", b'""') or not (begins and ends):
        return ""
    return f"no JSON document: it begins with {begins.decode('latin-1')!r} and ends with {ends.decode('latin-1')!r}"


def is_ours(found: Sequence[Found]) -> bool:
    """Whether a zip was meant to be an archive of this program: only a damaged one gets here."""
    return any(each.path in RESERVED for each in found)


@contextmanager
def _file(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    try:
        file = path.open("rb")
    except OSError as problem:
        raise CannotTell(f"the backup cannot be opened: {problem.strerror}", where=str(path)) from problem
    with file:
        yield file, os.fstat(file.fileno()).st_size


def _starts(archive: Foreign, found: Sequence[Found], end: int) -> dict[str, int]:
    """Where the data of each entry begins; raise ValueError unless the entries lie one behind the other, from the first
    byte to the directory."""
    starts: dict[str, int] = {}
    ordered = sorted(found, key=lambda each: each.entry.offset)
    reached = 0
    for each, limit in zip(ordered, [*(other.entry.offset for other in ordered[1:]), end], strict=True):
        if each.entry.offset != reached:
            raise ValueError(f"{each.path!r} does not start where the entry before it ends")
        start = data_at(archive, each)
        reached = ends_at(archive, each, start, limit)
        starts[each.path] = start
    if reached != end:
        raise ValueError("there are bytes that belong to no entry")
    return starts
