"""Measures on an XFS loop image how much disk a backup of media takes where members can be cloned."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.backups.corpora import MB, facts, new_project, videos
from benchmarks.backups.program import Program
from benchmarks.backups.rows import Row, show
from benchmarks.backups.timing import Contender, run, say


def report(folder: Path, scale: float, program: Program) -> None:
    """The row of clones, or why there is none."""
    why = hindrance()
    if why:
        print(f"skipped: {why}")
        return
    try:
        show(extra_disk(folder, scale, program))
    except subprocess.CalledProcessError as problem:
        print(f"skipped: {problem.cmd[0]} failed: {problem.stderr.decode(errors='replace').strip()}")
    except RuntimeError as problem:
        say(str(problem))
        show([Row("XFS, media: extra disk of a backup", None, most=2, unit="%")])


def hindrance() -> str:
    """Why it cannot be measured here; empty where it can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    if os.geteuid() != 0:
        return "mounting an image needs root"
    return "" if shutil.which("mkfs.xfs") else "mkfs.xfs is missing (package xfsprogs)"


@contextmanager
def xfs(folder: Path, size: int) -> Iterator[Path]:
    """A mounted XFS of so many bytes, gone afterwards; raise CalledProcessError where the kernel refuses."""
    image, mount = folder / "xfs.img", folder / "xfs"
    mount.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as out:
        out.truncate(size)
    try:
        subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True, capture_output=True)
        try:
            yield mount
        finally:
            subprocess.run(["umount", str(mount)], check=True, capture_output=True)
    finally:
        image.unlink()
        mount.rmdir()


def used(mount: Path) -> int:
    """Bytes taken on the file system, once everything is written."""
    subprocess.run(["sync", "-f", str(mount)], check=True)
    told = os.statvfs(mount)
    return (told.f_blocks - told.f_bfree) * told.f_frsize


def extra_disk(folder: Path, scale: float, program: Program) -> list[Row]:
    """What one backup of two videos takes, in percent of them, and whether unzip is still content."""
    with xfs(folder, max(600 * MB, int(1500 * MB * scale))) as mount:
        project = mount / "project"
        new_project(project, videos, scale)
        payload, before = facts(project / "data").size, used(mount)
        run(Contender("create on XFS", program.create, project))
        taken = used(mount) - before
        rows = [Row("XFS, media: extra disk of a backup", 100 * taken / payload, most=2, unit="%")]
        if shutil.which("unzip"):
            run(Contender("unzip -t of the clone", "unzip -tq backups/*.zip", project))
        return rows
