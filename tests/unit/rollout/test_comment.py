"""Many legs, one comment, none lost: real threads against the simulator, and the rules around it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from attrs import evolve

from dhash_guard.github import GithubApi, Outcome, context_of
from dhash_guard.records.context import RunContext
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.legs import merged
from dhash_guard.rollout.comment import comment_leg
from dhash_guard.simulator import Simulator
from dhash_guard.system import this_machine
from support.acting import pull_request

SHA = "a" * 40
SYSTEMS = tuple(f"system-{n}" for n in range(6))


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.add_pull_request(number=7, head_sha=SHA)
        yield sim
        assert sim.unknown_routes == []


def report(leg: str) -> LegReport:
    stage = LegStage(name="check", status=StageStatus.PASSED, text="fine")
    return LegReport(leg=leg, service="s", environment="e", commit=SHA, result="proceed", exit_code=0, stages=(stage,))


def context(github: Simulator) -> RunContext:
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": "octo/service", "GITHUB_API_URL": github.url}
    return context_of(environ, pull_request(7, SHA))


def said(github: Simulator, leg: str, token: str = "t-write", **changes: object) -> Outcome:
    there, machine = context(github), this_machine({})
    there = evolve(there, **changes)  # type: ignore[arg-type]  # test builder
    return comment_leg(machine, GithubApi(token, there, machine.clock), there, report(leg), SYSTEMS).outcome


def test_legs_that_write_at_once_all_stay(github: Simulator) -> None:
    threads = [threading.Thread(target=said, args=(github, leg)) for leg in SYSTEMS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (comment,) = github.comments(7)
    assert set(merged([comment.body], report(SYSTEMS[0]))) == set(SYSTEMS)
    assert "✅ Ready to merge" in comment.body


def test_an_unchanged_leg_writes_nothing(github: Simulator) -> None:
    assert said(github, "system-0") is Outcome.CREATED
    before = github.comments(7)
    assert said(github, "system-0") is Outcome.UNCHANGED
    assert github.comments(7) == before


def test_a_leg_of_an_older_commit_writes_nothing(github: Simulator) -> None:
    assert said(github, "system-0", sha="b" * 40) is Outcome.UNCHANGED
    assert github.comments(7) == []


def test_a_token_that_may_not_write_defers(github: Simulator) -> None:
    assert said(github, "system-0", token="t-read", is_fork=True) is Outcome.DEFERRED
    assert github.comments(7) == []
