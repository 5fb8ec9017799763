"""What a component names and nothing stands at: found out by whoever takes, checks or rehearses a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import define, evolve, field

from dhash_guard.config import load
from dhash_guard.errors import NoGo
from dhash_guard.records.backup import Purpose
from dhash_guard.records.stage import Finding
from dhash_guard.rollout.backup import take
from dhash_guard.rollout.check import prove_ready
from dhash_guard.rollout.proof import prove_backup
from dhash_guard.rollout.run import Guarded, open_run
from support.state_stores import NOON
from support.world import said, world


@define
class Place:
    """A project with a release, and components that may be there."""

    root: Path
    said: list[str] = field(factory=list)
    moment: float = NOON

    def run(self, *, dry: bool = False, **components: Any) -> Guarded:
        parts = {"release": {"paths": ["version.txt"]}} | components
        path = self.root / "dhash-guard.yml"
        settings = {"backup": {"components": parts}}
        path.write_text(yaml.safe_dump({"version": 1, "service": "dhash", "environments": {"production": settings}}))
        self.moment += 2.0
        machine, _ = world(lambda path, now: said({}), self.moment)
        self.said.clear()
        machine = machine.rehearsing() if dry else evolve(machine)
        return open_run(machine, load(path, self.root, {}, "production"), "backup create", self.said.append)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "version.txt").write_text("v0\n")
    return Place(tmp_path)


def backup_finding(run: Guarded) -> Finding:
    (found,) = [one for one in prove_ready(run).findings if one.check == "backup"]
    return found


TYPO = {"paths": ["libary.json", "libary.bak"]}


@pytest.mark.parametrize("part", [TYPO, {"sqlite": ["data/index.db"]}])
def test_a_component_of_which_nothing_is_there_is_no_backup(place: Place, part: dict[str, Any]) -> None:
    named = next(iter(part.values()))[0]
    (place.root / "library.json").write_text("{}")
    for asked in (
        lambda: take(place.run(database=part), None, verified=True),
        lambda: take(place.run(database=part, dry=True), None),
        lambda: prove_ready(place.run(database=part)),
        lambda: prove_backup(place.run(database=part)),
    ):
        with pytest.raises(NoGo, match=named) as caught:
            asked()
        assert "component database" in str(caught.value)
    assert not list(place.root.glob("backups/*.zip"))


def test_what_is_there_in_part_is_one_with_a_warning(place: Place) -> None:
    (place.root / "library.json").write_text("{}")
    part = {"paths": ["library.json", "uploads/"]}
    done = take(place.run(database=part), None)
    assert done.exit_code == 0
    assert "not there: uploads/" in done.stages[0].text
    assert any(line.startswith("warning: uploads/") for line in place.said)
    found = backup_finding(place.run(database=part))
    assert found.warned
    assert "uploads/" in found.text


def test_a_service_that_has_no_data_yet_says_so_in_its_configuration(place: Place) -> None:
    part = {"paths": ["library.json"], "optional": True}
    done = take(place.run(database=part), None, verified=True)
    assert (done.exit_code, place.said) == (0, ["backup …", "verify …"])
    assert not backup_finding(place.run(database=part)).warned
    assert "nothing is there of database" in prove_backup(place.run(database=part))
    run = place.run(database=part)
    facts = run.vault.find(done.backup)
    (place.root / "library.json").write_text("{}")
    assert run.vault.restore(facts).restoration is not None
    assert not (place.root / "library.json").exists(), "back to how it was"


def test_also_where_there_is_nothing_at_all_yet(place: Place) -> None:
    (place.root / "version.txt").unlink()
    part = {"paths": ["version.txt"], "optional": True}
    assert take(place.run(release=part), None, verified=True).exit_code == 0


def test_a_snapshot_keeps_what_the_release_has_left(place: Place) -> None:
    (place.root / "library.json").write_text("{}")
    run = place.run(database={"paths": ["library.json"]})
    (place.root / "library.json").unlink()
    assert run.vault.take(Purpose.PRE_ROLLBACK).facts is not None


def test_the_output_of_a_command_is_there_once_it_ran(place: Place) -> None:
    part = {"run": ["pg_dump"], "to": "dumps/dhash.pgdump"}
    assert not backup_finding(place.run(database=part)).warned
