"""Reads what vulnerability scanners report: each kind of report is one file here and one member of the union below."""

from __future__ import annotations

from dhash_guard.records.vulnerability import Scan
from dhash_guard.scanners.npm_audit import NpmAudit
from dhash_guard.scanners.osv_scanner import OsvScanner
from dhash_guard.scanners.pip_audit import PipAudit
from dhash_guard.scanners.reading import Unreadable, parsed
from dhash_guard.scanners.sarif import Sarif

Report = NpmAudit | PipAudit | OsvScanner | Sarif
"""Every kind of report; the type checker, the JSON Schema and the errors all read this union."""

LARGEST = 64 * 1024 * 1024
"""Bytes of a report that are read; one that is larger tells nothing."""


def scan(report: Report, content: bytes, source: str) -> Scan:
    """What the report says. Whatever is empty, cut off or of another form is a problem, never a clean bill of health."""
    try:
        found = report.read(parsed(content, LARGEST))
    except Unreadable as problem:
        return Scan(kind=report.kind, source=source, problem=str(problem))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as problem:
        detail = f"{type(problem).__name__}: {problem}"[:200]
        return Scan(kind=report.kind, source=source, problem=f"is no report of {report.kind} that is known here ({detail})")
    return Scan(kind=report.kind, source=source, found=tuple(dict.fromkeys(found)))
