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


def test_a_dry_run_says_so() -> None:
    evidence = evolve(stories.premerge(failed=False)[0], run=stories.run(verb="deploy", dry_run=True))
    assert headline(evidence).text.startswith("Dry run: Passed")
    assert "--dry-run" in next_action(evidence).text
