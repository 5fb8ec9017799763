"""Makes the few lines with which a gate answers for a protection rule: the verdict first, then what does not hold."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.report.escape import Md, clip, code, markdown
from dhash_guard.report.words import STAGES, plural

_WORDS = {0: ("✅", "Go"), 1: ("❌", "No-go"), 3: ("❔", "Cannot tell"), 4: ("❌", "Altered"), 8: ("❌", "Frozen")}
_ORDER = (StageStatus.FAILED, StageStatus.CANNOT_TELL, StageStatus.PASSED)
_LONGEST_LINE = 240
"""Bytes, so that one long condition does not hide the others."""


def answer(exit_code: int, environment: str, commit: str, findings: Sequence[Finding], reason: str, most: int) -> Md:
    """Markdown of at most `most` bytes; `reason` stands where there are no findings. All words but ours are foreign."""
    symbol, word = _WORDS.get(exit_code, _WORDS[3])
    held = sum(finding.status is StageStatus.PASSED for finding in findings)
    counted = f": {held} of {plural(len(findings), 'condition')} hold" if findings else ""
    head = f"{symbol} **{word}** for {code(clip(environment, 60))} at {code(commit[:12])}{counted}"
    lines = [_line(one) for one in sorted(findings, key=_rank)] or [_fitted(reason)]
    return Md("\n".join([head, "", *_cut(lines, most - len(head.encode()) - 2)]))


def _rank(finding: Finding) -> int:
    return _ORDER.index(finding.status) if finding.status in _ORDER else 0


def _line(finding: Finding) -> str:
    mark = STAGES[finding.status]
    return f"- {mark.symbol} {_fitted(f'{finding.check}: {finding.text}')}"


def _fitted(text: str) -> str:
    """Escaped, and no longer than a line may be: what has to be escaped grows."""
    for kept in (160, 80, 40, 20):
        written = markdown(clip(text, kept))
        if len(written.encode()) <= _LONGEST_LINE:
            return written
    return "(its words do not fit here)"


def _cut(lines: Sequence[str], room: int) -> list[str]:
    """As many lines as fit, and how many do not."""
    for kept in range(len(lines), -1, -1):
        left = len(lines) - kept
        shown = [*lines[:kept], *([f"- and {left} more; the run has them all"] if left else [])]
        if len("\n".join(shown).encode()) <= room:
            return shown
    return []
