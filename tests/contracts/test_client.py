"""What our own client sends, and what the simulator answers it, both judged by GitHub's description of its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from dhash_guard.gates.approvals import ApprovalRequirement, Stale
from dhash_guard.github.api import GithubApi
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.github.comment import Outcome, upsert
from dhash_guard.github.deployments import DEPLOY, DeploymentRecords, Progress, Wanted, commit_of
from dhash_guard.github.ports import State
from dhash_guard.github.protection import default_branch, read_protection
from dhash_guard.github.protection_rule import Arrived, ProtectionRule, Ruling
from dhash_guard.github.state_ref import StateRef
from dhash_guard.github.status import set_status
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.shared_state import SharedState
from dhash_guard.records.stage import StageStatus
from dhash_guard.rollout.comment import comment_leg
from dhash_guard.simulator import Simulator
from dhash_guard.system import this_machine
from dhash_guard.system.state_store import NOTHING
from support.acting import pull_request
from support.prism import judging

SHA = "c" * 40


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[tuple[Simulator, Path]]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.add_pull_request(number=7, head_sha=SHA)
        with judging(sim.url, tmp_path) as address:
            sim.url = address
            yield sim, tmp_path / "prism.log"


def test_everything_the_client_does_keeps_to_githubs_description(judged: tuple[Simulator, Path]) -> None:
    from dhash_guard.github.context import context_of

    sim, log = judged
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": "octo/service", "GITHUB_API_URL": sim.url}
    environ |= {"GITHUB_RUN_ID": "77"}
    context, machine = context_of(environ, pull_request(7, SHA)), this_machine({})
    api = GithubApi("t-write", context, machine.clock)
    stage = LegStage(name="check", status=StageStatus.PASSED, text="fine")
    leg = LegReport(leg="a", service="s", environment="e", commit=SHA, result="proceed", exit_code=0, stages=(stage,))
    assert comment_leg(machine, api, context, leg, ("a",)).outcome is Outcome.CREATED
    assert comment_leg(machine, api, context, leg, ("a", "b")).outcome is Outcome.EDITED
    marker = "<!-- dhash-guard:v1:other:e -->"
    for _ in range(120):
        sim.add_comment(7, "somebody else's")
    assert upsert(api, 7, marker, f"{marker}\nhello", machine.clock).outcome is Outcome.CREATED
    assert upsert(api, 7, marker, f"{marker}\nhello", machine.clock).outcome is Outcome.UNCHANGED
    assert set_status(api, SHA, "gate", State.SUCCESS, "go", machine.clock).changed
    assert not set_status(api, SHA, "gate", State.SUCCESS, "go", machine.clock).changed
    approvals_and_protection(sim, api)
    deployments(sim, api)
    shared_state(api)
    protection_rule(sim, GithubApi("t-app", context, machine.clock))
    api.delete_comment(sim.comments(7)[-1].id)
    assert "VIOLATION" not in log.read_text().upper()
    assert len(sim.log) >= 12, "the requests went through Prism to the simulator"


def protection_rule(sim: Simulator, app: GithubApi) -> None:
    """A report and an answer for a run that waits, and everything that is looked at around them."""
    sim.add_run(id=50, head_sha=SHA, status="waiting", conclusion=None)
    sim.add_pending(50)
    rule = ProtectionRule(app, this_machine({}).clock, 50)
    assert (rule.commit(), rule.waiting()) == (SHA, ("production",))
    assert rule.report("production", "cannot tell")
    assert rule.decide("production", Ruling.APPROVED, "go") is Arrived.TAKEN


def shared_state(api: GithubApi) -> None:
    """The first state of an environment, the next, and one that came too late."""
    empty, stores = (
        SharedState(environment="production"),
        [StateRef(api, this_machine({}).clock, "production") for _ in "ab"],
    )
    assert stores[0].read().version == NOTHING
    first = stores[0].swap(NOTHING, evolve(empty, sequence=1), "first")
    assert first
    assert stores[1].read().state == evolve(empty, sequence=1)
    assert stores[0].swap(first, evolve(empty, sequence=2), "second")
    assert stores[1].swap(first, evolve(empty, sequence=3), "late") is None
    assert stores[1].swap(NOTHING, empty, "later still") is None


def deployments(sim: Simulator, api: GithubApi) -> None:
    """Everything that the record of a deployment asks and writes."""
    records = DeploymentRecords(api, this_machine({}).clock)
    head = commit_of(api, "refs/heads/main")
    wanted = Wanted(
        sha=head, environment="production", task=DEPLOY, key="1", description="v1", production=True, payload={"tag": "v1"}
    )
    made = records.opened(wanted)
    assert records.opened(wanted) == made
    assert records.live("production") is None
    assert records.say(made.id, Progress.SUCCESS, "healthy")
    assert not records.say(made.id, Progress.SUCCESS, "healthy")
    found = records.live("production")
    assert found is not None
    assert (found.recorded, found.newer, found.recorded.tag) == (made, 0, "v1")


def approvals_and_protection(sim: Simulator, api: GithubApi) -> None:
    """Everything that approvals and protection ask, of a team that the job's token may not see."""
    sim.repository.collaborators.update(grace="write")
    sim.add_team("ops", {"grace": "active"})
    sim.add_branch("main", by="ruleset", required_checks=("gate",), merge_queue=True, required_reviewers={"ops": 1})
    sim.add_push("change", SHA)
    for _ in range(101):
        sim.add_review(7, "grace")
    reader = ReviewReader(api)
    for stale in Stale:
        wanted = ApprovalRequirement(at_least=1, teams={"ops": 1}, team_ids={"ops": 1}, stale=stale)
        assert len(reader.facts(7, wanted).reviews) == 101
    assert [pull.number for pull in reader.pulls_of(SHA)] == [7]
    assert read_protection(api, default_branch(api)).checks == {"gate": 0}
