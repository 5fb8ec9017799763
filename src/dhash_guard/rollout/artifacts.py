"""Keeps beside the record of a rollback what explains it: logs since the deployment began, and the deployment's record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.deployment import Deployment
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.run import Done, Guarded

FOLDER = "artifacts"
SUMS = "SHA256SUMS"

_MOST_FILES = 100
_MOST_BYTES = 64 << 20
_DAY = 86400.0


def collect(run: Guarded, deployment: Deployment | None) -> Done:
    """Copy them with their checksums; raise OSError where one cannot be read or written.

    Without a known deployment it is the logs of the last day. What is too much to copy is named and stays where it is.
    """
    since = deployment.begun_at if deployment is not None else run.machine.clock.now() - _DAY
    folder, layout = run.folder / FOLDER, run.configuration.layout
    run.machine.files.make_directory(folder)
    sums: list[str] = []
    findings: list[Finding] = []
    size = 0
    for path in _wanted(run, since):
        if len(sums) >= _MOST_FILES or size + path.stat().st_size > _MOST_BYTES:
            findings.append(
                Finding(check=layout.relative(path), status=StageStatus.SKIPPED, text="too much to copy; it stays here")
            )
            continue
        content = path.read_bytes()
        run.machine.files.write_atomic(folder / path.name, content)
        sums.append(f"{sha256_hex(content)}  {path.name}\n")
        size += len(content)
    run.machine.files.write_atomic(folder / SUMS, "".join(sums).encode())
    return Done(f"{len(sums)} files, {format_bytes(size)}, in {layout.relative(folder)}", tuple(findings))


def _wanted(run: Guarded, since: float) -> Iterator[Path]:
    """The logs that were written to since then, newest last, and the record of the deployment."""
    layout = run.configuration.layout
    logs = [path for path in layout.logs.glob("*.log") if path.is_file()] if layout.logs.is_dir() else []
    dated = sorted((path.stat().st_mtime, path) for path in logs)
    yield from (path for changed, path in dated if changed >= since and run.environment in path.name)
    record = layout.deployment(run.environment)
    if record.is_file():
        yield record
