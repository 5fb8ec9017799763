"""Decides how an archive describes itself: a header line, then a line for each member, read back strictly."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar

from attrs import frozen

from dhash_guard.records.backup import Purpose
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_data, to_data

FORMAT = 1
LINE_CAP = 32_768
"""Bytes that the line of a member may take; a path has at most a few thousand."""

T = TypeVar("T")


class Kind(Enum):
    """What stands at a path; `absent` is only said of roots."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    ABSENT = "absent"


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


@frozen(kw_only=True)
class Manifest:
    """Everything an archive says of itself."""

    header: Header
    members: tuple[Member, ...]

    def to_bytes(self) -> bytes:
        """One canonical JSON line for the header, then one for each member."""
        return b"".join(canonical(to_data(record)) + b"\n" for record in (self.header, *self.members))

    def by_root(self) -> dict[str, list[Member]]:
        """Members under the path of their root, in order; members of no root are under the empty path."""
        groups: dict[str, list[Member]] = {root.path: [] for root in self.header.roots}
        for member in self.members:
            parts = member.path.split("/")
            owners = ("/".join(parts[:n]) for n in range(1, len(parts) + 1))
            groups.setdefault(next((o for o in owners if o in groups), ""), []).append(member)
        return groups


def read_header(line: bytes) -> Header:
    """Read the first line; raise ValueError where it is not exactly what this version writes."""
    header = _strict(Header, line)
    if header.format != FORMAT:
        raise ValueError(f"the manifest has format {header.format}, this version reads {FORMAT}")
    return header


def read_manifest(lines: Iterable[bytes]) -> Manifest:
    """Read all lines; raise ValueError naming the first line that does not fit."""
    header: Header | None = None
    members = []
    for number, line in enumerate(lines, start=1):
        try:
            if header is None:
                header = read_header(line)
            else:
                members.append(_strict(Member, line))
        except ValueError as problem:
            raise ValueError(f"line {number} of the manifest: {problem}") from problem
    if header is None:
        raise ValueError("the manifest is empty")
    return Manifest(header=header, members=tuple(members))


def _strict(kind: type[T], line: bytes) -> T:
    """The record whose canonical line is exactly `line`; anything else, also a number in quotes, is an error."""
    data: Any = json.loads(line)
    record = from_data(kind, data if isinstance(data, dict) else {})
    if canonical(to_data(record)) + b"\n" != line:
        raise ValueError(f"no {kind.__name__} record in canonical form")
    return record
