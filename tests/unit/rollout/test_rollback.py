"""Going back, with a clock that only sleep moves: who is waited for, who is told, what the records say, what is proven."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import pytest
from attrs import define, evolve, field

from dhash_guard.config import load
from dhash_guard.errors import Damaged, Locked
from dhash_guard.gates import claim
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import context_of
from dhash_guard.github.patience import Patience
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.deployment import Baseline, Deployment, DeploymentState
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Decision, Ending, Status, Verdict
from dhash_guard.records.sample import Health
from dhash_guard.records.shared_state import Live, SharedState
from dhash_guard.rollout import deployments, recording, shared
from dhash_guard.rollout.acting import act
from dhash_guard.rollout.alone import PATIENCE
from dhash_guard.rollout.automatic import roll_back_automatically
from dhash_guard.rollout.changing import begin, new_deployment
from dhash_guard.rollout.migrating import migrate
from dhash_guard.rollout.picking import undone
from dhash_guard.rollout.rollback import Orders, rollback
from dhash_guard.rollout.run import Guarded, open_run
from dhash_guard.rollout.target import choose
from dhash_guard.simulator import Simulator
from dhash_guard.system.process import Finished, How
from support.state_stores import NOON
from support.world import SleptClock, UnsyncedFiles, said, world
from support.writers import answer

SETTINGS = """
version: 1
service: dhash
environments:
  production:
    base_url: http://127.0.0.1:1
    backup: {components: {release: {paths: [version.txt]}}}
    service_control: {stop: [stop], start: [start], timeout: 40m}
    migrate: {run: [migrate], timeout: 10m}
    maintenance: {enter: {run: [enter], timeout: 20m}, leave: {run: [leave], timeout: 30m}}
    rollback: {automatic: true}
"""
JOB = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "ada"}
WELL = Baseline(taken_at=NOON, samples=1, health=Health.HEALTHY, medians={})


class Busy(UnsyncedFiles):
    """Somebody else has the environment, and gives it back to who waits at least `after` seconds; `meanwhile` they act."""

    def __init__(self, after: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.after, self.meanwhile = after, meanwhile

    @contextmanager
    def lock(self, path: Path, holder: str, *, wait: float = 0.0) -> Iterator[None]:
        if path.name == "production.lock" and wait < self.after:
            if wait:
                self.meanwhile()
            raise Locked("production is locked by prune 7")
        with super().lock(path, holder, wait=wait):
            yield


@define
class Programs:
    """The project's own commands, all of which work; `on` says what one of them does."""

    commit: str = "c" * 40
    on: dict[str, Callable[[], object]] = field(factory=dict)

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished:
        self.on.get(command[0], lambda: None)()
        output = f"{self.commit} {self.commit}" if command[0] == "git" else ""
        return Finished(command=tuple(command), exit_code=0, output=output, errors="", seconds=0.0)


@define
class Place:
    """A project with a release that is to be undone, and GitHub."""

    root: Path
    clock: SleptClock
    sim: Simulator
    programs: Programs = field(factory=Programs)
    said: list[str] = field(factory=list)

    def run(self, verb: str = "rollback", *, job: bool = False, **changes: Any) -> Guarded:
        machine, _ = world(lambda path, now: said({"status": "healthy"}), NOON)
        environ = {"GITHUB_REPOSITORY": self.sim.name, "GITHUB_API_URL": "https://api.example.com"}
        send = partial(answer, self.sim, "t-write")
        hub = GithubApi("t-write", context_of(environ, {}), self.clock, Patience(retries=1, between_writes=0.0), send)
        configuration = load(self.root / "dhash-guard.yml", self.root, {}, "production")
        self.clock.sleep(0.01)  # no two runs of one moment
        machine = evolve(machine, clock=self.clock, processes=self.programs, environ=JOB if job else {}, **changes)
        return open_run(machine, configuration, verb, self.said.append, hub=hub if job else None)

    def release(self, tag: str, *, job: bool = False, state: DeploymentState = DeploymentState.OPEN) -> Deployment:
        """Deployed with a backup, and judged like this."""
        run = self.run("deploy", job=job)
        taken = run.vault.take(Purpose.BACKUP).facts
        assert taken is not None
        begun = begin(run, new_deployment(run, tag, taken.name, WELL))
        self.write(f"{tag}\n")
        stands = evolve(begun, state=state)
        deployments.keep(run.machine, run.configuration, stands)
        recording.told(run, stands)
        return stands

    def write(self, version: str) -> None:
        (self.root / "version.txt").write_text(version)

    @property
    def version(self) -> str:
        return (self.root / "version.txt").read_text().strip()

    @property
    def record(self) -> Deployment:
        found = deployments.latest(self.run("look").configuration)
        assert found is not None
        return found

    def target(self, run: Guarded, deployment: Deployment) -> BackupFacts:
        return run.vault.find(deployment.backup)

    def life(self, deployment: Deployment) -> list[str]:
        """What GitHub was told of it, in order."""
        told = self.sim.repository.deployment_statuses
        return [f"{one.state}: {one.description}" for one in told if one.deployment == deployment.record]

    def pages(self) -> list[str]:
        """What people were told as critical."""
        path = self.run("look").configuration.layout.fallback
        told = [json.loads(line)["undelivered"] for line in path.read_text().splitlines()] if path.exists() else []
        return [one["text"] for one in told if one["level"] == "critical"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "dhash-guard.yml").write_text(SETTINGS)
    (tmp_path / "version.txt").write_text("good\n")
    clock = SleptClock(NOON)
    place = Place(tmp_path, clock, Simulator(now=clock.now))
    place.sim.repository.commits.append(place.programs.commit)
    return place


def by_itself(place: Place, run: Guarded, deployment: Deployment) -> Evidence:
    """The rollback that nobody ordered."""
    return roll_back_automatically(run, run.evidence(result="degraded", exit_code=1), "it is slow", deployment)


def by_hand(place: Place, run: Guarded, deployment: Deployment, orders: Orders = Orders(insist=True)) -> Evidence:
    return rollback(run, place.target(run, deployment), orders)


def state(run: Guarded) -> SharedState:
    return shared.open_state(run, reads_only=True).read().state


def taken_elsewhere(run: Guarded, verb: str) -> None:
    """A person frees the environment, and another machine takes it."""
    store = shared.open_state(run)
    seen = store.read()
    who = claim.Claimant(owner="5/1", token="x", verb=verb, actor="eve")
    granted = claim.claim(claim.free(seen.state).state, who, run.machine.clock.now(), lease=900.0)
    assert isinstance(granted, claim.Granted)
    assert store.swap(seen.version, granted.state, "taken") is not None


# Somebody else is at it


@pytest.mark.parametrize("going_back", [by_itself, by_hand])
def test_whoever_is_at_it_is_named_and_waited_for(
    place: Place, going_back: Callable[[Place, Guarded, Deployment], Evidence]
) -> None:
    bad = place.release("bad")
    done = going_back(place, place.run(files=Busy(PATIENCE)), bad)
    assert (done.exit_code, place.version) == (5 if going_back is by_itself else 0, "good")
    assert any("locked by prune 7" in line and "waiting" in line for line in place.said)


def test_a_rollback_that_cannot_begin_is_no_secret(place: Place) -> None:
    bad = place.release("bad")
    done = by_itself(place, place.run(files=Busy(2 * PATIENCE)), bad)
    assert (done.exit_code, place.version) == (8, "bad")
    (page,) = place.pages()
    assert "it is slow" in page
    assert "locked by prune 7" in page
    assert place.record == bad, "the next watch still finds it undecided, and goes back"


def test_nor_is_one_that_was_told_to_stop_while_it_waited(place: Place) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    bad = place.release("bad")
    with pytest.raises(KeyboardInterrupt):
        by_itself(place, place.run(files=Busy(2 * PATIENCE, stopped)), bad)
    (page,) = place.pages()
    assert "it is slow" in page
    assert place.version == "bad"


def test_nobody_is_called_where_somebody_decided_meanwhile(place: Place) -> None:
    bad = place.release("bad")
    run = place.run()

    def decided() -> None:
        taken_back = evolve(bad, state=DeploymentState.ROLLING_BACK, rollbacks=1)
        deployments.keep(run.machine, run.configuration, taken_back)

    run.machine = evolve(run.machine, files=Busy(2 * PATIENCE, decided))
    assert by_itself(place, run, bad).exit_code == 8
    assert place.pages() == []


def test_a_deployment_of_another_machine_is_no_reason_to_be_silent(place: Place) -> None:
    bad = place.release("bad", job=True)
    run = place.run(job=True)
    taken_elsewhere(run, "deploy")
    done = by_itself(place, run, bad)
    assert (done.exit_code, place.version) == (8, "bad")
    (page,) = place.pages()
    assert "held by deploy 5/1" in page


def judged(status: Status, decision: Decision) -> Verdict:
    return Verdict(
        status=status,
        decision=decision,
        reason_code="so",
        reason="so it was",
        ending=Ending.PLANNED,
        ticks=1,
        started_at=NOON,
        ended_at=NOON,
        outcomes=(),
    )


def test_a_verdict_waits_for_whoever_is_at_it(place: Place) -> None:
    new = place.release("new")
    run = place.run("monitor", files=Busy(PATIENCE))
    verdict = judged(Status.HEALTHY, Decision.PROCEED)
    done = act(run, run.evidence(result="healthy", exit_code=0), verdict, new, backup_file=None, recorded=False)
    assert (done.exit_code, place.record.state) == (0, DeploymentState.HEALTHY)


def test_and_where_that_takes_too_long_it_says_so_and_nothing_else(place: Place) -> None:
    new = place.release("new")
    run = place.run("monitor", files=Busy(2 * PATIENCE))
    verdict = judged(Status.HEALTHY, Decision.PROCEED)
    done = act(run, run.evidence(result="healthy", exit_code=0), verdict, new, backup_file=None, recorded=False)
    assert (done.result, done.exit_code, place.record.state) == ("locked", 8, DeploymentState.OPEN)
    assert "locked by prune 7" in run.stages[-1].text
    assert not any("overtaken" in stage.reason_code for stage in run.stages)


# Which backup is from before what is live


def live(**changed: Any) -> Live:
    return evolve(Live(run="d", tag="v2", commit="", at=200.0, fencing=1, begun_at=100.0, newest_sequence=2), **changed)


def sealed(sequence: int, at: float) -> BackupFacts:
    return BackupFacts(
        name=f"b{sequence}",
        environment="production",
        purpose=Purpose.BACKUP,
        sequence=sequence,
        sealed_at=at,
        size=1,
        sha256="",
        members=1,
        components=(),
    )


def chosen(said: Live, backups: Sequence[BackupFacts]) -> tuple[str, dict[str, str]]:
    """The target's name and the refused with their reasons."""

    def sound(facts: BackupFacts) -> Any:
        from dhash_guard.records.backup import Verification

        return Verification(name=facts.name, sha256="", members=0, bytes_read=0)

    choice = choose(backups, undone(said, "production", backups), sound)
    return choice.target.name if choice.target is not None else "", dict(choice.refused)


def test_a_backup_from_the_middle_of_a_deployment_is_not_from_before_it() -> None:
    target, refused = chosen(live(), [sealed(1, 50.0), sealed(2, 90.0), sealed(3, 150.0), sealed(4, 250.0)])
    assert target == "b2"
    assert refused == dict.fromkeys(("b4", "b3"), "taken after the deployment began")


@pytest.mark.parametrize(
    "middle", [sealed(2, 150.0), sealed(3, 99.0)], ids=["another disk's number", "another machine's clock"]
)
def test_number_and_time_have_to_agree(middle: BackupFacts) -> None:
    assert chosen(live(), [sealed(1, 50.0), middle])[0] == "b1"


def test_of_a_deployment_whose_begin_is_not_known_nothing_is_from_before() -> None:
    old = live(begun_at=0.0, newest_sequence=0)
    assert chosen(old, [sealed(0, 10.0), sealed(1, 50.0)]) == (
        "",
        dict.fromkeys(("b1", "b0"), "not known to be from before the deployment"),
    )


def test_what_a_rollback_left_behind_is_no_deployment() -> None:
    assert undone(live(backup="b1"), "production", []) is None


# A record that cannot be read


def test_a_record_of_a_newer_version_has_a_cure(place: Place) -> None:
    place.release("new")
    run = place.run()
    path = run.configuration.layout.deployment("production")
    path.write_text(path.read_text().replace('"id"', '"unheard_of": 1, "id"'))
    with pytest.raises(Damaged, match="--backup") as caught:
        deployments.latest(run.configuration)
    assert caught.value.where == str(path)
    assert deployments.legible(run.configuration) is None


def test_a_disk_that_does_not_answer_is_an_unreadable_record(place: Place) -> None:
    run = place.run()
    run.configuration.layout.deployment("production").mkdir(parents=True)
    with pytest.raises(Damaged, match="cannot be read"):
        deployments.latest(run.configuration)


# The claim


def test_the_claim_lasts_as_long_as_the_commands_may(place: Place) -> None:
    bad, run = place.release("bad", job=True), place.run(job=True)
    until: list[float] = []

    def look() -> None:
        holder = state(run).holder
        until.append(holder.until if holder is not None else 0.0)

    place.programs.on = {"stop": look}
    assert by_hand(place, run, bad).exit_code == 0
    assert until[0] - place.clock.now() > 2 * 40 * 60.0


def test_a_migration_is_claimed_with_its_maintenance(place: Place) -> None:
    run = place.run("migrate", job=True)
    until: list[float] = []

    def look() -> None:
        holder = state(run).holder
        until.append(holder.until if holder is not None else 0.0)

    place.programs.on = {"enter": look}
    assert migrate(run, source=None, output=None).exit_code == 0
    assert until[0] - place.clock.now() >= 60 * 60.0


@pytest.mark.parametrize("at", ["stop", "start"])
def test_a_rollback_that_was_fenced_out_is_not_proven(place: Place, at: str) -> None:
    bad, run = place.release("bad", job=True), place.run(job=True)

    def lose() -> None:
        taken_elsewhere(run, "deploy")
        place.clock.sleep(4 * 3600.0)

    place.programs.on = {at: lose}
    done = by_hand(place, run, bad)
    assert done.exit_code == 6
    assert place.record.state is DeploymentState.ROLLBACK_FAILED
    assert place.version == ("bad" if at == "stop" else "good"), "before the exchange it is not made any more"
    assert any("fenced out by deploy 5/1" in page for page in place.pages())
    assert not any(one.startswith("success") for one in place.life(bad))
    assert len(place.sim.repository.deployments) == 1, "nothing is said to be live again"


def test_a_short_one_asks_for_nothing_more(place: Place) -> None:
    """While the service stands still nobody waits for GitHub."""
    bad, run = place.release("bad", job=True), place.run(job=True)
    asked: list[int] = []
    place.programs.on = {name: lambda: asked.append(len(place.sim.log)) for name in ("stop", "start")}
    assert by_hand(place, run, bad).exit_code == 0
    assert asked[0] == asked[1]


# What GitHub is told


def test_held_is_said_of_nothing_that_somebody_took_back(place: Place) -> None:
    bad = place.release("bad", job=True)
    run = place.run("monitor", job=True)
    taken_back = evolve(bad, state=DeploymentState.ROLLED_BACK, rollbacks=1)
    deployments.keep(run.machine, run.configuration, taken_back)
    place.write("good\n")
    recording.told(run, taken_back)
    before = place.life(bad)
    once = evolve(bad, rollbacks=1)  # as this watch knows it, rolled back once: nothing is safe
    assert by_itself(place, run, once).exit_code == 6
    assert place.life(bad) == before
    assert len(place.pages()) == 1


def test_held_is_said_where_it_is_held(place: Place) -> None:
    bad = evolve(place.release("bad", job=True), rollbacks=1)
    run = place.run("monitor", job=True)
    deployments.keep(run.machine, run.configuration, bad)
    assert by_itself(place, run, bad).exit_code == 6
    assert place.life(bad)[-1].startswith("pending: held")
    assert place.record.state is DeploymentState.HELD


def test_a_rollback_that_was_refused_is_no_new_success(place: Place) -> None:
    good = place.release("good", job=True, state=DeploymentState.HEALTHY)
    before = place.life(good)
    run = place.run(job=True)
    taken_elsewhere(run, claim.ROLLBACK)
    assert by_hand(place, run, good).exit_code == 8
    assert place.life(good) == before


@pytest.mark.parametrize("what", ["its own", "an older one", "a snapshot"])
def test_what_is_live_again_is_said_of_the_backup_that_the_deployment_began_with(place: Place, what: str) -> None:
    older = place.run("backup").vault.take(Purpose.BACKUP).facts
    place.release("first", job=True, state=DeploymentState.HEALTHY)
    snapshot = place.run("backup").vault.take(Purpose.PRE_ROLLBACK).facts
    bad = place.release("bad", job=True)
    run = place.run(job=True)
    targets = {"its own": place.target(run, bad), "an older one": older, "a snapshot": snapshot}
    target = targets[what]
    assert target is not None
    assert rollback(run, target, Orders(insist=True)).exit_code == 0
    assert place.life(bad)[-1] == f"failure: rolled back: {target.name}"
    said_live = [one.task for one in place.sim.repository.deployments if one.task == "dhash-guard:rollback"]
    assert len(said_live) == (1 if what == "its own" else 0)


# The record of the deployment cannot be written


class Full(UnsyncedFiles):
    """A disk that takes everything but records of a deployment, from the n-th on."""

    def __init__(self, at: int) -> None:
        self._left = at

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        if path.parent.name == "deployments":
            self._left -= 1
            if self._left <= 0:
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
        super().write_atomic(path, content, mode)


def test_a_rollback_whose_end_cannot_be_written_needs_a_person_and_has_a_record(place: Place) -> None:
    bad = place.release("bad")
    run = place.run(files=Full(2))
    done = by_hand(place, run, bad)
    assert (done.exit_code, place.version) == (6, "good")
    assert done.restoration is not None
    assert any("No space left" in line for line in place.said)
    assert place.record.state is DeploymentState.ROLLING_BACK, "so that nobody takes it for well"


def test_one_that_a_person_insists_on_is_done_without_a_word_that_it_began(place: Place) -> None:
    bad = place.release("bad")
    done = by_hand(place, place.run(files=Full(1)), bad)
    assert (done.exit_code, place.version) == (6, "good")


@pytest.mark.parametrize("going_back", [by_itself, partial(by_hand, orders=Orders())])
def test_any_other_does_not_begin(place: Place, going_back: Callable[[Place, Guarded, Deployment], Evidence]) -> None:
    bad = place.release("bad")
    done = going_back(place, place.run(files=Full(1)), bad)
    assert place.version == "bad"
    assert done.exit_code in (1, 6)
    assert any("No space left" in line for line in (*place.said, *place.pages()))
