"""Checks sealed evidence offline: every hash, and whether the samples still lead to the verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import frozen

from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.watch import Watch, judge
from dhash_guard.ledger import chain, samples
from dhash_guard.records.canonical import canonical, digest, sha256_hex
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import Layout


@frozen(kw_only=True)
class Proof:
    """What was checked and held."""

    run: str
    evidence: str
    entry: int
    ticks: int
    verdict: str


def load(path: Path) -> Evidence:
    """Read an evidence file without checking it against anything; raise Damaged where it is none."""
    try:
        data = json.loads(path.read_bytes())
        return from_data(Evidence, data)
    except OSError as problem:
        raise CannotTell(f"cannot read the evidence: {problem.strerror}", where=str(path)) from problem
    except ValueError as problem:
        raise Damaged(f"not an evidence record: {problem}", where=str(path)) from problem


def verify(layout: Layout, path: Path) -> Proof:
    """Recompute everything; raise Damaged naming the first thing that differs, CannotTell where nothing is sealed."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise CannotTell(f"cannot read the evidence: {problem.strerror}", where=str(path)) from problem
    entries = [entry for entry in chain.read(layout.ledger) if entry.run == path.parent.name]
    if not entries:
        raise CannotTell("no ledger entry seals this run", where=str(path), cure="An unsealed record proves nothing.")
    entry = entries[-1]
    if sha256_hex(content) != entry.evidence:
        raise Damaged(f"the evidence was changed: {_difference(content, entry)}", where=str(path))
    evidence = load(path)
    count = _verify_samples(path.parent, evidence)
    _verify_verdict(path.parent, evidence)
    return Proof(
        run=evidence.run.id,
        evidence=entry.evidence,
        entry=entry.sequence,
        ticks=count,
        verdict=evidence.verdict.status.value if evidence.verdict is not None else "none given",
    )


def _difference(content: bytes, entry: chain.Entry) -> str:
    """Name the first section that no longer has the hash the ledger knows."""
    try:
        data = json.loads(content)
    except ValueError:
        return "it is no JSON any more"
    if not isinstance(data, dict):
        return "it is no record any more"
    for name in sorted(entry.sections.keys() | data.keys()):
        if name not in data or name not in entry.sections:
            return f"section {name!r} was {'removed' if name not in data else 'added'}"
        if digest(data[name]) != entry.sections[name]:
            return f"section {name!r}"
    return "its bytes (the values still agree)"


def _verify_samples(folder: Path, evidence: Evidence) -> int:
    if evidence.samples is None:
        return 0
    path = folder / evidence.samples.file
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise Damaged(f"the samples are gone: {problem.strerror}", where=str(path)) from problem
    try:
        count = sum(1 for _ in samples.read_linked(path))
    except ValueError as problem:
        raise Damaged(str(problem), where=str(path)) from problem
    if count != evidence.samples.count or sha256_hex(content) != evidence.samples.sha256:
        raise Damaged(f"{count} samples, the evidence knows {evidence.samples.count}", where=str(path))
    return count


def _verify_verdict(folder: Path, evidence: Evidence) -> None:
    """Judge the samples again and compare the verdict's bytes."""
    if evidence.verdict is None or evidence.judged is None or evidence.samples is None:
        return
    judged, told = evidence.judged, evidence.verdict
    watch = Watch(
        {name: from_data(Gate, judged.gates[name]) for name in judged.order},
        from_data(WatchPlan, judged.plan),
        started_at=told.started_at,
        automatic=judged.automatic,
        baseline=judged.baseline,
    )
    again = judge(samples.read_linked(folder / evidence.samples.file), watch, told.ending)
    ours, theirs = _as_told(again), _as_told(told)
    if ours != theirs:
        first = next((name for name in ours if ours.get(name) != theirs.get(name)), "a field")
        text = (
            f"the samples lead to another verdict: {first} is {ours.get(first)!r}, the evidence says {theirs.get(first)!r}"
        )
        raise Damaged(text, where=str(folder))


def _as_told(verdict: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(canonical(to_data(verdict)))
    return data
