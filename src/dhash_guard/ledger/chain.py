"""Keeps the ledger: one line per sealed record, each carrying the hash of the line before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from dhash_guard.errors import Damaged
from dhash_guard.records.canonical import canonical, digest, loads
from dhash_guard.records.layout import Layout
from dhash_guard.system import Machine

_FIRST = "0" * 64


@frozen(kw_only=True)
class Entry:
    """One line of the ledger; `sections` maps each part of the evidence to its sha256."""

    sequence: int
    at: float
    environment: str
    run: str
    verb: str
    result: str
    evidence: str
    sections: dict[str, str]
    previous: str
    hash: str

    def body(self) -> dict[str, Any]:
        """What `hash` is taken over."""
        return {
            "sequence": self.sequence,
            "at": self.at,
            "environment": self.environment,
            "run": self.run,
            "verb": self.verb,
            "result": self.result,
            "evidence": self.evidence,
            "sections": self.sections,
            "previous": self.previous,
        }


def read(path: Path) -> list[Entry]:
    """Every entry, the chain checked; raise Damaged naming the first line that does not hold.

    A torn last line (a writer that was killed) is no entry; whatever it was to record is still on disk, unsealed.
    """
    if not path.exists():
        return []
    entries: list[Entry] = []
    previous = _FIRST
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            break
        where = f"{path.name}:{number}"
        try:
            data = loads(line)
            entry = Entry(**data)
        except (ValueError, TypeError) as problem:
            raise Damaged("the ledger line is no record", where=where) from problem
        if canonical(data) + b"\n" != line or entry.hash != digest(entry.body()):
            raise Damaged("the ledger line was changed", where=where)
        if entry.previous != previous or entry.sequence != number:
            raise Damaged("the ledger line does not follow the one before it", where=where)
        previous = entry.hash
        entries.append(entry)
    return entries


def append(machine: Machine, layout: Layout, **facts: Any) -> Entry:
    """Add one entry under the ledger's lock; raise Damaged where the chain so far does not hold."""
    with machine.files.lock(layout.state / "locks" / "ledger.lock", "another command's entry", wait=30.0):
        entries = read(layout.ledger)
        body = {
            **facts,
            "sequence": len(entries) + 1,
            "previous": entries[-1].hash if entries else _FIRST,
        }
        entry = Entry(**body, hash=digest(body))
        _drop_torn_tail(machine, layout.ledger)
        machine.files.append(layout.ledger, canonical(entry.body() | {"hash": entry.hash}) + b"\n", durable=True)
    return entry


def _drop_torn_tail(machine: Machine, path: Path) -> None:
    """A half line left by a killed writer would swallow the next one."""
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n") and content:
        machine.files.write_atomic(path, content[: content.rfind(b"\n") + 1])
