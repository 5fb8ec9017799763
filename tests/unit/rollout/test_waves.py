"""What a workflow is given to start and to roll back, from the configuration and the records that are here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.gates.waves import Target, Undo, Waves
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.layout import Layout
from dhash_guard.rollout.waves import Undoing, matrix, undoing

COMMIT, OTHER = "a" * 40, "b" * 40
WAVES = Waves(
    environment="production",
    targets=tuple(
        Target(name=name, place=f"production-{name}", wave=wave) for name, wave in (("eu", 1), ("us", 2), ("ap", 2))
    ),
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(root=tmp_path, service="dhash", backups=tmp_path, logs=tmp_path, artifacts=tmp_path)


def deployed(layout: Layout, name: str, state: DeploymentState = DeploymentState.HEALTHY, commit: str = COMMIT) -> None:
    record = Deployment(
        id="d", environment=f"production-{name}", tag="v3", commit=commit, begun_at=1.0, newest_sequence=1, backup="b",
        baseline=None, state=state,
    )  # fmt: skip
    path = layout.deployment(record.environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical(to_data(record)))


def names(found: Undoing) -> list[str]:
    return [one.name for one in found.targets]


def test_every_wave_is_a_matrix_of_its_own() -> None:
    job = {"environment": "production", "target": "eu", "wave": 1, "name": "production-eu"}
    found = matrix(WAVES)
    assert found["wave-1"] == {"include": [job]}
    assert [one["target"] for one in found["wave-2"]["include"]] == ["us", "ap"]
    assert (found["environment"], found["waves"], "undo" in found) == ("production", 2, False)
    assert json.loads(json.dumps(found)) == found


def test_what_is_empty_is_not_there() -> None:
    """GitHub fails a job whose matrix lists nothing; one that is skipped for want of its key does not."""
    assert matrix(WAVES, Undoing(targets=()), "eu").keys() == {"environment", "waves", "wave-1"}


def test_without_targets_the_environment_is_the_only_job() -> None:
    alone = Waves(environment="staging", targets=(Target(name="", place="staging"),))
    assert matrix(alone)["wave-1"]["include"] == [{"environment": "staging", "target": "", "wave": 1, "name": "staging"}]


def test_what_carries_the_release_is_rolled_back(layout: Layout) -> None:
    for name in ("eu", "us", "ap"):
        deployed(layout, name)
    assert names(undoing(layout, WAVES, 2, COMMIT)) == ["us", "ap"]
    assert names(undoing(layout, evolve(WAVES, undo=Undo.ALL), 2, COMMIT)) == ["us", "ap", "eu"]
    assert names(undoing(layout, evolve(WAVES, undo=Undo.NONE), 2, COMMIT)) == []
    assert names(undoing(layout, WAVES, 2, COMMIT, "ap")) == ["ap"]
    assert names(undoing(layout, WAVES, 2, COMMIT, "eu")) == [], "not a target of that wave"


@pytest.mark.parametrize("state", [one for one in DeploymentState if one is not DeploymentState.ROLLED_BACK])
def test_whatever_became_of_it_but_a_rollback_is_undone(layout: Layout, state: DeploymentState) -> None:
    deployed(layout, "eu", state)
    assert names(undoing(layout, WAVES, 1, COMMIT)) == ["eu"]


def test_an_older_release_is_never_undone(layout: Layout) -> None:
    """A target that the gate held back still runs what was deployed before; a rollback would take that away."""
    deployed(layout, "us", commit=OTHER)
    deployed(layout, "ap", DeploymentState.ROLLED_BACK)
    found = undoing(layout, WAVES, 2, COMMIT)
    assert names(found) == []
    assert found.notes == (
        f"us: its latest deployment is of commit {OTHER[:12]}, not {COMMIT[:12]}",
        "ap: v3 is rolled back already",
    )


def test_what_is_recorded_elsewhere_is_asked_there(layout: Layout) -> None:
    assert names(undoing(layout, WAVES, 2, COMMIT)) == ["us", "ap"]
    with pytest.raises(CannotTell, match="no deployment of production-us is recorded here"):
        undoing(layout, WAVES, 2, COMMIT, "us")


def test_a_damaged_record_is_no_missing_one(layout: Layout) -> None:
    deployed(layout, "us")
    layout.deployment("production-us").write_text("{")
    with pytest.raises(Damaged):
        undoing(layout, WAVES, 2, COMMIT)
