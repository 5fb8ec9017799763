"""Puts logs that are no longer written into a zip with its sha256, and removes them only when the zip reads back."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

from dhash_guard.backup import sidecar
from dhash_guard.errors import Damaged, GuardError, NoGo
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import Layout, stamp
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.records.units import Seconds, format_duration
from dhash_guard.report.words import plural
from dhash_guard.rollout.run import Done, Guarded

TYPES = {"deploy": "deploy_{env}_*.log", "monitor": "{service}_{env}_*.log", "smoke": "smoke_tests_{env}_*.log"}
"""The kinds of logs, and what their files are called."""

FOLDER = "archive"
"""Below the logs directory, where no pattern of logs finds them again."""

_BLOCK = 1 << 20


def archive(run: Guarded, kind: str, older_than: Seconds) -> Evidence:
    """The `logs archive` verb; archives that are there already are never touched."""
    try:
        run.stage("archive", lambda: _archived(run, kind, older_than))
    except GuardError as problem:
        return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    return run.seal(run.evidence(result="archived", exit_code=0))


def old_logs(layout: Layout, environment: str, kind: str, before: float) -> list[Path]:
    """The logs of a kind that were last written before that time (UTC epoch seconds), by name; links are none."""
    pattern = TYPES[kind].format(env=environment, service=layout.service)
    found = [path for path in layout.logs.glob(pattern) if path.is_file() and not path.is_symlink()]
    return sorted(path for path in found if path.stat().st_mtime < before)


def _archived(run: Guarded, kind: str, older_than: Seconds) -> Done:
    layout, files, now = run.configuration.layout, run.machine.files, run.machine.clock.now()
    logs = [path for path in old_logs(layout, run.environment, kind, now - older_than) if path != run.log.path]
    if not logs:
        return Done(f"no {kind} log is older than {format_duration(older_than)}")
    target = layout.logs / FOLDER / f"logs_{kind}_{run.environment}_{run.facts.id}.zip"
    findings = tuple(Finding(check=layout.relative(path), status=StageStatus.PASSED, text="archived") for path in logs)
    if run.machine.dry:
        files.write_atomic(target, b"")
        for path in logs:
            files.remove(path)
        return Done(f"would archive {plural(len(logs), 'log')} into {layout.relative(target)}", findings)
    files.make_directory(target.parent)
    before = {path: path.stat() for path in logs}
    sums = _packed(run, target, logs)
    files.write_atomic(sidecar.path_of(target), sidecar.line(_sum(target), layout.relative(target)))
    kept = _removed(run, logs, before, sums, target)
    if kept:
        raise NoGo(f"still written to, so they stay: {', '.join(kept)}", cure="Archive them later.", findings=findings)
    return Done(f"{plural(len(logs), 'log')} archived in {layout.relative(target)} ({stamp(now)})", findings)


def _packed(run: Guarded, target: Path, logs: list[Path]) -> dict[Path, str]:
    """Write the zip under a name of its own, then give it its name; the hash of each log as it was read."""
    partial = target.with_name(f".{target.name}.part")
    sums = {}
    out = run.machine.files.create(partial)
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in logs:
                digest = hashlib.sha256()
                entry = zipfile.ZipInfo.from_file(path, path.name, strict_timestamps=False)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as file, packed.open(entry, "w", force_zip64=True) as member:
                    while block := file.read(_BLOCK):
                        digest.update(block)
                        member.write(block)
                sums[path] = digest.hexdigest()
        run.machine.files.finish(out)
    except BaseException:
        out.close()
        run.machine.files.remove(partial)
        raise
    run.machine.files.rename(partial, target)
    run.machine.files.sync_directory(target.parent)
    return sums


def _removed(
    run: Guarded, logs: list[Path], before: dict[Path, os.stat_result], sums: dict[Path, str], target: Path
) -> list[str]:
    """Remove each log that reads back from the zip and has not changed since; the names of the others."""
    kept = []
    with zipfile.ZipFile(target) as packed:
        for path in logs:
            digest = hashlib.sha256()
            with packed.open(path.name) as member:
                while block := member.read(_BLOCK):
                    digest.update(block)
            if digest.hexdigest() != sums[path]:
                raise Damaged("the archive does not read back; no further log was removed", where=str(target))
            now, then = path.stat(), before[path]
            if (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns):
                run.machine.files.remove(path)
            else:
                kept.append(path.name)
    return kept


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
