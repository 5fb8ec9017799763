"""Writes an archive: reads every member once, hashes it on the way, and refuses what changes meanwhile."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import BinaryIO

from attrs import evolve

from dhash_guard.backup.archive.manifest import Header, Kind, Manifest, Member
from dhash_guard.backup.components import Source
from dhash_guard.backup.names import MANIFEST, SUMS
from dhash_guard.errors import NoGo
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.system.clock import Clock

BLOCK = 1 << 20
MEDIA = frozenset(
    {
        *(".avif", ".gif", ".heic", ".jpeg", ".jpg", ".jxl", ".png", ".webp"),
        *(".m4a", ".mkv", ".mov", ".mp3", ".mp4", ".ogg", ".opus", ".webm"),
        *(".7z", ".br", ".bz2", ".gz", ".woff", ".woff2", ".xz", ".zip", ".zst"),
    }
)
"""Suffixes of files that are compressed already and are stored as they are."""

_THOROUGH_UP_TO = 8 << 20
"""Bytes up to which a file is deflated at level 6; above, level 1 is three times as fast for a few percent of size."""


def write_archive(file: BinaryIO, clock: Clock, header: Header, sources: tuple[Source, ...]) -> Manifest:
    """Write members, manifest and sums as a zip into `file`, which stays open; the header's `sealed_at` is set here.

    Raise NoGo naming the member that changed, vanished or could not be read, and OSError where writing fails.
    """
    with zipfile.ZipFile(file, "w") as archive:
        members = tuple(_add(archive, source) for source in sources)
        manifest = Manifest(header=evolve(header, sealed_at=float(clock.now())), members=members)
        for name, content in ((MANIFEST, manifest.to_bytes()), (SUMS, sums(manifest))):
            info = _info(name, stat.S_IFREG | 0o640, header.created_at, len(content))
            with archive.open(info, "w") as entry:
                entry.write(content)
    return manifest


def sums(manifest: Manifest) -> bytes:
    """What `sha256sum -c SHA256SUMS` checks after unzipping: every regular file and the manifest itself."""
    pairs = [(member.sha256, member.path) for member in manifest.members if member.kind is Kind.FILE]
    pairs.append((sha256_hex(manifest.to_bytes()), MANIFEST))
    return "".join(f"{sha256}  {path}\n" for sha256, path in pairs).encode("utf-8")


def _add(archive: zipfile.ZipFile, source: Source) -> Member:
    member = Member(
        path=source.path,
        kind=source.kind,
        mode=0 if source.kind is Kind.LINK else stat.S_IMODE(source.status.st_mode),
        mtime_ns=source.status.st_mtime_ns,
        link=source.link,
    )
    if source.kind is Kind.FILE:
        return _add_file(archive, source, member)
    content = source.link.encode("utf-8")
    if source.kind is Kind.LINK:
        member = evolve(member, size=len(content), sha256=sha256_hex(content))
    info = _info(member.entry, source.status.st_mode, source.status.st_mtime, len(content))
    info.compress_type = zipfile.ZIP_STORED
    with archive.open(info, "w") as entry:
        entry.write(content)
    return member


def _add_file(archive: zipfile.ZipFile, source: Source, member: Member) -> Member:
    with _opened(source) as descriptor:
        opened = os.fstat(descriptor)
        _require_unchanged(source, source.status, opened)
        size, digest = opened.st_size, hashlib.sha256()
        info = _info(source.path, opened.st_mode, opened.st_mtime, size)
        with archive.open(info, "w", force_zip64=size >= zipfile.ZIP64_LIMIT // 2) as entry:
            for block in _blocks(source, descriptor, size):
                digest.update(block)
                entry.write(block)
        _require_unchanged(source, opened, os.fstat(descriptor))
        try:
            _require_unchanged(source, opened, source.location.lstat())
        except FileNotFoundError:
            raise _changed(source, "vanished") from None
    return evolve(member, size=size, mtime_ns=opened.st_mtime_ns, sha256=digest.hexdigest())


@contextmanager
def _opened(source: Source) -> Iterator[int]:
    """A descriptor of the file itself: never through a link, and a pipe that took its place does not block."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(source.location, flags)
    except FileNotFoundError:
        raise _changed(source, "vanished") from None
    except OSError as problem:
        raise NoGo(f"{source.path} cannot be read: {problem.strerror}") from problem
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _blocks(source: Source, descriptor: int, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes; a file that grows is read to the length it had at open."""
    left = size
    while left:
        try:
            block = os.read(descriptor, min(BLOCK, left))
        except OSError as problem:
            raise NoGo(f"{source.path} cannot be read: {problem.strerror}") from problem
        if not block:
            raise _changed(source)
        left -= len(block)
        yield block


def _require_unchanged(source: Source, before: os.stat_result, now: os.stat_result) -> None:
    if (before.st_dev, before.st_ino, stat.S_IFMT(before.st_mode)) != (now.st_dev, now.st_ino, stat.S_IFMT(now.st_mode)):
        raise _changed(source)
    if source.grows:
        if now.st_size < before.st_size:
            raise _changed(source)
    elif (before.st_size, before.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
        raise _changed(source)


def _changed(source: Source, how: str = "changed") -> NoGo:
    return NoGo(
        f"{source.path} {how} while it was backed up",
        cure="Quiesce the service, try again, or mark logs with `grows: true`.",
    )


def _info(name: str, mode: int, mtime: float, size: int) -> zipfile.ZipInfo:
    moment = datetime.fromtimestamp(min(max(mtime, 315532800.0), 4354819198.0), UTC)  # zip knows 1980 to 2107
    info = zipfile.ZipInfo(name, (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second))
    info.create_system = 3  # unix: the upper half of external_attr is the mode
    info.external_attr = (mode & 0xFFFF) << 16 | (0x10 if stat.S_ISDIR(mode) else 0)
    info.file_size = size
    stored = PurePosixPath(name).suffix.lower() in MEDIA
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    info._compresslevel = 6 if size <= _THOROUGH_UP_TO else 1  # type: ignore[attr-defined]  # noqa: SLF001 - public in 3.13
    return info
