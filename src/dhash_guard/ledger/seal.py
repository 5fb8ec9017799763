"""Seals evidence: redacted, in canonical bytes, hashed, and entered into the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dhash_guard.ledger import chain
from dhash_guard.records.canonical import canonical, digest, sha256_hex
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import Layout
from dhash_guard.system import Machine
from dhash_guard.system.redaction import Redactor

EVIDENCE_FILE = "evidence.json"

_FREE = {"text", "reason", "cure", "detail", "counterfactual", "check", "warnings", "actor"}
"""The fields that people, services and commands fill; all others hold names, numbers and words of ours."""


def redacted(evidence: Evidence, redactor: Redactor) -> Evidence:
    """The evidence without any known secret; everything that is shown or kept is made from this one.

    Only free text is cleaned: a secret that happens to be a word of ours (`production`) must not break the record.
    """
    return from_data(Evidence, _cleaned(to_data(evidence), redactor, free=False))


def _cleaned(data: Any, redactor: Redactor, *, free: bool) -> Any:
    if isinstance(data, str):
        return redactor.text(data) if free else data
    if isinstance(data, dict):
        return {key: _cleaned(value, redactor, free=key in _FREE) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_cleaned(value, redactor, free=free) for value in data]
    return data


def seal(machine: Machine, layout: Layout, evidence: Evidence) -> Path:
    """Write the redacted evidence of a run and enter it into the ledger; return the file.

    The file is written first: killed in between, it stands there unsealed and proves nothing.
    """
    data = to_data(evidence)
    content = canonical(data)
    path = layout.run(evidence.run.environment, evidence.run.id) / EVIDENCE_FILE
    machine.files.make_directory(path.parent)
    machine.files.write_atomic(path, content)
    chain.append(
        machine,
        layout,
        at=evidence.run.ended_at,
        environment=evidence.run.environment,
        run=evidence.run.id,
        verb=evidence.run.verb,
        result=evidence.result,
        evidence=sha256_hex(content),
        sections={name: digest(section) for name, section in data.items()},
    )
    return path
