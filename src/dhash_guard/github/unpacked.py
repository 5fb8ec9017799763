"""Takes the records out of an artifact's zip, which strangers may have made: nothing is written, oddities are refused."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib

from dhash_guard.errors import Damaged

MOST_MEMBERS = 2000
MOST_BYTES = 64 << 20
MOST_RATIO = 500
"""How much larger than its packed form a member may be: looks that never change pack a hundredfold."""

_DEEPEST = 8
_SMALL = 1 << 16
"""Bytes below which the ratio says nothing."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


def unpacked(content: bytes, suffixes: tuple[str, ...] = (".json", ".jsonl")) -> dict[str, bytes]:
    """The members with these endings, by their paths; raise Damaged for an archive that no upload of ours would make.

    Every member is looked at, also those that are left packed: an artifact with one bad name is not believed at all.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _bounded(entries)
            for entry in entries:
                if problem := _problem(entry):
                    raise Damaged(f"the artifact holds {entry.filename[:80]!r}: {problem}")
            wanted = [entry for entry in entries if not entry.is_dir() and entry.filename.endswith(suffixes)]
            return {entry.filename: archive.read(entry) for entry in wanted}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as problem:
        raise Damaged(f"the artifact is no sound zip: {str(problem)[:200]}") from problem


def _bounded(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_MEMBERS:
        raise Damaged(f"the artifact holds {len(entries)} members, at most {MOST_MEMBERS} are looked at")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise Damaged(f"the artifact holds more than {MOST_BYTES} bytes")
    names = [entry.filename.rstrip("/").casefold() for entry in entries]
    if len(set(names)) != len(names):
        raise Damaged("the artifact holds a name twice")


def _problem(entry: zipfile.ZipInfo) -> str:
    name, kind = entry.filename.removesuffix("/"), stat.S_IFMT(entry.external_attr >> 16)
    parts = name.split("/")
    if (
        any(part in ("", ".", "..") for part in parts)
        or "\\" in entry.orig_filename
        or ":" in name
        or "\0" in entry.orig_filename
    ):
        return "a name that leaves the archive"
    if len(parts) > _DEEPEST:
        return "too deep"
    if kind and not (stat.S_ISDIR(kind) if entry.is_dir() else stat.S_ISREG(kind)):
        return "no plain file"
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        return "packed in an unknown way"
    if entry.file_size > _SMALL and entry.file_size > MOST_RATIO * max(1, entry.compress_size):
        return "packed too well to be believed"
    return ""
