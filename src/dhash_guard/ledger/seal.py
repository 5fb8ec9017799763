"""Seals evidence: redacted, in canonical bytes, hashed, and entered into the ledger."""

from __future__ import annotations

from pathlib import Path

from dhash_guard.ledger import chain
from dhash_guard.records.canonical import canonical, digest, sha256_hex
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import Layout
from dhash_guard.system import Machine
from dhash_guard.system.redaction import Redactor

EVIDENCE_FILE = "evidence.json"


def redacted(evidence: Evidence, redactor: Redactor) -> Evidence:
    """The evidence without any known secret; everything that is shown or kept is made from this one."""
    return from_data(Evidence, redactor.data(to_data(evidence)))


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
