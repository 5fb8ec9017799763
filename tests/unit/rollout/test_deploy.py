"""Deploying and watching, with a clock that only sleep moves: what is asked before a change, and what takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

import pytest
import yaml
from attrs import define, evolve, field

from dhash_guard.config import load
from dhash_guard.errors import UsageProblem
from dhash_guard.gates.watch import TickReport, Watch
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.deployment import Deployment, DeploymentState, Predecessor
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import deployments
from dhash_guard.rollout.deploy import DeployOrders, deploy
from dhash_guard.rollout.lock import release, take
from dhash_guard.rollout.migrating import migrate
from dhash_guard.rollout.monitor import WatchOrders, monitor
from dhash_guard.rollout.restore import restore
from dhash_guard.rollout.rollback import Orders, rollback
from dhash_guard.rollout.run import Guarded, open_run
from dhash_guard.system.http import Answer
from dhash_guard.system.process import Finished, How
from support.state_stores import NOON
from support.world import SleptClock, said, world

COMMIT = "c" * 40


@define
class Programs:
    """`deploy TAG` writes the version, everything else works and does nothing; what was run stands in `ran`."""

    root: Path
    ran: list[list[str]] = field(factory=list)

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished:
        if command[0] != "git":
            self.ran.append(list(command))
        if command[0] == "deploy":
            (self.root / "version.txt").write_text(f"{command[1]}\n")
        known = command[:3] == ["git", "rev-parse", "HEAD^{commit}"]
        code = 1 if command[0] == "git" and not known else 0
        return Finished(
            command=tuple(command), exit_code=code, output=f"{COMMIT} {COMMIT}" if known else "", errors="", seconds=0.0
        )


class Unseen:
    """Nobody looks on."""

    def show(self, watch: Watch, report: TickReport) -> None: ...

    def close(self) -> None: ...


@define
class Place:
    """A project on which v0 stands; `sick` says that v3 is."""

    root: Path
    clock: SleptClock
    programs: Programs
    settings: dict[str, Any]
    said: list[str] = field(factory=list)
    sick: bool = False

    def run(self, verb: str = "deploy", *, dry: bool = False) -> Guarded:
        path = self.root / "dhash-guard.yml"
        text = {"version": 1, "service": "dhash", "environments": {"production": self.settings}}
        path.write_text(yaml.safe_dump(text))
        machine = evolve(world(self._web, NOON)[0], clock=self.clock, processes=self.programs)
        self.clock.sleep(1.0)  # no two runs of one second
        self.said.clear()
        machine = machine.rehearsing() if dry else machine
        return open_run(machine, load(path, self.root, {}, "production"), verb, self.said.append)

    def watch(self, **orders: Any) -> Evidence:
        return monitor(self.run("monitor"), WatchOrders(**orders), Unseen())

    def backup(self) -> BackupFacts:
        taken = self.run("backup create").vault.take(Purpose.BACKUP).facts
        assert taken is not None
        return taken

    def release(self, tag: str, **orders: Any) -> None:
        """Deployed and watched, and healthy."""
        assert self.deploy(tag, **orders).exit_code == 0
        assert self.watch().exit_code == 0

    def fall_sick(self, tag: str = "v3", **orders: Any) -> Evidence:
        """Deployed, and sick only after the deployment's own look."""
        assert self.deploy(tag, skip_health_check=True, **orders).exit_code == 0
        self.sick = True
        return self.watch()

    def _web(self, path: str, now: float) -> Answer:
        return said({"status": "unhealthy" if self.sick and self.version == "v3" else "healthy"})

    def deploy(self, tag: str = "", *, dry: bool = False, **orders: Any) -> Evidence:
        return deploy(self.run(dry=dry), DeployOrders(tag=tag, **orders))

    @property
    def version(self) -> str:
        return (self.root / "version.txt").read_text().strip()

    @property
    def record(self) -> Deployment | None:
        return deployments.latest(self.run("look").configuration)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "version.txt").write_text("v0\n")
    settings = {
        "base_url": "http://127.0.0.1:1",
        "backup": {"components": {"release": {"paths": ["version.txt"]}}},
        "deploy": {"run": ["deploy", "{tag}"], "settle": "0s"},
        "gates": {"health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"}},
        "monitor": {"duration": "1m", "interval": "10s", "baseline": 1},
        "rollback": {"automatic": True},
    }
    return Place(tmp_path, SleptClock(NOON), Programs(tmp_path), settings)


# What is wrong with the call is found out before anything is changed


@pytest.mark.parametrize(
    ("section", "value", "lacks"),
    [
        ("deploy", {"run": ["deploy", "{tag}"]}, "tag"),
        ("deploy", {"run": ["deploy", "v1"], "plan": ["plan", "{tag}"]}, "tag"),
        ("deploy", {"run": ["deploy", "v1", "{backup}"]}, "backup"),
        ("deploy", {"run": ["deploy", "v1", "{input}"]}, "input"),
        ("migrate", {"run": ["migrate", "{input}"]}, "input"),
        ("migrate", {"run": ["migrate", "{tag}"]}, "tag"),
        ("maintenance", {"leave": {"run": ["leave", "{tag}"]}}, "tag"),
        ("smoke", [{"name": "version", "run": ["smoke", "{tag}"], "quick": True}], "tag"),
    ],
)
def test_a_command_that_cannot_be_filled_is_a_usage_error(place: Place, section: str, value: Any, lacks: str) -> None:
    place.settings["deploy"] = {"run": ["deploy", "v1"], "migrates": True}
    place.settings["migrate"] = {"run": ["migrate"]}
    place.settings[section] = value if section != "deploy" else value | {"settle": "0s"}
    with pytest.raises(UsageProblem, match=f"nothing given for {{{lacks}}}"):
        place.deploy()
    assert (place.programs.ran, place.version, place.record) == ([], "v0", None)


@pytest.mark.parametrize("section", ["migrate", "maintenance"])
def test_so_it_is_for_a_migration(place: Place, section: str) -> None:
    place.settings["migrate"] = {"run": ["migrate"]}
    place.settings |= {"migrate": {"run": ["migrate", "{tag}"]}} if section == "migrate" else {
        "maintenance": {"enter": {"run": ["enter", "{tag}"]}}
    }  # fmt: skip
    with pytest.raises(UsageProblem, match="nothing given for"):
        migrate(place.run("migrate"), source=None, output=None)
    assert (place.programs.ran, place.record) == ([], None)


def test_what_would_be_taken_for_an_option_is_none(place: Place) -> None:
    with pytest.raises(UsageProblem, match="option"):
        place.deploy("--force")
    place.settings["migrate"] = {"run": ["migrate", "{input}"]}
    with pytest.raises(UsageProblem, match="option"):
        migrate(place.run("migrate"), source="--all", output=None)
    assert (place.programs.ran, place.record) == ([], None)


def test_a_release_without_a_tag_is_called_by_its_commit(place: Place) -> None:
    place.settings["deploy"]["run"] = ["deploy", "v1"]
    done = place.deploy(backup_first=True)
    assert (done.exit_code, place.version) == (0, "v1")
    assert place.record is not None
    assert (place.record.tag, done.run.tag) == (COMMIT[:12], COMMIT[:12])


def test_a_command_is_given_the_backup_that_was_taken_for_it(place: Place) -> None:
    """Also after a deployment that was killed, to whose backup a rollback still goes."""
    place.settings["deploy"]["run"] = ["deploy", "v1", "{backup}"]
    assert place.deploy("v1", backup_first=True).exit_code == 0
    run, first = place.run(), place.record
    assert first is not None
    deployments.keep(run.machine, run.configuration, evolve(first, state=DeploymentState.BEGUN, backup=""))
    assert place.deploy("v2", backup_first=True).exit_code == 0
    (_, _, backup) = place.programs.ran[-1]
    assert backup != first.backup
    assert (place.root / backup).is_file()


def test_a_backup_that_is_not_there_is_said_before_anything_else(place: Place) -> None:
    done = place.deploy("v1", backup_file="nosuch.zip")
    assert (done.exit_code, done.stages) == (2, ())
    assert place.version == "v0"


# What an automatic rollback brings back is what stood there


def test_a_backup_that_is_older_than_the_last_change_is_no_way_back(place: Place) -> None:
    place.release("v1", backup_first=True)
    place.release("v2")
    done = place.fall_sick()
    assert (done.exit_code, place.version) == (6, "v3")
    assert any("older than the last change" in line for line in place.said)


@pytest.mark.parametrize("how", ["taken first", "taken since", "named", "taken before the only change that is known"])
def test_one_that_holds_what_stood_there_is(place: Place, how: str) -> None:
    older = place.backup()
    if "only" in how:
        assert (place.fall_sick().exit_code, place.version) == (5, "v0")
        return
    place.release("v1", backup_first=True)
    place.release("v2")
    if how == "taken since":
        place.backup()
    done = place.fall_sick(backup_first=how == "taken first")
    if how == "named":
        assert (done.exit_code, place.version) == (6, "v3")
        assert place.watch(backup_file=older.name).exit_code == 5
        assert place.version == "v0", "a person wants that one, however old it is"
        return
    assert (done.exit_code, place.version, done.restored_tag) == (5, "v2", "v2")


def test_what_a_person_put_back_is_a_change_too(place: Place) -> None:
    place.release("v1", backup_first=True)
    target = place.run().vault.find(place.record.backup if place.record else "")
    place.backup()  # of v1, while it stands
    assert rollback(place.run("rollback"), target, Orders(insist=True)).exit_code == 0
    assert place.fall_sick().exit_code == 6, "the newest backup holds v1, and v0 stood there"
    assert place.version == "v3"


def test_so_is_what_was_restored_by_hand(place: Place) -> None:
    old = place.backup()
    place.release("v1")
    place.release("v2", backup_first=True)
    place.backup()
    restore(place.run("backup restore"), old.name, None)
    record = place.record
    assert record is not None
    assert record.rolled_back_to == old.name
    assert (place.fall_sick().exit_code, place.version) == (6, "v3")


def test_a_deployment_that_nothing_could_take_back_says_so_at_once(place: Place) -> None:
    warned = "an automatic rollback would be refused"
    assert place.deploy("v1").exit_code == 0
    assert any(warned in line and "is missing" in line for line in place.said)
    assert place.deploy("v2", backup_first=True).exit_code == 0
    assert not any(warned in line for line in place.said)
    assert place.deploy("v3").exit_code == 0
    assert any(warned in line and "older" in line for line in place.said)
    assert place.deploy("v4", automatic=False).exit_code == 0
    assert not any(warned in line for line in place.said)


def sealed(sequence: int, at: float) -> BackupFacts:
    return BackupFacts(
        name=f"b{sequence}", environment="production", purpose=Purpose.BACKUP, sequence=sequence, sealed_at=at, size=1,
        sha256="", members=1, components=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "held"),
    [
        (sealed(4, 99.0), False),
        (sealed(4, 100.0), True),
        (sealed(3, 200.0), False),
        (sealed(1, 1.0), True),
        (sealed(0, 99.0), False),
        (sealed(0, 200.0), True),
    ],
)
def test_number_and_date_say_together_what_a_backup_holds(facts: BackupFacts, held: bool) -> None:
    assert Predecessor(tag="v", since=100.4, newest_sequence=3, backup="b1").held_by(facts) is held


# A watch


def test_a_watch_that_cannot_go_back_to_what_was_named_does_not_begin(place: Place) -> None:
    with pytest.raises(UsageProblem, match="nosuch"):
        place.watch(backup_file="nosuch.zip")


def test_a_watch_of_what_was_accepted_long_ago_says_so(place: Place) -> None:
    place.release("v1", backup_first=True)
    assert place.watch().exit_code == 0
    (warning,) = [line for line in place.said if line.startswith("warning")]
    assert "v1 was found healthy, and no deployment is open since" in warning


# A dry run


def test_what_a_dry_run_does_not_do_is_planned(place: Place) -> None:
    place.settings["service_control"] = {"stop": ["stop"], "start": ["start"]}
    place.settings["maintenance"] = {"enter": {"run": ["enter"]}}
    place.settings["deploy"]["run"] = ["deploy", "{tag}", "{backup}"]
    done = place.deploy("v1", dry=True, backup_first=True)
    found = {stage.name: (stage.status.value, stage.text) for stage in done.stages}
    assert found["look before"][0] == "passed"
    assert found["backup"] == ("planned", "would back up 1 entries, 3 B, of release")
    assert found["deploy"] == ("planned", "would run deploy v1 {backup}")
    assert found["maintenance enter"] == ("planned", "would run enter")
    assert found["health"][0] == "planned"
    assert not [line for line in place.said if "refused" in line]
    target = place.backup()
    run = place.run("rollback", dry=True)
    back = rollback(run, target, Orders())
    found = {stage.name: (stage.status.value, stage.text) for stage in back.stages}
    assert found["rollback stop"] == ("planned", "would be stopped")
    assert found["rollback restore"][0] == found["rollback start"][0] == "planned"
    said = [f"would {change.verb} {change.subject}" for change in run.machine.plan or []]
    assert f"would put back 1 entries in version.txt from {target.name}" in said
    assert not [line for line in said if line.count("would") > 1]


# Who gave the order


def test_without_a_user_in_the_environment_ones_own_lock_is_ones_own(place: Place) -> None:
    """As in containers and under cron."""
    run = place.run("lock take")
    assert run.machine.environ == {}
    assert run.facts.actor
    assert take(run, Seconds(3600.0)).exit_code == 0
    assert release(place.run("lock release"), force=False).exit_code == 0
