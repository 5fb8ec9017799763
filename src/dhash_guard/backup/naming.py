"""Decides what the files of a backup are called, and recognises the names of our own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from attrs import frozen

from dhash_guard.backup.sidecar import SUFFIX
from dhash_guard.errors import NoGo, UsageProblem
from dhash_guard.records.backup import Purpose
from dhash_guard.records.layout import Layout, stamp

_PRE_ROLLBACK = "pre_rollback_"
_STAMP = r"\d{8}_\d{6}"
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
_SINGLE = re.compile(r"(?P<base>.+)\.(?P<kind>bak|pre-rollback)\.(?P<date>\d{8})[T_-](?P<time>\d{6})Z?")


@frozen
class Named:
    """What the name of an archive says."""

    environment: str
    purpose: Purpose
    at: float


@frozen
class Single:
    """What the name of a plain copy says: of a file of this base name, taken at UTC epoch seconds."""

    base: str
    purpose: Purpose
    at: float


def single_path(layout: Layout, base: str, at: float) -> Path:
    """`<base name>.bak.<UTC time>`, as the documents write it."""
    return layout.backups / f"{base}.bak.{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"


def single_named(name: str) -> Single | None:
    """Read the base name of the plain copy of a file; None where it is none."""
    if (match := _SINGLE.fullmatch(name)) is None or (at := moment(match["date"], match["time"])) is None:
        return None
    return Single(match["base"], Purpose.BACKUP if match["kind"] == "bak" else Purpose.PRE_ROLLBACK, at)


def files_called(layout: Layout, base: str) -> list[str]:
    """The configured paths with this base name."""
    found = (PurePosixPath(path) for _, path in layout.covered)
    return [path.as_posix() for path in found if path.name == base]


def moment(date: str, time: str) -> float | None:
    """UTC epoch seconds of eight and six digits; None where there is no such moment."""
    try:
        return datetime.strptime(date + time, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def is_date(at: float) -> bool:
    """Whether these UTC epoch seconds can be written as a date, from 1970 to the end of the year 9999."""
    return 0 <= at <= _LAST


def folders(layout: Layout) -> tuple[Path, Path]:
    """Where archives lie: backups, and the snapshots taken before rollbacks."""
    return layout.backups, layout.pre_rollback


def archive_path(layout: Layout, environment: str, purpose: Purpose, at: float) -> Path:
    """`<service>_<env>_<UTC time>.zip`; snapshots before a rollback lie apart and begin differently."""
    if not re.fullmatch(r"[\w.-]+", f"{layout.service}_{environment}"):
        raise UsageProblem(f"{layout.service!r} and {environment!r} cannot be part of a file name")
    name = f"{layout.service}_{environment}_{stamp(at)}.zip"
    if purpose is Purpose.PRE_ROLLBACK:
        return layout.pre_rollback / (_PRE_ROLLBACK + name)
    return layout.backups / name


def temporary_path(archive: Path) -> Path:
    """Where an archive is written before it is sealed; no glob of the documents matches it."""
    return archive.with_name(f".{archive.name}.partial")


def named(layout: Layout, name: str) -> Named | None:
    """Read the base name of a backup; None where it is not one of this service's, nor of a single file that is backed up."""
    if (single := single_named(name)) is not None and files_called(layout, single.base):
        return Named(layout.unnamed, single.purpose, single.at)
    pattern = rf"(?P<early>{_PRE_ROLLBACK})?{re.escape(layout.service)}_(?P<env>.+)_(?P<stamp>{_STAMP})\.zip"
    match = re.fullmatch(pattern, name)
    if match is None:
        return None
    at = moment(*match["stamp"].split("_"))
    return None if at is None else Named(match["env"], Purpose.PRE_ROLLBACK if match["early"] else Purpose.BACKUP, at)


def next_moment(layout: Layout, environment: str, now: float) -> float:
    """UTC seconds for the next name: now, or one second after the newest name of that environment, sealed or not.

    Raise NoGo where a name is of the last second that can be written: nothing comes after it.
    """
    newest = float(int(now))
    for folder in folders(layout):
        for entry in folder.iterdir() if folder.is_dir() else ():
            said = named(layout, entry.name.removesuffix(SUFFIX))
            if said is not None and said.environment == environment:
                newest = max(newest, said.at + 1)
                if newest > _LAST:
                    raise NoGo(
                        "its name is of the end of the year 9999, so that no backup could be named after it",
                        where=layout.relative(entry),
                        cure="Move it away, then take the backup.",
                    )
    return newest


def leftovers(layout: Layout) -> list[Path]:
    """Temporaries and orphan checksum files that killed runs left; only valid while no backup is being written."""
    found = []
    for folder in folders(layout):
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            temporary = re.fullmatch(rf"\.(?P<archive>.+?)(\.partial|{re.escape(SUFFIX)}\.\d+\.tmp)", entry.name)
            if temporary is not None and named(layout, temporary["archive"]):
                found.append(entry)
            archive = entry.name.removesuffix(SUFFIX)
            if archive != entry.name and named(layout, archive) and not (folder / archive).exists():
                found.append(entry)
    return found
