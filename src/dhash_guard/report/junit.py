"""Writes the stages of a run as JUnit XML, which every CI system reads."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.stage import StageStatus

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_KINDS = {StageStatus.FAILED: "failure", StageStatus.CANNOT_TELL: "error", StageStatus.SKIPPED: "skipped"}


def junit(evidence: Evidence) -> bytes:
    """One suite per stage, one case per finding; a case that could not be told is an error, one left out is skipped."""
    root = ElementTree.Element("testsuites", name="dhash-guard")
    for stage in evidence.stages:
        cases = stage.findings
        failed = sum(case.status is StageStatus.FAILED for case in cases)
        unknown = sum(case.status is StageStatus.CANNOT_TELL for case in cases)
        skipped = sum(case.status is StageStatus.SKIPPED for case in cases)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_clean(stage.name),
            tests=str(len(cases)),
            failures=str(failed),
            errors=str(unknown),
            skipped=str(skipped),
            time=f"{stage.seconds:.3f}",
        )
        for case in cases:
            name = f"{evidence.run.service}.{evidence.run.environment}"
            element = ElementTree.SubElement(
                suite, "testcase", classname=_clean(name), name=_clean(case.check), time=f"{case.seconds or 0:.3f}"
            )
            kind = _KINDS.get(case.status)
            if kind is not None:
                told = ElementTree.SubElement(element, kind, message=_clean(case.text))
                told.text = _clean(case.cure) or None
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _clean(text: str) -> str:
    """XML has no place for control characters, not even escaped."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
