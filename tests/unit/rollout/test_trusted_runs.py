"""What it costs to ask GitHub for the evidence of many places: lists once in each look, and each artifact once in a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from dhash_guard.config import load
from dhash_guard.github.api import GithubApi
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.github.context import read_context
from dhash_guard.ledger.seal import EVIDENCE_FILE
from dhash_guard.records.statement import artifact_name
from dhash_guard.rollout.gate import conditions
from dhash_guard.rollout.run import Guarded, open_run
from dhash_guard.simulator import Simulator
from dhash_guard.simulator.state import moment
from dhash_guard.system import this_machine
from support.world import UnsyncedFiles

WORKFLOW = ".github/workflows/deploy.yml"
COMMIT, TREE = "a" * 40, "b" * 40
EARLIER = 30


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator().serving() as served:
        yield served
        assert served.unknown_routes == []


def opened(root: Path, verb: str, name: str, sim: Simulator) -> Guarded:
    """A run on a runner, for a checkout of the commit."""
    environ = {
        "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": sim.name, "GITHUB_API_URL": sim.url, "GITHUB_WORKFLOW_SHA": COMMIT,
        "GITHUB_RUN_ID": "7", "GITHUB_EVENT_NAME": "push",
    }  # fmt: skip
    machine = evolve(this_machine(environ), files=UnsyncedFiles())
    hub = GithubApi("t-write", read_context({"GITHUB_REPOSITORY": sim.name, "GITHUB_API_URL": sim.url}), machine.clock)
    configuration = load(root / "dhash-guard.yml", root, {}, "production", name)
    run = open_run(machine, configuration, verb, lambda text: None, hub=hub)
    return evolve(run, facts=evolve(run.facts, commit=COMMIT, tree=TREE))


def watched(root: Path, name: str, sim: Simulator) -> None:
    """One more target leaves the record of its watch."""
    run = opened(root, "monitor", name, sim)
    run.seal(run.evidence(result="healthy", exit_code=0))
    sim.add_artifact(
        7, artifact_name(run.environment, COMMIT, 1), {EVIDENCE_FILE: (run.folder / EVIDENCE_FILE).read_text("utf-8")}
    )


@pytest.fixture
def fleet(tmp_path: Path, sim: Simulator) -> Path:
    targets = [f"      t{number}: {{wave: 1}}\n" for number in range(EARLIER)] + ["      last: {wave: 2}\n"]
    head = f"version: 1\nservice: dhash\ntrust: {{workflows: [{WORKFLOW}]}}\n"
    text = f"{head}environments:\n  production:\n    targets:\n{''.join(targets)}"
    (tmp_path / "dhash-guard.yml").write_text(text)
    made = sim.add_run(id=7, path=WORKFLOW, event="push", head_sha=COMMIT, tree=TREE, conclusion=None, status="in_progress")
    sim.add_job(7, "wave 1", started_at=made.created_at, completed_at=moment(time.time() + 3600))
    return tmp_path


def test_a_later_wave_asks_for_each_earlier_target_once(fleet: Path, sim: Simulator) -> None:
    for number in range(EARLIER):
        watched(fleet, f"t{number}", sim)
    run = opened(fleet, "deploy", "last", sim)
    assert run.hub is not None
    looks: list[tuple[str, ...]] = []
    for asked in (EARLIER + 3, 3, 4):
        before = run.hub.requests_made
        wave = next(one for one in conditions(run, ReviewReader(run.hub)) if one.name == "wave")
        assert len(wave.relies_on) == EARLIER, wave.value
        assert run.hub.requests_made - before == asked
        if looks:
            watched(fleet, "t0", sim)  # what is newer than the look before speaks in the next one
        looks.append(wave.relies_on)
    assert looks[0] == looks[1]
    assert [one == other for one, other in zip(looks[1], looks[2], strict=True)] == [False] + [True] * (EARLIER - 1)
