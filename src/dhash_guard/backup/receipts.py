"""Remembers for each archive hash when it was read whole and when a drill put it back; lines that are only added."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dhash_guard import __version__
from dhash_guard.backup.archive.verify import verify
from dhash_guard.records.backup import BackupFacts, Verification
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_json, to_data
from dhash_guard.records.layout import Layout
from dhash_guard.records.receipt import Proof, Receipt, Result
from dhash_guard.system.machine import Machine

TOOL = f"dhash-guard {__version__}"


def read_whole(machine: Machine, layout: Layout, facts: BackupFacts) -> Verification:
    """Verify the archive and leave a receipt of it; raise as `verify` does. A dry run leaves none."""
    began = machine.clock.monotonic()
    found = verify(machine, layout, facts)
    note_verified(machine, layout, facts, found, machine.clock.monotonic() - began)
    return found


def note_verified(
    machine: Machine, layout: Layout, facts: BackupFacts, found: Verification, seconds: float | None = None
) -> bool:
    """Leave a receipt of a verification; False where none could be left, which changes nothing about what was found."""
    receipt = Receipt(
        proof=Proof.VERIFIED,
        at=machine.clock.now(),
        environment=facts.environment,
        backup=facts.name,
        sha256=facts.sha256,
        result=Result.PASSED if found.ok else Result.FAILED,
        files=found.members,
        bytes=found.bytes_read,
        seconds=None if seconds is None else round(seconds, 3),
        tool=TOOL,
        problem=found.problems[0] if found.problems else "",
    )
    try:
        return write(machine, layout, receipt)
    except OSError:
        return False


def write(machine: Machine, layout: Layout, receipt: Receipt) -> bool:
    """Add a receipt to those of its archive; False where there is no hash to file it under. Raise OSError."""
    if not _is_hash(receipt.sha256):
        return False
    machine.files.make_directory(layout.receipts)
    path = _path(layout, receipt.sha256)
    before = b"\n" if _ends_amid_a_line(path) else b""  # a full disk took half of the one before
    machine.files.append(path, before + canonical(to_data(receipt)) + b"\n", durable=True)
    return True


def receipts_of(layout: Layout, facts: BackupFacts) -> tuple[Receipt, ...]:
    """Everything that was proven of this very archive, oldest first; a failure counts only for the file that had it."""
    if not _is_hash(facts.sha256):
        return ()
    found = _read(_path(layout, facts.sha256))
    return tuple(
        receipt for receipt in found if receipt.sha256 == facts.sha256 and (receipt.ok or receipt.backup == facts.name)
    )


def receipts_for(layout: Layout, environment: str) -> tuple[Receipt, ...]:
    """Everything that was proven of backups of an environment, also of those that retention has removed, oldest first."""
    paths = sorted(layout.receipts.glob("*.jsonl")) if layout.receipts.is_dir() else []
    found = (receipt for path in paths for receipt in _read(path) if receipt.sha256 == path.stem)
    return tuple(sorted((r for r in found if r.environment == environment), key=lambda receipt: receipt.at))


def latest(receipts: Iterable[Receipt], proof: Proof, now: float) -> Receipt | None:
    """The newest receipt of this kind that is not dated after `now` (UTC epoch seconds); None where there is none."""
    fitting = [receipt for receipt in receipts if receipt.proof is proof and receipt.at <= now]
    return max(fitting, key=lambda receipt: receipt.at, default=None)


def _path(layout: Layout, sha256: str) -> Path:
    return layout.receipts / f"{sha256}.jsonl"


def _ends_amid_a_line(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # not there, or empty
        return False


def _is_hash(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _read(path: Path) -> Iterator[Receipt]:
    """The receipts of a file; a line that cannot be understood proves nothing."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield from_json(Receipt, line)
        except ValueError:
            continue
