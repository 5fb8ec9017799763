"""Decides what the file beside an archive says: the one hash that counts, in every form that common tools write."""

from __future__ import annotations

import re
from pathlib import Path

from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.canonical import loads

SUFFIX = ".sha256"
_CAP = 65_536

_HEX = "[0-9a-fA-F]{64}"
_FORMS = (
    re.compile(rf"(?P<hash>{_HEX})"),
    re.compile(rf"\\?(?P<hash>{_HEX})[ \t]+\*?\S.*"),
    re.compile(rf"SHA(2-)?256 ?\(.*\) ?= ?(?P<hash>{_HEX})"),
)


def path_of(archive: Path) -> Path:
    """Where the sidecar of `archive` lies."""
    return archive.with_name(archive.name + SUFFIX)


def line(sha256: str, name: str) -> bytes:
    """The sidecar's bytes: lower-case hash, two spaces, the archive's path relative to the project root."""
    return f"{sha256.lower()}  {name}\n".encode()


def parse(text: str) -> str:
    """The only hash in `text`, lower case; raise ValueError where there is none or more than one.

    Names inside are never used for anything.
    """
    stripped = text.strip()
    if stripped.startswith("{"):
        return _from_json(stripped)
    lines = [each.strip() for each in stripped.splitlines() if each.strip()]
    if len(lines) != 1:
        raise ValueError(f"{len(lines)} lines where one hash is expected")
    for form in _FORMS:
        if match := form.fullmatch(lines[0]):
            return match["hash"].lower()
    raise ValueError("no SHA-256 in it")


def read(archive: Path) -> str:
    """The hash that the sidecar of `archive` states, 64 lower-case digits.

    Raise CannotTell where there is no sidecar and Damaged where it states no single hash.
    """
    beside = path_of(archive)
    try:
        with beside.open("rb") as file:
            content = file.read(_CAP + 1)
    except FileNotFoundError:
        raise CannotTell(
            "the backup has no checksum file and was never sealed", where=str(archive), cure="Choose a sealed backup."
        ) from None
    except OSError as problem:
        raise CannotTell(f"the checksum file cannot be read: {problem.strerror}", where=str(beside)) from problem
    if len(content) > _CAP:
        raise Damaged("the checksum file is too large to be one", where=str(beside))
    try:
        return parse(content.decode("utf-8-sig"))
    except ValueError as problem:
        raise Damaged(f"the checksum file states no single hash: {problem}", where=str(beside)) from problem


def _from_json(text: str) -> str:
    data = loads(text)
    value = data.get("sha256") if isinstance(data, dict) else None
    if not isinstance(value, str) or not re.fullmatch(_HEX, value):
        raise ValueError("its JSON has no sha256")
    return value.lower()
