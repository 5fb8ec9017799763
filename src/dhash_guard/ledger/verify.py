"""Checks sealed evidence offline: every hash, and whether the samples still lead to the verdict."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.watch import Watch, judge
from dhash_guard.ledger import chain, samples
from dhash_guard.records.canonical import canonical, digest, loads, sha256_hex
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.evidence import Evidence, Samples
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
        content = path.read_bytes()
    except OSError as problem:
        raise CannotTell(f"cannot read the evidence: {problem.strerror}", where=str(path)) from problem
    return parsed(content, str(path))


def recomputed(content: bytes, beside: Mapping[str, bytes], where: str) -> Evidence:
    """Evidence that no ledger here knows, recomputed from its own bytes and those of the files `beside` it, by name.

    This proves that it holds together, not who made it. Raise Damaged naming the first thing that differs.
    """
    evidence = parsed(content, where)
    try:
        if canonical(to_data(evidence)) != content:
            raise Damaged("the evidence is not in canonical form", where=where)
        if evidence.samples is not None:
            lines = beside.get(evidence.samples.file)
            if lines is None:
                raise Damaged(f"the samples are gone: {evidence.samples.file[:80]!r}", where=where)
            _compare_samples(lines, evidence.samples, where)
            _compare_verdict(lines, evidence, where)
        if evidence.verdict is not None and (evidence.samples is None or evidence.judged is None):
            raise Damaged("there is a verdict without anything that it follows from", where=where)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as problem:
        raise Damaged(f"the evidence does not hold together: {str(problem)[:200]}", where=where) from problem
    return evidence


def parsed(content: bytes, where: str) -> Evidence:
    """Evidence as its bytes say, checked against nothing; raise Damaged where they are none."""
    try:
        return from_data(Evidence, loads(content))
    except (ValueError, TypeError, RecursionError) as problem:
        raise Damaged(f"not an evidence record: {problem}", where=where) from problem


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
    count = 0
    if evidence.samples is not None:
        lines = _samples_of(path.parent / evidence.samples.file)
        count = _compare_samples(lines, evidence.samples, str(path.parent / evidence.samples.file))
        _compare_verdict(lines, evidence, str(path.parent))
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
        data = loads(content)
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


def _samples_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Damaged(f"the samples are gone: {problem.strerror}", where=str(path)) from problem


def _compare_samples(lines: bytes, told: Samples, where: str) -> int:
    try:
        count = sum(1 for _ in samples.linked(io.BytesIO(lines), told.file))
    except ValueError as problem:
        raise Damaged(str(problem), where=where) from problem
    if count != told.count or sha256_hex(lines) != told.sha256:
        raise Damaged(f"{count} samples, the evidence knows {told.count}", where=where)
    return count


def _compare_verdict(lines: bytes, evidence: Evidence, where: str) -> None:
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
    again = judge(samples.linked(io.BytesIO(lines), evidence.samples.file), watch, told.ending)
    ours, theirs = _as_told(again), _as_told(told)
    if ours != theirs:
        first = next((name for name in ours if ours.get(name) != theirs.get(name)), "a field")
        text = (
            f"the samples lead to another verdict: {first} is {ours.get(first)!r}, the evidence says {theirs.get(first)!r}"
        )
        raise Damaged(text, where=where)


def _as_told(verdict: Any) -> dict[str, Any]:
    data: dict[str, Any] = loads(canonical(to_data(verdict)))
    return data
