"""What the jobs of premerge-validation.yml do for an entry of a merge queue: an answer for its commit, and no comment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from support.acting import REPOSITORY, SYSTEMS, merge_group
from support.project import Project, Result
from support.steps import run_step

BASE, HEAD, GROUP = "b" * 40, "a" * 40, "c" * 40
ALSO = "inputs.security-scan && needs.security-scan.result || 'success'"


@pytest.fixture
def hub() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as served:
        served.add_pull_request(number=7, head_sha=HEAD, head_ref="change", author="ada")
        yield served
        assert served.unknown_routes == []


def leave(base: Project, system: str, head: str = GROUP, **statuses: str) -> None:
    """What the leg of one system left."""
    said = {"check": "passed", "backup": "passed"} | statuses
    report = {
        "leg": system, "service": "dhash", "environment": "production", "commit": head, "result": "proceed", "exit_code": 0,
        "stages": [{"name": name, "status": status, "text": "said"} for name, status in said.items()],
        "evidence": "", "head": head, "run": "9000", "attempt": 0, "schema_version": 1,
    }  # fmt: skip
    path = base.root / "premerge_results" / f"premerge-{system}" / f"result-{system}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report))


def gate(base: Project, hub: Simulator, jobs: str = "success", also: str = "success") -> Result:
    known: dict[str, Any] = {"needs.premerge-validation.result": jobs, ALSO: also}
    event = merge_group(7, GROUP, BASE)
    return run_step(base, "premerge-validation.yml", "premerge-gate", "merge_group", event, hub.url, **known)


def test_the_gate_answers_for_the_commit_of_the_queue_and_asks_nobody(base: Project, hub: Simulator) -> None:
    for system in SYSTEMS:
        leave(base, system)
    done = gate(base, hub)
    assert done.code == 0, done.out
    assert "3 systems, 2 legs each" in done.out
    assert (hub.comments(7), len(hub.log)) == ([], 0)


@pytest.mark.parametrize(
    ("changes", "jobs", "also", "code"),
    [
        ({"backup": "failed"}, "failure", "success", 1),
        ({"backup": "skipped"}, "success", "success", 3),
        ({"head": HEAD}, "success", "success", 3),
        ({}, "cancelled", "success", 3),
        ({}, "success", "failure", 1),
        ({}, "success", "skipped", 3),
    ],
    ids=["a leg failed", "a leg was skipped", "results of the pull request", "cancelled", "the scan failed", "no scan"],
)
def test_what_is_no_success_fails_the_group_and_is_told_in_summary_and_annotation(
    base: Project, hub: Simulator, changes: dict[str, str], jobs: str, also: str, code: int
) -> None:
    for system in SYSTEMS[:2]:
        leave(base, system)
    leave(base, SYSTEMS[2], **changes)
    done = gate(base, hub, jobs, also)
    assert done.code == code, done.out
    assert "::error title=dhash-guard premerge%3A hold" in done.out
    assert (base.root.parent / "summary").read_text().startswith("## ❌" if code == 1 else "## ❔")
    assert (hub.comments(7), len(hub.log)) == ([], 0)


def test_a_leg_of_the_group_that_fails_writes_no_comment_either(base: Project, hub: Simulator) -> None:
    """The pull request's comment is about its head, which may be well although the group is not."""
    base.environment["check"] = {"files": ["missing.txt"]}
    base.write()
    known: dict[str, Any] = {"matrix.os": "ubuntu-latest"}
    event = merge_group(7, GROUP, BASE)
    done = run_step(base, "premerge-validation.yml", "premerge-validation", "merge_group", event, hub.url, **known)
    assert done.code == 1, done.out
    result = json.loads(Path(base.root, "premerge_artifacts/result-ubuntu-latest.json").read_bytes())
    assert result["head"] == GROUP
    assert (hub.comments(7), len(hub.log)) == ([], 0)
