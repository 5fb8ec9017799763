"""Decides what the file names of backups that other tools made say, in the forms that the documents' scripts write."""

from __future__ import annotations

import re

from attrs import frozen

from dhash_guard.backup.naming import moment
from dhash_guard.records.backup import Purpose

_TIME = r"(?P<date>\d{8})[_T-](?P<time>\d{6})Z?"
_EARLY = re.compile(r"(?:^|[_-])pre[_-]?rollback(?=[_-]|$)")
_KIND = re.compile(r"(?:^|[_-])(?:backup|library)$")
_TAR = re.compile(r".+\.(tar|tgz|tar\.(gz|bz2|xz|zst))", re.IGNORECASE)


@frozen
class Said:
    """What a name says: `environment` is empty and `at` (UTC epoch seconds) None where it says nothing of it."""

    environment: str = ""
    purpose: Purpose = Purpose.BACKUP
    at: float | None = None


def said_by(service: str, name: str) -> Said:
    """Read `dhash_<time>.zip`, `dhash-<env>-<time>.zip`, `dhash_<env>_<time>.zip` and their like; also those of tars."""
    match = re.fullmatch(rf"(?:(?P<before>.*)[_-])?{_TIME}\.[A-Za-z.]+", name)
    if match is None:
        return Said()
    words = match["before"] or ""
    purpose = Purpose.PRE_ROLLBACK if _EARLY.search(words) else Purpose.BACKUP
    words = _KIND.sub("", _EARLY.sub("", words)).strip("_-")
    own = re.fullmatch(rf"{re.escape(service)}(?:[_-](?P<env>[\w.-]+))?", words)
    return Said(own["env"] or "" if own is not None else "", purpose, moment(match["date"], match["time"]))


def is_tar(name: str) -> bool:
    """Whether this is the name of a tar, packed or not."""
    return _TAR.fullmatch(name) is not None
