"""The thresholds of the security leg: what blocks, what warns, what is borne, and what cannot be told."""

from __future__ import annotations

import pytest

from dhash_guard.config.verbs import Allowance, Instant, SecuritySettings
from dhash_guard.records.stage import StageStatus
from dhash_guard.records.vulnerability import Scan, Severity, Vulnerability
from dhash_guard.rollout.security import Judged, judge
from dhash_guard.scanners.pip_audit import PipAudit

NOW = 1_000_000.0


def one(severity: Severity | None, package: str = "lodash", **more: str | tuple[str, ...] | bool) -> Vulnerability:
    return Vulnerability(id="GHSA-1", package=package, severity=severity, **more)  # type: ignore[arg-type]  # test builder


def judged(*found: Vulnerability, allow: tuple[Allowance, ...] = (), problem: str = "") -> Judged:
    scan = Scan(kind="npm-audit", source="npm audit", found=found, problem=problem)
    return judge([scan], SecuritySettings(allow=allow), NOW)


@pytest.mark.parametrize(
    ("severity", "counts"),
    [
        (Severity.CRITICAL, (1, 0, 0)),
        (Severity.HIGH, (0, 0, 1)),
        (Severity.MEDIUM, (0, 0, 0)),
        (Severity.LOW, (0, 0, 0)),
        (None, (0, 1, 0)),
    ],
)
def test_critical_blocks_and_high_warns(severity: Severity | None, counts: tuple[int, int, int]) -> None:
    got = judged(one(severity))
    assert (got.blocking, got.unknown, got.warned) == counts


def test_the_worst_stands_first_and_names_what_mends_it() -> None:
    got = judged(
        one(Severity.HIGH, "a"), one(None, "b"), one(Severity.CRITICAL, "c", mend="use 2.0", title="Bad"), problem="is empty"
    )
    assert [finding.status for finding in got.findings] == [
        StageStatus.FAILED, StageStatus.CANNOT_TELL, StageStatus.CANNOT_TELL, StageStatus.PASSED,
    ]  # fmt: skip
    assert got.findings[0].text == "critical: GHSA-1 Bad"
    assert got.findings[0].cure == "c: use 2.0."
    assert got.findings[3].warned


def allowance(until: float, **more: str) -> Allowance:
    return Allowance(**{"id": "ghsa-1", "reason": "not reached", "until": Instant(until), **more})  # type: ignore[arg-type]


def test_an_allowance_holds_until_its_end_and_is_said() -> None:
    got = judged(one(Severity.CRITICAL), allow=(allowance(NOW + 1),))
    assert (got.blocking, got.allowed) == (0, 1)
    assert "allowed until" in got.findings[0].text
    got = judged(one(Severity.CRITICAL), allow=(allowance(NOW),))
    assert got.blocking == 1
    assert "its allowance ended" in got.findings[0].text


def test_an_allowance_knows_aliases_and_may_name_a_package() -> None:
    alias = allowance(NOW + 1, id="CVE-1")
    assert judged(one(Severity.CRITICAL, known_as=("CVE-1",)), allow=(alias,)).blocking == 0
    assert judged(one(Severity.CRITICAL), allow=(alias,)).blocking == 1
    assert judged(one(Severity.CRITICAL), allow=(allowance(NOW + 1, package="other"),)).blocking == 1


def test_unrated_is_rated_by_the_configuration_but_unseen_is_not() -> None:
    report = PipAudit(kind="pip-audit", path="audit.json", unrated=Severity.CRITICAL)
    scan = Scan(kind="pip-audit", source="audit.json", found=(one(None), one(None, "ours", examined=False)))
    got = judge([scan], SecuritySettings(reports=(report,)), NOW)
    assert (got.blocking, got.unknown) == (1, 1)
    assert "as the configuration rates it" in got.findings[0].text


def test_what_two_reports_name_counts_once() -> None:
    scan = Scan(kind="npm-audit", source="a", found=(one(Severity.CRITICAL),))
    assert judge([scan, scan], SecuritySettings(), NOW).blocking == 1
