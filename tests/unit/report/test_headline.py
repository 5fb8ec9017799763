from __future__ import annotations

import shlex
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Decision, Ending, Status
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.headline import Situation, headline, next_action, situation
from support import report_stories as stories


def rolled(**changes: Any) -> Evidence:
    return evolve(stories.rolled_back()[0], **changes)


def decided(status: Status, decision: Decision, **changes: Any) -> Evidence:
    ending = changes.pop("ending", Ending.PLANNED)
    return stories.evidence(verdict=stories.verdict(status, decision, [], ending=ending), **changes)


@pytest.mark.parametrize(
    ("evidence", "came_to"),
    [
        (stories.healthy()[0], Situation.HEALTHY),
        (evolve(stories.healthy()[0], exit_code=1), Situation.FAILED),
        (decided(Status.CANNOT_TELL, Decision.PROCEED), Situation.FAILED),
        (rolled(), Situation.ROLLED_BACK),
        (rolled(exit_code=6), Situation.NEEDS_PERSON),
        (rolled(exit_code=0), Situation.NEEDS_PERSON),
        (rolled(run=stories.run(dry_run=True), exit_code=1), Situation.WOULD_ROLL_BACK),
        (decided(Status.DEGRADED, Decision.HOLD, exit_code=1), Situation.HELD),
        (decided(Status.CANNOT_TELL, Decision.HOLD, exit_code=3), Situation.CANNOT_TELL),
        (decided(Status.HEALTHY, Decision.HOLD, exit_code=3), Situation.CANNOT_TELL),
        (decided(Status.DEGRADED, Decision.HOLD, exit_code=3, ending=Ending.ABORTED), Situation.ABORTED),
        (stories.premerge(failed=False)[0], Situation.PASSED),
        (stories.premerge(failed=True)[0], Situation.FAILED),
        (evolve(stories.premerge(failed=True)[0], exit_code=0), Situation.FAILED),
        (stories.evidence(exit_code=3), Situation.CANNOT_TELL),
        (stories.evidence(stages=(stories.stage("x", 0, 1, StageStatus.CANNOT_TELL),)), Situation.CANNOT_TELL),
        (rolled(verdict=None, exit_code=0, stages=()), Situation.RESTORED),
    ],
)
def test_a_run_comes_to_what_its_record_proves(evidence: Evidence, came_to: Situation) -> None:
    assert situation(evidence) is came_to
    assert next_action(evidence).text


def test_commands_are_quoted_for_a_shell() -> None:
    evidence = decided(Status.DEGRADED, Decision.HOLD, run=stories.run(environment="x; rm -rf /"))
    assert shlex.split(next_action(evidence).command)[3] == "x; rm -rf /"


def test_the_headline_counts_everything() -> None:
    assert headline(stories.cannot_tell()[0]).counts == "2 of 6 gates healthy, 3 cannot tell, 1 not judged"
    assert headline(stories.premerge(failed=True)[0]).counts == "2 of 4 stages passed, 1 failed, 1 skipped"
    assert headline(stories.evidence()).counts == "no stages"


@pytest.mark.parametrize(
    ("tag", "text"),
    [("v1", "production runs v1 again, from backups/x.zip."), ("", "production runs what backups/x.zip holds.")],
)
def test_after_a_rollback_it_is_said_what_runs(tag: str, text: str) -> None:
    assert next_action(rolled(backup="backups/x.zip", restored_tag=tag)).text.endswith(text)


@pytest.mark.parametrize(
    ("verb", "stage", "text", "command"),
    [
        ("service", "service stop", "start it again", "dhash-guard service start --env production"),
        ("service", "service restart", "well", "dhash-guard health --env production"),
        ("backup undo", "undo", "restart the service", ""),
        ("lock take", "lock take", "give it back", "dhash-guard lock release --env production"),
        ("notify", "", "deliveries", ""),
        ("health", "health", "only a watch judges", "dhash-guard monitor --env production"),
        ("queue status", "queue", "go on", ""),
    ],
)
def test_a_verb_that_judges_no_release_says_nothing_of_one(verb: str, stage: str, text: str, command: str) -> None:
    stages = (stories.stage(stage, 0, 1),) if stage else ()
    action = next_action(stories.evidence(run=stories.run(verb=verb), stages=stages))
    assert text in action.text
    assert "stays" not in action.text
    assert action.command == command


def test_after_a_restore_by_hand_the_service_still_has_the_old_files() -> None:
    evidence = rolled(verdict=None, exit_code=0, stages=(), run=stories.run(verb="backup restore"))
    assert "restart the service" in next_action(evidence).text


def test_a_dry_run_says_so() -> None:
    evidence = evolve(stories.premerge(failed=False)[0], run=stories.run(verb="deploy", dry_run=True))
    assert headline(evidence).text.startswith("Dry run: Passed")
    assert "--dry-run" in next_action(evidence).text
