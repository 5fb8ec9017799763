"""Decides which ratios of minima are judged, against which goals, and which are only shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.backups.contenders import (
    ARCHIVE_LOOP,
    ARCHIVE_TOOL,
    BORG,
    COPY,
    COPY_SYNC,
    CREATE_FAST,
    CREATE_STDLIB,
    HASH_LOOP,
    HASH_TOOL,
    RESTIC,
    RESTORE,
    UNZIP,
    VERIFY,
    ZIP,
    ZIPFILE,
)
from benchmarks.backups.corpora import Make, mixed, small
from benchmarks.backups.rows import Row, ratio


@dataclass(frozen=True)
class Goals:
    """What is promised for a corpus, as ratios of minima."""

    make: Make
    fast: float
    stdlib: float
    hashing: float
    verify: float
    restore: float


GOALS = {
    "A": Goals(mixed, fast=8, stdlib=4, hashing=1.5, verify=1.3, restore=1.3),
    "B": Goals(small, fast=6, stdlib=2, hashing=1.7, verify=2.0, restore=2.0),
}


def judged(goals: Goals, least: Mapping[str, float], sizes: Mapping[str, int]) -> list[Row]:
    """The goals of one corpus against the minima, and what is shown beside them."""
    fast, restore = least.get(CREATE_FAST), least.get(RESTORE)
    hashing = [least[who] for who in (HASH_TOOL, HASH_LOOP) if who in least]
    found = [
        Row("create: times faster than zip -r && sha256sum, with isal", ratio(least.get(ZIP), fast), least=goals.fast),
        Row("the same, standard library only", ratio(least.get(ZIP), least.get(CREATE_STDLIB)), least=goals.stdlib),
        Row("create ÷ the faster pass of hashing all files", ratio(fast, min(hashing, default=None)), most=goals.hashing),
        Row("verify ÷ sha256sum of the archive", ratio(least.get(VERIFY), least.get(ARCHIVE_TOOL)), most=goals.verify),
        Row("verify ÷ hashlib loop over the archive", ratio(least.get(VERIFY), least.get(ARCHIVE_LOOP)), most=goals.verify),
        Row("restore, verified and synced ÷ cp -r", ratio(restore, least.get(COPY)), most=goals.restore),
        Row("archive ÷ zip's archive", ratio(sizes.get(CREATE_FAST), sizes.get(ZIP)), most=1.05),
        Row("archive ÷ zip's archive, standard library only", ratio(sizes.get(CREATE_STDLIB), sizes.get(ZIP)), most=1.05),
        Row("restore ÷ cp -r && sync", ratio(restore, least.get(COPY_SYNC))),
    ]
    for who in (ZIPFILE, RESTIC, BORG):
        found.append(Row(f"create: times faster than {who}", ratio(least.get(who), fast)))
    for who in (UNZIP, "restic restore", "borg extract"):
        found.append(Row(f"restore: times faster than {who}", ratio(least.get(who), restore)))
    return found
