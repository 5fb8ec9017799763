"""Decides whether what an archive says of itself hangs together, before a single byte of it is used."""

from __future__ import annotations

import os
import posixpath
import stat
import struct
import zipfile
from collections import Counter
from typing import BinaryIO

from dhash_guard.backup.archive.manifest import Header, Kind, Manifest, Member
from dhash_guard.backup.names import RESERVED, collisions, link_problem, name_problem, overlaps

_LOCAL = struct.Struct("<4s5H3L2H")
_END_SIZE = 22
_IN_EXTRA = 0xFFFFFFFF
"""Stands in a local header where the size is in the 64-bit extra field."""

_TYPES = {Kind.FILE: stat.S_IFREG, Kind.DIRECTORY: stat.S_IFDIR, Kind.LINK: stat.S_IFLNK}


def entry_problems(archive: zipfile.ZipFile, file: BinaryIO) -> list[str]:
    """What is wrong with the zip's own directory: names, duplicates, encryption, methods, overlapping or hidden bytes."""
    problems = []
    for info in archive.infolist():
        name = info.orig_filename  # `filename` is already cut at the first NUL
        problem = "" if name in RESERVED else name_problem(name.removesuffix("/"))
        if not problem and info.flag_bits & 0x1:
            problem = f"{name!r} is encrypted"
        if not problem and info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problem = f"{name!r} is packed by the unknown method {info.compress_type}"
        if problem:
            problems.append(problem)
    names = [info.orig_filename.removesuffix("/") for info in archive.infolist()]
    return problems + collisions(names) + _range_problems(archive, file)


def _range_problems(archive: zipfile.ZipFile, file: BinaryIO) -> list[str]:
    """Entries must follow each other without overlap and without gaps, from the first byte to the directory."""
    reached = 0
    for info in sorted(archive.infolist(), key=lambda each: each.header_offset):
        if info.header_offset != reached:
            return [f"{info.orig_filename!r} does not start where the entry before it ends"]
        file.seek(info.header_offset)
        head = file.read(_LOCAL.size)
        if len(head) != _LOCAL.size or head[:4] != b"PK\x03\x04":
            return [f"{info.orig_filename!r} has no local header"]
        _, *said, name_length, extra_length = _LOCAL.unpack(head)
        name = file.read(name_length).decode("utf-8" if info.flag_bits & 0x800 else "cp437")
        if name != info.orig_filename or said != _expected(info, said[-1]):
            return [f"{info.orig_filename!r} is described differently by its local header"]
        reached += _LOCAL.size + name_length + extra_length + info.compress_size
    file.seek(max(0, file.seek(0, os.SEEK_END) - _END_SIZE))
    whole = reached == archive.start_dir and file.read(4) == b"PK\x05\x06"
    return [] if whole else ["there are bytes that belong to no entry"]


def _expected(info: zipfile.ZipInfo, size: int) -> list[int]:
    """What the local header must repeat: version, flags, method, time, date, CRC and both sizes."""
    year, month, day, hour, minute, second = info.date_time
    moment = [hour << 11 | minute << 5 | second // 2, year - 1980 << 9 | month << 5 | day]
    sizes = [_IN_EXTRA, _IN_EXTRA] if size == _IN_EXTRA else [info.compress_size, info.file_size]
    return [info.extract_version, info.flag_bits, info.compress_type, *moment, info.CRC, *sizes]


def manifest_problems(archive: zipfile.ZipFile, manifest: Manifest) -> list[str]:
    """Where the manifest contradicts itself or the zip's directory."""
    problems = [*_root_problems(manifest.header)]
    members = manifest.members
    problems += collisions(member.path for member in members)
    for member in members:
        if problem := name_problem(member.path) or _member_problem(member):
            problems.append(problem)
    problems += _tree_problems(manifest)
    expected = {member.entry: member for member in members}
    present = {info.orig_filename: info for info in archive.infolist()}
    problems += [
        f"{name!r} is in the archive but not in its manifest" for name in present.keys() - expected.keys() - RESERVED
    ]
    problems += [
        f"{name!r} is in the manifest but not in the archive" for name in (expected.keys() | RESERVED) - present.keys()
    ]
    for name in expected.keys() & present.keys():
        member, info = expected[name], present[name]
        if info.file_size != member.size:
            problems.append(f"{name!r} has {info.file_size} bytes, the manifest says {member.size}")
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) != _TYPES.get(member.kind):
            problems.append(f"{name!r} is not the {member.kind.value} that the manifest says")
        elif member.kind is not Kind.LINK and stat.S_IMODE(mode) != member.mode:
            problems.append(f"{name!r} does not have the mode that the manifest says")
    return problems


def _root_problems(header: Header) -> list[str]:
    paths = [root.path for root in header.roots]
    found = [problem for path in paths if (problem := name_problem(path))]
    return (found or overlaps(paths)) if paths else ["the manifest names no roots"]


def _member_problem(member: Member) -> str:
    if member.kind is Kind.ABSENT or min(member.size, member.mode) < 0 or member.mode > 0o7777:
        return f"{member.path!r} has an impossible kind, size or mode"
    if (member.kind is Kind.DIRECTORY) != (member.sha256 == "") or (member.kind is Kind.DIRECTORY and member.size):
        return f"{member.path!r} has a hash or a size that does not fit its kind"
    if member.kind is Kind.LINK:
        return link_problem(member.path, member.link)
    return f"{member.path!r} is no link but has a target" if member.link else ""


def _tree_problems(manifest: Manifest) -> list[str]:
    """Every member lies in a root of its kind, and directly below a directory of the same root."""
    kinds = {member.path: member.kind for member in manifest.members}
    groups = manifest.by_root()
    problems = [f"{member.path!r} lies in no root" for member in groups.pop("", [])]
    for root in manifest.header.roots:
        if kinds.get(root.path, Kind.ABSENT) is not root.kind:
            problems.append(f"the root {root.path!r} is not the {root.kind.value} that the manifest says")
        below = Counter(posixpath.dirname(m.path) for m in groups.get(root.path, []) if m.path != root.path)
        problems += [
            f"{path!r} holds members but is no directory" for path in below if kinds.get(path) is not Kind.DIRECTORY
        ]
    return problems
