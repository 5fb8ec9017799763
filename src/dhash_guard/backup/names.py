"""Decides which names a backup may hold: portable, inside the project, and never two that some disk takes for one."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from dhash_guard.records.canonical import sha256_hex

MANIFEST = "MANIFEST.jsonl"
SUMS = "SHA256SUMS"
RESERVED = frozenset({MANIFEST, SUMS})

_LONGEST = 4096
"""Bytes that no path of any system exceeds; a longer name is an attack on whoever takes it apart."""

_SHORT = 200
"""Bytes of a base name that are part of the name of a staged tree."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_DRIVE = re.compile(r"[A-Za-z]:")
_OF_WINDOWS = re.compile(
    r'[<>:"|?*]|[. ](?=/|$)|(?<![^/])(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?![^/. ])',
    re.IGNORECASE,
)
"""What no name of Windows holds, how none ends, and devices, whatever stands behind their dot."""
_STAGE = re.compile(r"\..+\.dhash-(new|prev)-[0-9a-f]+")


def name_problem(name: str) -> str:
    """Why `name` cannot be the path of a member (relative, forward slashes); empty where it can."""
    if _is_plain(name):
        return ""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return f"{name!a} is not UTF-8"
    if len(name.encode("utf-8")) > _LONGEST:
        return f"{name[:60]!a}… is longer than any path can be"
    if _CONTROL.search(name):
        return f"{name!a} holds a control character"
    if "\\" in name:
        return f"{name!r} holds a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return f"{name!r} is absolute"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return f"{name!r} does not stay below the project root"
    return f"{name!r} is a name that the archive needs itself" if folded(name) in _RESERVED_FOLDED else ""


def _is_plain(name: str) -> bool:
    """Whether nothing in `name` needs a closer look; nearly all names of a million are like that."""
    return (
        len(name) <= _LONGEST
        and name.isascii()
        and name.isprintable()
        and name[:1] not in ("", ".", "/")
        and name[1:2] != ":"
        and not ("\\" in name or "//" in name or "/." in name or name.endswith("/"))
        and name.lower() not in _RESERVED_FOLDED
    )


def windows_problem(name: str) -> str:
    """Why Windows refuses the path `name`, or takes it for a device, a stream or another file; empty where it does not."""
    return f"{name!r} is no name of a file on Windows" if _OF_WINDOWS.search(name) else ""


def link_problem(path: str, target: str) -> str:
    """Why the link at `path` cannot point to `target`; empty where the target is relative and inside the project."""
    try:
        target.encode("utf-8")
    except UnicodeEncodeError:
        return f"{path!r} is a link to {target!a}, which is not UTF-8"
    if not target or _CONTROL.search(target) or "\\" in target:
        return f"{path!r} is a link to {target!a}, which is no portable path"
    if target.startswith("/") or _DRIVE.match(target):
        return f"{path!r} is a link to {target!r}, which is absolute"
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if reached == ".." or reached.startswith("../"):
        return f"{path!r} is a link to {target!r}, which leads out of the project"
    return ""


def folded(name: str) -> str:
    """The form in which disks that ignore case or compose accents see a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


_RESERVED_FOLDED = frozenset(folded(name) for name in RESERVED)


def collisions(names: Iterable[str]) -> list[str]:
    """One line for each pair of different names that differ only in case or composition, or that stand twice."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        first = seen.setdefault(folded(name), name)
        if first is not name:
            found.append(
                f"{first!r} stands twice" if first == name else f"{first!r} and {name!r} are one name on some disks"
            )
    return found


def overlaps(roots: Iterable[str]) -> list[str]:
    """One line for each root that equals another or lies below it."""
    # Sorted by their parts, everything below a root follows it directly: neighbours suffice.
    ordered = sorted((tuple(folded(root).split("/")), root) for root in roots)
    pairs = pairwise(ordered)
    return [f"{a!r} and {b!r} overlap" for (upper, a), (lower, b) in pairs if lower[: len(upper)] == upper]


def is_secret(name: str) -> bool:
    """Whether a file of this base name is an environment file, kept out of backups unless a component names it."""
    return name.startswith(".env")


def is_stage(name: str) -> bool:
    """Whether a base name is one that a restore gives to staged or previous trees."""
    return _STAGE.fullmatch(name) is not None


def staged_name(name: str, identity: str) -> str:
    """What the new tree is called beside its target until the exchange."""
    return f".{_short(name)}.dhash-new-{identity}"


def previous_name(name: str, identity: str) -> str:
    """What the old tree is called beside its target after the exchange."""
    return f".{_short(name)}.dhash-prev-{identity}"


def _short(name: str) -> str:
    """A base name to which more can be added: disks take 255 bytes, and it tells different long names apart."""
    encoded = name.encode("utf-8")
    if len(encoded) <= _SHORT:
        return name
    return f"{encoded[:_SHORT].decode('utf-8', 'ignore')}.{sha256_hex(encoded)[:8]}"
