"""Decides how an archive describes itself: a header line, then a line for each member, read back strictly."""

from __future__ import annotations

import json
import re
from enum import Enum
from json.encoder import encode_basestring
from typing import TypeVar

from attrs import frozen

from dhash_guard.backup.naming import is_date
from dhash_guard.records.backup import Purpose
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_json, to_data

FORMAT = 1
HEADER_CAP = 1 << 20
"""Bytes that the header's line may take, which every list of backups reads; it names every file that was left out."""

LINE_CAP = 32_768
"""Bytes that the line of a member may take; a path has at most a few thousand."""

T = TypeVar("T")


class Kind(Enum):
    """What stands at a path; `absent` is only said of roots."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    ABSENT = "absent"


_KINDS = {kind.value.encode(): kind for kind in Kind if kind is not Kind.ABSENT}


@frozen(kw_only=True)
class Root:
    """A path that is backed up and restored as a whole, relative to the project root."""

    path: str
    kind: Kind
    component: str


@frozen(kw_only=True)
class Header:
    """The first line. Times are UTC epoch seconds; `previous_sha256` is the archive before this one, empty for the first."""

    format: int
    tool: str
    service: str
    environment: str
    purpose: Purpose
    sequence: int
    created_at: float
    sealed_at: float
    components: dict[str, tuple[str, ...]]
    roots: tuple[Root, ...]
    left_out: tuple[str, ...]
    previous_sha256: str


@frozen(kw_only=True)
class Member:
    """A file, directory or link; sizes are bytes, directories have neither size nor hash, links those of their target."""

    path: str
    kind: Kind
    size: int = 0
    mode: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    link: str = ""

    @property
    def entry(self) -> str:
        """The name in the zip: directories end with a slash."""
        return self.path + "/" if self.kind is Kind.DIRECTORY else self.path

    @property
    def line(self) -> bytes:
        """Its line in the manifest."""
        return member_line(self.path, self.kind, self.size, self.mode, self.mtime_ns, self.sha256, self.link)


def member_line(path: str, kind: Kind, size: int, mode: int, mtime_ns: int, sha256: str, link: str = "") -> bytes:
    """The line of a Member with these fields: canonical JSON, put together by hand because there may be a million."""
    return (
        f'{{"kind":"{kind.value}","link":{encode_basestring(link)},"mode":{mode},"mtime_ns":{mtime_ns},'
        f'"path":{encode_basestring(path)},"sha256":"{sha256}","size":{size}}}\n'
    ).encode()


_TEXT = rb'"((?:[^"\\\x00-\x1f]|\\.)*)"'
_NUMBER = rb"(-?(?:0|[1-9]\d*))"
_LINE = re.compile(
    rb'\{"kind":"(file|directory|link)","link":' + _TEXT + rb',"mode":' + _NUMBER + rb',"mtime_ns":' + _NUMBER
    + rb',"path":' + _TEXT + rb',"sha256":"([0-9a-f]*)","size":' + _NUMBER + rb"\}\n"
)  # fmt: skip


def read_member(line: bytes) -> Member:
    """Read the line of a member; raise ValueError where it is not exactly what this version writes."""
    match = _LINE.fullmatch(line)
    if match is None:
        return _strict(Member, line)
    kind, link, mode, mtime_ns, path, sha256, size = match.groups()
    member = Member(
        path=_text(path),
        kind=_KINDS[kind],
        size=int(size),
        mode=int(mode),
        mtime_ns=int(mtime_ns),
        sha256=sha256.decode(),
        link=_text(link) if link else "",
    )
    if (b"\\" in line or b"-0" in line) and member.line != line:  # all else has one form only
        raise ValueError("no Member record in canonical form")
    return member


def _text(raw: bytes) -> str:
    if b"\\" not in raw:
        return raw.decode("utf-8")
    text: str = json.loads(b'"' + raw + b'"')
    return text


def header_line(header: Header) -> bytes:
    """The first line of a manifest."""
    return canonical(to_data(header)) + b"\n"


def read_header(line: bytes) -> Header:
    """Read the first line; raise ValueError where it is not exactly what this version writes."""
    header = _strict(Header, line)
    if header.format != FORMAT:
        raise ValueError(f"the manifest has format {header.format}, this version reads {FORMAT}")
    if not (is_date(header.created_at) and is_date(header.sealed_at)):
        raise ValueError("the manifest has a date that is none")
    return header


def _strict(kind: type[T], line: bytes) -> T:
    """The record whose canonical line is exactly `line`; anything else, also a number in quotes, is an error."""
    record = from_json(kind, line)
    if canonical(to_data(record)) + b"\n" != line:
        raise ValueError(f"no {kind.__name__} record in canonical form")
    return record
