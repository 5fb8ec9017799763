"""Every kind of report: what it says is read, and whatever is not whole says nothing."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.records.vulnerability import Severity
from dhash_guard.scanners import Report, scan
from dhash_guard.scanners.cvss import base_score
from dhash_guard.scanners.npm_audit import NpmAudit
from dhash_guard.scanners.osv_scanner import OsvScanner
from dhash_guard.scanners.pip_audit import PipAudit
from dhash_guard.scanners.sarif import Sarif
from unit.scanners.reports import NPM6, NPM7, NPM7_CLEAN, OSV, PIP, SARIF

NPM = NpmAudit(kind="npm-audit", path="x")
PIPS = PipAudit(kind="pip-audit", path="x")
OSVS = OsvScanner(kind="osv-scanner", path="x")
SARIFS = Sarif(kind="sarif", path="x")
WHOLE: list[tuple[Report, dict[str, Any]]] = [(NPM, NPM7), (NPM, NPM6), (PIPS, PIP), (OSVS, OSV), (SARIFS, SARIF)]


def read(report: Report, data: Any) -> list[tuple[str, str, str, Severity | None, str]]:
    found = scan(report, json.dumps(data).encode(), "x")
    assert not found.problem, found.problem
    return [(one.id, one.package, one.version, one.severity, one.mend) for one in found.found]


def refused(report: Report, content: bytes) -> str:
    found = scan(report, content, "x")
    assert found.problem
    assert found.found == ()
    return found.problem


def test_npm_7_and_later() -> None:
    assert read(NPM, NPM7) == [("GHSA-xvch-5gv4-984h", "minimist", "<0.2.4", Severity.CRITICAL, "use mkdirp 1.0.4")]
    assert read(NPM, NPM7_CLEAN) == []


def test_npm_6() -> None:
    assert read(NPM, NPM6) == [("npm-118", "minimatch", "3.0.0", Severity.MEDIUM, "use >=3.0.2")]


def test_pip_audit_states_no_severity() -> None:
    assert read(PIPS, PIP) == [
        ("PYSEC-2019-179", "flask", "0.5", None, "use 1.0"),
        ("not-examined", "ours", "", None, ""),
    ]
    assert read(PIPS, PIP["dependencies"]) == read(PIPS, PIP), "older versions write the list alone"


def test_osv_scanner() -> None:
    assert read(OSVS, OSV) == [
        ("GHSA-jf85-cpcp-j695", "lodash", "4.17.4", Severity.CRITICAL, "use 4.17.12"),
        ("OSV-1", "left", "1", None, ""),
        ("OSV-2", "left", "1", Severity.MEDIUM, ""),
    ]
    assert read(OSVS, {"results": []}) == []


def test_sarif_knows_a_severity_only_from_security_severity() -> None:
    assert [(one[0], one[3]) for one in read(SARIFS, SARIF)] == [
        ("CVE-1", Severity.HIGH), ("CVE-2", None), ("CVE-1", Severity.HIGH),
    ]  # fmt: skip
    assert len(read(Sarif(kind="sarif", path="x", suppressions=True), SARIF)) == 2
    assert scan(SARIFS, json.dumps(SARIF).encode(), "x").found[0].place == "src/a.py:7"


@pytest.mark.parametrize(("report", "data"), WHOLE)
def test_a_report_that_is_cut_off_anywhere_tells_nothing(report: Report, data: dict[str, Any]) -> None:
    content = json.dumps(data).encode()
    for length in range(0, len(content) - 1, 7):
        refused(report, content[:length])


@pytest.mark.parametrize("report", [NPM, PIPS, OSVS, SARIFS])
@pytest.mark.parametrize(
    "content",
    [b"", b" \n", b"\xef\xbb\xbf", b"\xff\xfe", b"{}", b"[]", b"null", b"0", b'"x"', b"[[[", b"npm ERR! x", b"\xff"],
)
def test_what_is_no_report_tells_nothing(report: Report, content: bytes) -> None:
    refused(report, content)


@pytest.mark.parametrize(
    ("report", "data", "said"),
    [
        (NPM, {"error": {"code": "ENOLOCK", "summary": "needs a lockfile"}}, "needs a lockfile"),
        (NPM, {"message": "gone", "error": "Bad Gateway"}, "Bad Gateway"),
        (NPM, {**NPM7, "vulnerabilities": {}}, "counts 2 but holds 0"),
        (NPM, {**NPM6, "advisories": {}}, "counts 3 but holds 0"),
        (NPM, {"vulnerabilities": {}}, "has no metadata"),
        (PIPS, {"dependencies": []}, "names no package"),
        (PIPS, {"dependencies": [{"name": "x", "version": "1"}]}, "vulns of x"),
        (OSVS, {"results": None}, "results"),
        (OSVS, {"results": [{"packages": [{"package": {"name": "x"}, "groups": [{"ids": ["A"]}]}]}]}, "not whole"),
        (SARIFS, {**SARIF, "version": "2.0.0"}, "not 2.1"),
        (SARIFS, {**SARIF, "runs": []}, "no run"),
        (SARIFS, {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}}]}, "results"),
        (
            SARIFS,
            {"version": "2.1.0", "runs": [{**SARIF["runs"][0], "invocations": [{"executionSuccessful": False}]}]},
            "did not run to its end",
        ),
    ],
)
def test_a_report_that_says_it_failed_tells_nothing(report: Report, data: Any, said: str) -> None:
    assert said in refused(report, json.dumps(data).encode())


def test_a_package_that_the_report_leaves_out_is_missed() -> None:
    cut = copy.deepcopy(NPM7)
    cut["vulnerabilities"]["other"] = cut["vulnerabilities"].pop("minimist")
    cut["vulnerabilities"]["other"]["via"] = ["mkdirp"]
    refused(NPM, json.dumps(cut).encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_reports_that_a_shell_redirected_are_read(encoding: str) -> None:
    assert len(scan(NPM, json.dumps(NPM7).encode(encoding), "x").found) == 1


def test_npm_without_a_word_is_rated_by_its_vector() -> None:
    data = copy.deepcopy(NPM7)
    advisory = data["vulnerabilities"]["minimist"]["via"][0]
    del advisory["severity"]
    advisory["cvss"]["score"] = 0
    assert read(NPM, data)[0][3] is Severity.CRITICAL
    advisory["cvss"] = {"score": 0, "vectorString": None}
    assert read(NPM, data)[0][3] is None, "never low"


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", 5.9),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C", 9.8),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5),
        ("(AV:N/AC:M/Au:N/C:N/I:P/A:N)", 4.3),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("CVSS:3.1/AV:N/AC:L", None),
        ("CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_base_scores_are_those_of_the_specification(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(WHOLE), JSON, st.data())
def test_no_report_breaks_the_reader(whole: tuple[Report, dict[str, Any]], value: Any, data: st.DataObject) -> None:
    """Any one value of a report may be anything: it is read, or it is a problem."""
    report, content = whole[0], copy.deepcopy(whole[1])
    at: Any = content
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        if not (isinstance(at[key], (dict, list)) and at[key]) or data.draw(st.booleans()):
            at[key] = value
            break
        at = at[key]
    found = scan(report, json.dumps(content).encode(), "x")
    assert bool(found.problem) <= (found.found == ())
