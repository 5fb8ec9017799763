"""Decides how the list of backups looks: when each was sealed, verified and drilled, or why it is bad."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from dhash_guard.backup import facade as backup
from dhash_guard.backup.retention import SLACK
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.codec import to_data
from dhash_guard.records.layout import Layout
from dhash_guard.records.receipt import Proof, Receipt
from dhash_guard.records.units import format_bytes
from dhash_guard.report.escape import terminal
from dhash_guard.rollout.remote import Place

_HEAD = ("", "backup", "sealed", "verified", "drilled", "age", "size", "where", "")
_NEVER = "never"


@frozen(kw_only=True)
class Entry:
    """A backup with what was proven of it last; `age` is seconds since it was sealed."""

    facts: BackupFacts
    place: Place
    age: float
    verified: Receipt | None
    drilled: Receipt | None

    def data(self) -> dict[str, Any]:
        """The facts, with `place`, `age`, `verified` and `drilled` beside them."""
        found: dict[str, Any] = to_data(self.facts) | {"place": self.place.value}
        return found | {"age": self.age, "verified": to_data(self.verified), "drilled": to_data(self.drilled)}


def entries(layout: Layout, known: Sequence[tuple[BackupFacts, Place]], now: float) -> list[Entry]:
    """Every sealed backup in the order of `known`, with what was proven of it."""
    found = []
    for facts, place in known:
        receipts = backup.receipts_of(layout, facts)
        verified, drilled = (backup.latest(receipts, proof, now) for proof in (Proof.VERIFIED, Proof.DRILLED))
        age = round(now - facts.sealed_at, 3)
        found.append(Entry(facts=facts, place=place, age=age, verified=verified, drilled=drilled))
    return found


def table(found: list[Entry]) -> str:
    """The entries for people, in columns; what is bad says why."""
    rows = [_HEAD, *(_row(entry) for entry in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    facts, size = entry.facts, format_bytes(entry.facts.size)
    name = terminal(facts.name)
    if facts.problem:
        return ("✗", name, "", "", "", "", size, entry.place.value, terminal(facts.problem))
    kind = "" if facts.purpose is Purpose.BACKUP else f" ({facts.purpose.value})"
    good = all(receipt is None or receipt.ok for receipt in (entry.verified, entry.drilled))
    bad = next((r.problem for r in (entry.verified, entry.drilled) if r is not None and not r.ok), "")
    note = (
        terminal(bad)
        if bad
        else f"{facts.members} {'entry' if facts.members == 1 else 'entries'}, {', '.join(facts.components)}{kind}"
    )
    note += f"; {terminal(facts.note)}" if facts.note else ""
    mark = "✓" if good else "✗"
    proofs = (when(facts.sealed_at), _proof(entry.verified), _proof(entry.drilled), aged(entry.age))
    return (mark, name, *proofs, size, entry.place.value, note)


def _proof(receipt: Receipt | None) -> str:
    if receipt is None:
        return _NEVER
    return when(receipt.at) if receipt.ok else f"failed {when(receipt.at)}"


def when(at: float) -> str:
    """A moment as every list of backups writes it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}Z"


def aged(seconds: float) -> str:
    """In the two largest units; what is dated in the future says so."""
    if seconds < -SLACK:
        return "in the future"
    seconds = max(0.0, seconds)
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days}d{hours % 24}h"
    return f"{hours}h{minutes % 60}m" if hours else f"{minutes}m" if minutes else f"{int(seconds)}s"
