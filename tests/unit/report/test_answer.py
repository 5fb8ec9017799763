"""The comment of an answer: the verdict first, what does not hold next, foreign words as words, never more than fits."""

from __future__ import annotations

import pytest

from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.report.answer import answer
from support import gfm
from support.report_stories import HOSTILE

MOST = 1024
PASSED, FAILED, UNKNOWN = StageStatus.PASSED, StageStatus.FAILED, StageStatus.CANNOT_TELL


def finding(check: str, status: StageStatus, text: str = "as it is") -> Finding:
    return Finding(check=check, status=status, text=text)


def written(*findings: Finding, exit_code: int = 1, reason: str = "") -> str:
    return answer(exit_code, "production", "a" * 40, findings, reason, MOST)


@pytest.mark.parametrize(
    ("exit_code", "word"), [(0, "Go"), (1, "No-go"), (3, "Cannot tell"), (4, "Altered"), (8, "Frozen"), (7, "Cannot tell")]
)
def test_the_verdict_comes_first(exit_code: int, word: str) -> None:
    text = written(finding("backup", PASSED), finding("approvals", FAILED), exit_code=exit_code)
    assert text.splitlines()[0][2:] == f"**{word}** for `production` at `aaaaaaaaaaaa`: 1 of 2 conditions hold"


def test_what_does_not_hold_comes_before_what_does() -> None:
    text = written(finding("backup", PASSED), finding("monitored", UNKNOWN), finding("approvals", FAILED))
    assert [line.split()[2] for line in text.splitlines() if line.startswith("- ")] == [
        "approvals:",
        "monitored:",
        "backup:",
    ]


def test_without_conditions_the_reason_stands_there() -> None:
    assert written(reason="GitHub gave no answer").splitlines()[-1] == "GitHub gave no answer"


@pytest.mark.parametrize("length", [10, 200, 5000])
@pytest.mark.parametrize("character", ["x", "@", "é", "❌", "[", "\n"])
def test_it_never_gets_longer_than_github_takes(character: str, length: int) -> None:
    text = written(*(finding(f"condition {number}", FAILED, character * length) for number in range(60)))
    assert len(text.encode()) <= MOST
    assert text.splitlines()[-1].endswith("more; the run has them all")


@pytest.mark.parametrize("word", HOSTILE)
def test_foreign_words_stay_words(word: str) -> None:
    text = written(finding(word, FAILED, word), finding("backup", PASSED), reason=word)
    plain = written(finding("check", FAILED, "text"), finding("backup", PASSED))
    assert gfm.structure(text) == gfm.structure(plain)
    assert gfm.references(text) == []
    assert gfm.structure(written(reason=word)) == gfm.structure(written(reason="plain"))
