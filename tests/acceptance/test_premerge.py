"""The rehearsal before a merge, through the installed program: every leg runs, each leaves its log, one result says how."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.project import Project


@pytest.fixture
def rehearsed(project: Project) -> Project:
    """The project with everything that a rehearsal looks at."""
    project.environment["deploy"]["plan"] = [sys.executable, "-c", "print('would switch')"]
    (project.root / "migrate.py").write_text('import json, sys\njson.dump({"schema": 2}, open(sys.argv[1], "w"))\n')
    project.environment["migrate"] = {
        "run": ["false"],
        "plan": [sys.executable, "migrate.py", "{output}"],
        "input": "library.json",
    }
    project.environment["smoke"] = [{"name": "health", "get": "/health", "quick": True}]
    project.environment["check"] = {
        "tools": {"python": {"run": [sys.executable, "--version"], "at_least": "3.11"}},
        "files": ["library.json"],
    }
    project.write()
    return project


def test_a_ready_project_proceeds(rehearsed: Project) -> None:
    before = (rehearsed.root / "library.json").read_bytes()
    done = rehearsed.guard("premerge", "--leg", "ubuntu-latest")
    assert done.code == 0, done.out + done.err
    artifacts = rehearsed.root / "premerge_artifacts"
    names = {path.name for path in artifacts.iterdir()}
    assert names == {
        "check.log", "backup.log", "deploy-dryrun.log", "migrate-dryrun.log", "postdeploy-smoketests.log",
        "deploy-dryrun.json", "migrate-dryrun.json", "result-ubuntu-latest.json", "junit.xml",
    }  # fmt: skip
    result = json.loads((artifacts / "result-ubuntu-latest.json").read_bytes())
    assert (result["result"], [stage["status"] for stage in result["stages"]]) == ("proceed", ["passed"] * 5)
    assert (rehearsed.root / "library.json").read_bytes() == before
    assert rehearsed.version == "good"
    assert not (rehearsed.root / "backups").exists(), "the backup is proven in a scratch copy"


def test_every_leg_runs_and_everything_wrong_is_said(rehearsed: Project) -> None:
    rehearsed.environment["check"]["files"].append("missing.txt")
    rehearsed.environment["check"]["variables"] = ["NOT_SET_ANYWHERE"]
    rehearsed.environment["migrate"]["plan"] = ["false"]
    rehearsed.write()
    done = rehearsed.guard("premerge")
    assert done.code == 1
    result = json.loads((rehearsed.root / "premerge_artifacts/result-local.json").read_bytes())
    assert [stage["status"] for stage in result["stages"]] == ["failed", "passed", "passed", "failed", "passed"]
    findings = result["stages"][0]["findings"]
    assert len(findings) == 2
    assert any("NOT_SET_ANYWHERE" in finding for finding in findings)


def test_a_leg_left_out_is_said_so(rehearsed: Project) -> None:
    rehearsed.environment["migrate"]["plan"] = ["false"]
    rehearsed.write()
    done = rehearsed.guard("premerge", "--skip", "migrate")
    assert done.code == 3, "what was left out is no success"
    result = json.loads((rehearsed.root / "premerge_artifacts/result-local.json").read_bytes())
    assert ("migrate", "skipped") in [(stage["name"], stage["status"]) for stage in result["stages"]]
    done = rehearsed.guard("premerge", "--skip", "migrat")
    assert done.code == 2
    assert "migrate" in done.err


def test_without_a_plan_nothing_can_be_told(rehearsed: Project) -> None:
    del rehearsed.environment["deploy"]["plan"]
    rehearsed.write()
    assert rehearsed.guard("premerge").code == 3


def test_a_backup_that_cannot_be_made_fails_the_rehearsal(rehearsed: Project) -> None:
    rehearsed.environment["backup"]["components"]["gone"] = {"paths": ["library.json"]}
    rehearsed.write()
    done = rehearsed.guard("premerge")
    assert done.code == 1
    assert "backup" in done.out


def test_the_service_is_started_for_the_smoke_checks_and_stopped_again(rehearsed: Project) -> None:
    rehearsed.service.routes["/health"] = lambda: (
        (200, b'{"status": "ok"}') if (rehearsed.root / "running").exists() else (503, b"")
    )
    touch = "import pathlib; pathlib.Path('running').touch()"
    remove = "import pathlib; pathlib.Path('running').unlink(); pathlib.Path('stopped').touch()"
    rehearsed.environment["service_control"] = {
        "start": [sys.executable, "-c", touch],
        "stop": [sys.executable, "-c", remove],
    }
    rehearsed.write()
    done = rehearsed.guard("premerge")
    assert done.code == 0, done.out + done.err
    assert (rehearsed.root / "stopped").exists()


def test_check_alone_looks_at_the_service_too(rehearsed: Project) -> None:
    assert rehearsed.guard("check").code == 0
    rehearsed.service.say("/health", {"status": "sick"})
    done = rehearsed.guard("check")
    assert done.code == 1
    assert "status sick" in done.out


def test_a_tool_that_is_too_old_or_missing_is_named(rehearsed: Project) -> None:
    rehearsed.environment["check"]["tools"] = {
        "python": {"run": [sys.executable, "--version"], "at_least": "99"},
        "no-such-tool": {},
    }
    rehearsed.write()
    done = rehearsed.guard("check")
    assert done.code == 1
    assert "needs 99" in done.out
    assert "no-such-tool" in done.out


CRITICAL = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "lodash": {
            "severity": "critical",
            "via": [
                {
                    "source": 1,
                    "url": "https://github.com/advisories/GHSA-jf85-cpcp-j695",
                    "severity": "critical",
                    "title": "T",
                }
            ],
            "fixAvailable": True,
        }
    },
    "metadata": {"vulnerabilities": {"critical": 1, "total": 1}},
}


def secured(project: Project, report: object, **security: object) -> int:
    """The exit code of a rehearsal whose scanner prints `report` and ends as scanners do that found something."""
    code = f"import sys; print({json.dumps(report)!r}); sys.exit(1)"
    reports = [{"kind": "npm-audit", "run": [sys.executable, "-c", code]}]
    project.settings["premerge"] = {"legs": ["security"], "security": {"reports": reports, **security}}
    project.write()
    return project.guard("premerge").code


def result_of(project: Project) -> list[dict[str, object]]:
    stages: list[dict[str, object]] = json.loads((project.root / "premerge_artifacts/result-local.json").read_bytes())[
        "stages"
    ]
    return stages


def test_a_critical_vulnerability_blocks_until_it_is_allowed(rehearsed: Project) -> None:
    assert secured(rehearsed, CRITICAL) == 1
    assert "lodash: critical: GHSA-jf85-cpcp-j695 T" in str(result_of(rehearsed)[0]["findings"])
    log = (rehearsed.root / "premerge_artifacts/security.log").read_text()
    assert log.startswith("security failed: ")
    allowance = {"id": "GHSA-jf85-cpcp-j695", "reason": "not reached", "until": "2999-01-01T00:00Z"}
    assert secured(rehearsed, CRITICAL, allow=[allowance]) == 0
    assert secured(rehearsed, CRITICAL, allow=[{**allowance, "until": "2020-01-01T00:00Z"}]) == 1
    assert secured(rehearsed, CRITICAL, allow=[{"id": "x", "until": "2999-01-01T00:00Z"}]) == 2, "without a reason"


def test_a_high_one_warns_and_what_is_not_whole_cannot_be_told(rehearsed: Project) -> None:
    high = json.loads(json.dumps(CRITICAL).replace('"critical"', '"high"'))
    assert secured(rehearsed, high) == 0
    assert result_of(rehearsed)[0]["warnings"]
    assert secured(rehearsed, {**high, "vulnerabilities": {}}) == 3
    rehearsed.settings["premerge"]["security"]["reports"] = [{"kind": "sarif", "path": "gone.sarif"}]
    rehearsed.write()
    assert rehearsed.guard("premerge").code == 3
    assert "gone.sarif cannot be read" in str(result_of(rehearsed)[0]["findings"])
    rehearsed.settings["premerge"]["security"]["reports"] = []
    rehearsed.write()
    assert rehearsed.guard("premerge").code == 3, "no report is no clean one"


def test_the_scan_is_a_verb_of_its_own(rehearsed: Project) -> None:
    """What the job `security-scan` runs: the same thresholds, its log and JUnit, nothing that passes for a rehearsal."""
    assert secured(rehearsed, CRITICAL) == 1
    artifacts = rehearsed.root / "premerge_artifacts"
    shutil.rmtree(artifacts)
    done = rehearsed.guard("security")
    assert (done.code, "GHSA-jf85-cpcp-j695" in done.out) == (1, True), done.out
    assert sorted(path.name for path in artifacts.iterdir()) == ["junit.xml", "security.log"]
    allowance = {"id": "GHSA-jf85-cpcp-j695", "reason": "not reached", "until": "2999-01-01T00:00Z"}
    rehearsed.settings["premerge"]["security"]["allow"] = [allowance]
    rehearsed.environment["requires"] = {"premerge": "proceed"}
    rehearsed.write()
    assert rehearsed.guard("security").code == 0
    assert rehearsed.guard("gate").code == 3, "a scan is no rehearsal"
    rehearsed.settings["premerge"]["security"]["reports"] = []
    rehearsed.write()
    assert rehearsed.guard("security").code == 3


def test_what_may_be_skipped_is_named_by_the_configuration(rehearsed: Project) -> None:
    rehearsed.settings["premerge"] = {"legs": ["check", "smoke"], "may_skip": ["smoke"]}
    rehearsed.write()
    assert rehearsed.guard("premerge", "--skip", "smoke").code == 0
    assert rehearsed.guard("premerge", "--skip", "check").code == 3
    assert rehearsed.guard("premerge", "--skip", "smoke", "--skip", "check").code == 3
    assert "left out" in (rehearsed.root / "premerge_artifacts/check.log").read_text()


def test_the_logging_leg_looks_at_the_logs(rehearsed: Project) -> None:
    rehearsed.settings["premerge"] = {"legs": ["logging"]}
    rehearsed.write()
    assert rehearsed.guard("premerge").code == 0
    (rehearsed.root / "monitor_logs/app.log").write_text("no json\n")
    assert rehearsed.guard("premerge").code == 1


def test_a_leg_leaves_what_its_commands_said_and_its_plan_as_data(rehearsed: Project) -> None:
    plan = [sys.executable, "-c", "import json; print(json.dumps({'switch': 'to {tag}'}))".replace("{tag}", "next")]
    rehearsed.environment["deploy"]["plan"] = plan
    rehearsed.settings["premerge"] = {"legs": ["deploy"]}
    rehearsed.write()
    assert rehearsed.guard("premerge").code == 0
    log = (rehearsed.root / "premerge_artifacts/deploy-dryrun.log").read_text().splitlines()
    assert log[0].startswith("deploy passed: ")
    assert '  {"switch": "to next"}' in log
    assert log[-1].startswith("= exit 0 after ")
    written = json.loads((rehearsed.root / "premerge_artifacts/deploy-dryrun.json").read_bytes())
    assert written["data"] == {"switch": "to next"}


HOSTILE = "<![CDATA[x]]> & \" ' <failure/> \x00\x1b[31m \ud800 ]]> \u202e &amp; <!-- -->"


def test_junit_holds_every_leg_and_stays_xml_whatever_is_said(rehearsed: Project) -> None:
    high = json.loads(json.dumps(CRITICAL).replace('"T"', json.dumps(HOSTILE)))
    secured(rehearsed, high)
    rehearsed.settings["premerge"]["legs"] = ["check", "security", "migrate", "smoke"]
    del rehearsed.environment["migrate"]
    rehearsed.write()
    assert rehearsed.guard("premerge", "--skip", "smoke").code == 1
    suites = ElementTree.parse(rehearsed.root / "premerge_artifacts/junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["check", "security", "migrate", "smoke"]
    for suite in suites:
        cases = list(suite)
        assert all(case.tag == "testcase" and case.get("name") and case.get("classname") for case in cases)
        counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")}
        told = {kind: int(suite.attrib[kind if kind == "skipped" else f"{kind}s"]) for kind in counts}
        assert (counts, len(cases)) == (told, int(suite.attrib["tests"]))
    failure = suites.find(".//failure")
    assert failure is not None
    assert "<![CDATA[x]]> & \" ' <failure/>" in failure.attrib["message"]


@pytest.mark.parametrize("leg", ["../up", "a/b", "", ".hidden", "x" * 65, "a b", "a\nb"])
def test_a_leg_has_a_name_for_files(rehearsed: Project, leg: str) -> None:
    assert rehearsed.guard("premerge", f"--leg={leg}").code == 2


def gated(project: Project, *arguments: str) -> tuple[int, str]:
    done = project.guard("premerge", "--gate", "results", *arguments)
    return done.code, done.out


def test_the_gate_answers_for_the_whole_matrix(rehearsed: Project, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=o", "-c", "user.email=o@example.com"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=rehearsed.root, check=True)
    rehearsed.settings["premerge"] = {"legs": ["check", "smoke"], "systems": ["linux", "mac"]}
    rehearsed.write()
    results = rehearsed.root / "results"
    for system in ("linux", "mac"):
        assert rehearsed.guard("premerge", "--leg", system).code == 0
        (results / f"premerge-{system}").mkdir(parents=True)
        name = f"result-{system}.json"
        (rehearsed.root / "premerge_artifacts" / name).rename(results / f"premerge-{system}" / name)
    assert gated(rehearsed, "--jobs", "success")[0] == 0
    assert gated(rehearsed, "--jobs", "failure")[0] == 1
    assert gated(rehearsed, "--jobs", "cancelled")[0] == 3
    assert gated(rehearsed, "--jobs", "fine")[0] == 2
    assert gated(rehearsed, "--jobs", "success", "--also", "success,failure")[0] == 1
    assert gated(rehearsed, "--jobs", "success", "--also", "success, skipped")[0] == 3
    assert gated(rehearsed, "--also", "fine")[0] == 2
    code, out = gated(rehearsed, "--expected", "windows")
    assert code == 3
    assert "windows: has not reported" in out
    path = results / "premerge-mac/result-mac.json"
    path.write_text(path.read_text().replace('"passed"', '"failed"', 1))
    code, out = gated(rehearsed)
    assert code == 1
    assert "mac check: failed" in out
    subprocess.run([*git, "commit", "-qm", "two", "--allow-empty"], cwd=rehearsed.root, check=True)
    assert gated(rehearsed)[0] == 3, "results of another commit"
    assert rehearsed.guard("premerge", "--gate", "nowhere").code == 3


def test_the_production_gate_asks_for_the_rehearsal_of_this_commit(rehearsed: Project) -> None:
    git = ["git", "-c", "user.name=o", "-c", "user.email=o@example.com"]
    rehearsed.environment["requires"] = {"premerge": "proceed"}
    rehearsed.settings["premerge"] = {"legs": ["check"], "may_skip": ["check"]}
    rehearsed.write()
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=rehearsed.root, check=True)
    done = rehearsed.guard("gate")
    assert done.code == 3
    assert "no rehearsal" in done.out
    assert rehearsed.guard("premerge").code == 0
    assert rehearsed.guard("gate").code == 0
    (rehearsed.root / "library.json").unlink()
    assert rehearsed.guard("premerge").code == 1
    done = rehearsed.guard("gate")
    assert done.code == 1
    assert "premerge: no-go" in done.out
    (rehearsed.root / "new").write_text("x")
    for command in (["add", "-A"], ["commit", "-qm", "two"]):
        subprocess.run([*git, *command], cwd=rehearsed.root, check=True)
    done = rehearsed.guard("gate")
    assert done.code == 3
    assert "is of commit" in done.out
