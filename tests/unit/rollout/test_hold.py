"""Holding an environment during a run: what is claimed, proved, renewed and given back, on the ref and on this disk."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from dhash_guard.config import load
from dhash_guard.errors import Locked, NoGo, OutsideSilent
from dhash_guard.gates.claim import BY_HAND, ROLLBACK, SKEW
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import context_of
from dhash_guard.github.errors import Forbidden
from dhash_guard.github.patience import Patience
from dhash_guard.records.shared_state import SharedState
from dhash_guard.records.stage import StageStatus
from dhash_guard.rollout import shared
from dhash_guard.rollout.claiming import LEASE, Hold
from dhash_guard.rollout.hold import claimant, held, keep_tokens, publish_head, tokens_used
from dhash_guard.rollout.lock import release, show
from dhash_guard.rollout.run import Guarded, open_run
from dhash_guard.simulator import Simulator
from dhash_guard.system.files import PRIVATE_FILE
from dhash_guard.system.state_store import NOTHING, Versioned
from support.state_stores import NOON, MemoryStore
from support.world import SleptClock, UnsyncedFiles, said, world
from support.writers import answer

SETTINGS = "version: 1\nservice: dhash\nenvironments: {production: {}}\n"
JOB = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_ACTOR": "ada"}
KEEP = 86_400.0


@define
class Place:
    """A GitHub, a time, and as many machines as are asked for."""

    folder: Path
    clock: SleptClock
    sim: Simulator

    def run(
        self, verb: str = "deploy", *, disk: str = "one", token: str = "t-write", job: bool = True,
        settings: str = SETTINGS, **changes: Any,
    ) -> Guarded:  # fmt: skip
        """A run on the machine with this disk."""
        root = self.folder / disk
        root.mkdir(exist_ok=True)
        (root / "dhash-guard.yml").write_text(settings)
        machine, _ = world(lambda path, now: said({}), NOON)
        machine = evolve(machine, clock=self.clock, environ=JOB if job else {"USER": "ada"}, **changes)
        environ = {"GITHUB_REPOSITORY": self.sim.name, "GITHUB_API_URL": "https://api.example.com"}
        send = partial(answer, self.sim, token)
        hub = GithubApi(token, context_of(environ, {}), self.clock, Patience(retries=1, between_writes=0.0), send)
        configuration = load(root / "dhash-guard.yml", root, {}, "production")
        self.clock.sleep(0.01)  # no two runs of one moment
        return open_run(machine, configuration, verb, lambda text: None, hub=hub if job else None)

    @property
    def state(self) -> SharedState:
        """What stands at the ref."""
        return shared.open_state(self.run("lock show", disk="onlooker")).read().state

    @property
    def requests(self) -> int:
        return len(self.sim.log)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    clock = SleptClock(NOON)
    return Place(tmp_path, clock, Simulator(now=clock.now))


def notes(run: Guarded) -> list[dict[str, Any]]:
    path = run.configuration.layout.unreconciled("production")
    found: list[dict[str, Any]] = json.loads(path.read_bytes()) if path.exists() else []
    return found


def begun(run: Guarded, verb: str) -> Hold:
    """A claim whose process is killed before it gives it back."""
    store, who = shared.open_state(run), claimant(run, verb)
    keep_tokens(run, (who.token,))
    hold = Hold(store=store, who=who, clock=run.machine.clock)
    hold.take()
    return hold


def test_the_environment_is_held_until_the_block_ends(place: Place) -> None:
    run = place.run()
    with held(run, "deploy") as hold:
        holder = place.state.holder
        assert holder is not None
        assert (holder.owner, holder.verb, holder.actor, holder.fencing) == ("77/2", "deploy", "ada", hold.fencing)
        assert holder.until - holder.since == LEASE
    assert place.state.holder is None
    assert [(stage.name, stage.status) for stage in run.stages] == [("deploy lock", StageStatus.PASSED)]


@pytest.mark.parametrize("ending", [NoGo("it failed"), KeyboardInterrupt()])
def test_also_where_it_ends_badly(place: Place, ending: BaseException) -> None:
    with pytest.raises(type(ending)), held(place.run(), "deploy"):
        raise ending
    assert place.state.holder is None


def test_somebody_else_is_told_who_and_until_when(place: Place) -> None:
    other = place.run(disk="two")
    with held(place.run(), "deploy"):
        with (
            pytest.raises(Locked, match=r"held by deploy 77/2, ada until 2026-09-21T\d\d:") as caught,
            held(other, "deploy"),
        ):
            raise AssertionError("never reached")
        assert caught.value.exit_code == 8
    assert other.stages[0].status is StageStatus.FAILED
    assert other.stages[0].reason_code == "locked"


def test_a_rollback_fences_the_deployment_out(place: Place) -> None:
    with held(place.run(), "deploy") as deploying:
        deploying.check()
        with held(place.run(disk="two"), ROLLBACK, over=True, fails_safe=True) as back:
            assert back.fencing == deploying.fencing + 1
            for asked in (deploying.check, deploying.beat, lambda: deploying.lives("x")):
                place.clock.sleep(LEASE / 2)
                back.check()
                with pytest.raises(Locked, match="fenced out") as caught:
                    asked()
            assert caught.value.exit_code == 8
        # The deployment gives back what is no longer its own.
        with held(place.run(disk="three"), "deploy") as later:
            deploying.release()
            later.check()


def test_of_a_deployment_that_was_fenced_out_it_is_said_by_whom(place: Place) -> None:
    said_by = pytest.raises(Locked, match=r"by rollback 77/2, ada until .* \(fencing number 2\)")
    with held(place.run(), "deploy") as deploying, held(place.run(disk="two"), ROLLBACK, over=True), said_by:
        deploying.check()


def test_a_check_holds_it_for_as_long_as_the_step_may_take(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        hold.check(lasting=3600.0)
        holder = place.state.holder
        assert holder is not None
        assert holder.until >= place.clock.now() + 3600.0


def test_a_heartbeat_writes_only_after_a_third_of_the_lease(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        before = place.requests
        for _ in range(29):
            place.clock.sleep(10.0)
            hold.beat()
        assert place.requests == before
        place.clock.sleep(11.0)
        hold.beat()
        assert place.requests == before + 3
        holder = place.state.holder
        assert holder is not None
        assert holder.until > place.clock.now() + LEASE - 1.0


def test_a_heartbeat_bears_silence_until_the_lease_ends(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        place.sim.fault("status", path="*/git/*", status=503, times=0)
        place.clock.sleep(LEASE / 2)
        hold.beat()
        before = place.requests
        hold.beat()
        assert place.requests == before, "not asked again at once"
        place.clock.sleep(LEASE / 2)
        with pytest.raises(OutsideSilent):
            hold.beat()
        place.sim.clear_faults()


@define
class LateStore(MemoryStore):
    """Each read shows the state before so many changes; the last number goes on."""

    late: list[int] = field(factory=lambda: [0])

    def read(self) -> Versioned:
        behind = self.late.pop(0) if len(self.late) > 1 else self.late[0]
        kept = MemoryStore(history=self.history[: max(0, len(self.history) - behind)])
        return kept.read()


def moved_beside(place: Place, late: list[int]) -> Hold:
    """A claim beside which the state has moved, and that will read it late."""
    store = LateStore()
    hold = Hold(store=store, who=claimant(place.run(), "deploy"), clock=place.clock)
    hold.take()
    hold.check()
    Hold(store=store, who=claimant(place.run(), "other"), clock=place.clock).tell("a" * 64, 1)
    store.late = late
    return hold


def test_a_late_read_fences_nobody_out(place: Place) -> None:
    """Before the claim, right after it, before the last check: older than what was written, and no answer."""
    moved_beside(place, [3, 2, 1, 0]).check()


def test_a_state_that_was_moved_back_is_not_gone_on_from(place: Place) -> None:
    with pytest.raises(Locked, match="older than what this run has seen"):
        moved_beside(place, [2]).check()


def test_silence_comes_back_before_anything_is_touched(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        place.sim.fault("status", path="*/git/*", status=503, times=0)
        with pytest.raises(OutsideSilent):
            hold.check()
        place.sim.clear_faults()


@pytest.mark.parametrize("kind", ["lost-answer", "truncated"])
@pytest.mark.parametrize("skip", range(6))
def test_lost_answers_change_nothing(place: Place, kind: str, skip: int) -> None:
    """Whichever write's answer is lost, as often as it is asked for again."""
    place.sim.fault(kind, method="POST", path="*/git/*", skip=skip, times=2)
    place.sim.fault(kind, method="PATCH", path="*/git/*", skip=skip // 2, times=2)
    try:
        with held(place.run(), "deploy") as hold:
            hold.consume("e" * 64, keep=KEEP)
            hold.lives("x", tag="v1")
            hold.check()
    except OutsideSilent:
        place.sim.clear_faults()
        place.clock.sleep(LEASE + SKEW + 1)
        return
    state = place.state
    assert (state.fencing, len(state.consumed)) == (1, 1)
    assert state.live is not None


def test_evidence_is_used_up_once_over_all_machines(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        hold.consume("e" * 64, keep=KEEP, target="v1", attempt=1)
        hold.consume("e" * 64, keep=KEEP, target="v1", attempt=2)
        with pytest.raises(NoGo, match=r"was used before, for v1 by 77/2 \(1\.1\) at"):
            hold.consume("e" * 64, keep=KEEP, target="v1", attempt=1)
    with held(place.run(disk="two"), "deploy") as hold, pytest.raises(NoGo, match="was used before"):
        hold.consume("e" * 64, keep=KEEP, target="v2", attempt=1)


def test_of_several_pieces_all_are_used_up_or_none(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        hold.consume("e" * 64, keep=KEEP)
        with pytest.raises(NoGo, match="the evidence eeeeeeeeeeee was used before"):
            hold.consume("a" * 64, "e" * 64, keep=KEEP)
        assert [use.evidence for use in place.state.consumed] == ["e" * 64]
        before = place.requests
        hold.consume("a" * 64, "b" * 64, keep=KEEP, lasting=3600.0)
        assert place.requests == before + 3, "one write"
    state = place.state
    assert [use.evidence for use in state.consumed] == ["e" * 64, "a" * 64, "b" * 64]


def test_what_was_used_up_needs_a_claim(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        with held(place.run(disk="two"), ROLLBACK, over=True):
            pass
        with pytest.raises(Locked):
            hold.consume("e" * 64, keep=KEEP)
    assert place.state.consumed == ()


def test_a_deployment_is_overtaken_by_a_later_one(place: Place) -> None:
    with held(place.run(), "deploy") as hold:
        hold.lives("first", tag="v1")
        first, begun_at = hold.fencing, place.clock.now()
    place.clock.sleep(60.0)
    with held(place.run(disk="two"), "deploy") as hold:
        assert hold.overtaken("first", first, begun_at) is None
        hold.lives("second", tag="v2")
    with held(place.run(), ROLLBACK, over=True) as hold:
        found = hold.overtaken("first", first, begun_at)
        assert found is not None
        assert found.tag == "v2"


def test_on_one_disk_its_records_tell_and_no_clock_that_was_set_back(place: Place) -> None:
    with held(place.run(job=False), "deploy") as hold:
        hold.lives("before", tag="v1")
    place.clock.at -= 3600.0
    begun_at = place.clock.now()
    with held(place.run(job=False), "deploy") as failed:
        pass
    with held(place.run(job=False), ROLLBACK, over=True) as hold:
        assert hold.overtaken("failed", failed.fencing, begun_at) is None


# Killed


def test_a_killed_holder_is_succeeded_when_its_lease_ends(place: Place) -> None:
    begun(place.run(disk="two"), "deploy")
    place.clock.sleep(LEASE)
    with pytest.raises(Locked), held(place.run(), "deploy"):
        pass
    place.clock.sleep(SKEW + 1)
    run = place.run()
    with held(run, "deploy") as hold:
        assert hold.fencing == 2
    assert "taken from deploy 77/2, ada" in run.stages[0].text, "whose place it took is on the record"


@pytest.mark.parametrize("verb", ["deploy", ROLLBACK])
def test_on_its_own_disk_it_is_succeeded_at_once(place: Place, verb: str) -> None:
    """Whoever has the local lock knows that the process of the last claim from here has ended."""
    begun(place.run(), verb)
    with pytest.raises(Locked), held(place.run(disk="two"), "deploy"):
        pass
    with held(place.run(), verb, over=verb == ROLLBACK) as hold:
        assert hold.fencing == 2


@pytest.mark.parametrize("granted", [False, True])
def test_also_after_one_that_was_never_told_that_it_holds(place: Place, granted: bool) -> None:
    """Whether GitHub did what it was asked or not, this disk still knows whose process has ended."""
    begun(place.run(), "deploy")
    if granted:
        place.sim.fault("lost-answer", method="PATCH", path="*/git/refs/*", times=0)
    silent(place, skip=3 if granted else 0)
    with pytest.raises(OutsideSilent), held(place.run(), "deploy"):
        raise AssertionError("never reached")
    with held(place.run(ROLLBACK), ROLLBACK, over=True, fails_safe=True):
        pass
    place.sim.clear_faults()
    assert place.state.fencing == (2 if granted else 1)
    place.run().configuration.layout.unreconciled("production").unlink()
    with held(place.run(), "deploy") as hold:
        hold.check()


def test_what_was_granted_is_all_that_is_remembered(place: Place) -> None:
    run = place.run()
    for _ in range(3):
        with held(run, "deploy") as hold:
            assert tokens_used(run) == (hold.who.token,)


def test_a_ref_that_never_stands_still_ends_it(place: Place) -> None:
    @define
    class Restless:
        shared: bool = True
        where: str = "here"

        def read(self) -> Versioned:
            return Versioned(state=SharedState(environment="production"), version=NOTHING)

        def swap(self, version: str, new: SharedState, why: str) -> str | None:
            return None

    run = place.run()
    hold = Hold(store=Restless(), who=claimant(run, "deploy"), clock=place.clock)
    before = place.clock.now()
    with pytest.raises(Locked, match="8 times in a row"):
        hold.take()
    assert 15.0 < place.clock.now() - before < 120.0


# On this disk


def test_without_a_runner_the_state_is_a_file_and_no_stage(place: Place) -> None:
    run = place.run(job=False)
    with held(run, "deploy") as hold:
        hold.lives("x", tag="v1")
    assert run.stages == []
    assert place.requests == 0
    state = shared.this_disk(run).read().state
    assert (state.fencing, state.holder, state.live and state.live.tag) == (1, None, "v1")


def test_whoever_has_the_local_lock_succeeds_the_dead_but_no_person(place: Place) -> None:
    begun(place.run(job=False), "deploy")
    with held(place.run(job=False), "deploy") as hold:
        assert hold.fencing == 2
    begun(place.run(job=False), BY_HAND)
    with pytest.raises(Locked, match="held by lock"), held(place.run(job=False), "deploy"):
        pass
    with held(place.run(job=False), ROLLBACK, over=True) as hold:
        assert hold.fencing == 4


class Full(UnsyncedFiles):
    """A disk that takes nothing more."""

    def write_atomic(self, path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
        raise OSError(28, "No space left on device", str(path))


@pytest.mark.parametrize("job", [True, False])
def test_a_full_disk_stops_a_deployment_and_no_rollback(place: Place, job: bool) -> None:
    run = place.run(job=job, files=Full())
    with held(run, ROLLBACK, over=True, fails_safe=True) as hold:
        hold.check()
        hold.lives("x", backup="b.zip")
    if not job:
        with pytest.raises(OutsideSilent, match="No space left"), held(run, "deploy"):
            pass


class ReadOnly(UnsyncedFiles):
    """A disk from which nothing can be taken away."""

    def remove(self, path: Path) -> None:
        raise OSError(30, "Read-only file system", str(path))


# Without GitHub


def silent(place: Place, skip: int = 0) -> None:
    place.sim.fault("status", path="*/git/*", status=503, times=0, skip=skip)


@pytest.mark.parametrize("skip", range(14))
def test_a_rollback_goes_on_wherever_github_falls_silent(place: Place, skip: int) -> None:
    silent(place, skip)
    run = place.run(ROLLBACK)
    with held(run, ROLLBACK, over=True, fails_safe=True) as hold:
        hold.check(lasting=60.0)
        hold.lives(run.facts.id, backup="b.zip")
    place.sim.clear_faults()
    again = place.run("lock show")
    shown = show(again)
    assert notes(again) == []
    assert shown.state.holder is None
    assert shown.state.live is not None
    assert shown.state.live.backup == "b.zip"
    assert shown.state.fencing in (1, 2)


@pytest.mark.parametrize("trouble", ["full", "damaged", "unreadable"])
@pytest.mark.parametrize("skip", [0, 1, 4, 9])
def test_also_where_this_disk_fails_too(place: Place, trouble: str, skip: int) -> None:
    silent(place, skip)
    run = place.run(ROLLBACK, files=Full()) if trouble == "full" else place.run(ROLLBACK)
    path = Path(shared.this_disk(run).where)
    if trouble == "damaged":
        path.parent.mkdir(parents=True)
        path.write_text("{")
    elif trouble == "unreadable":
        path.mkdir(parents=True)
    with held(run, ROLLBACK, over=True, fails_safe=True) as hold:
        hold.check(lasting=60.0)
        hold.lives(run.facts.id, backup="b.zip")


def test_a_note_that_cannot_be_taken_away_stops_no_rollback(place: Place) -> None:
    silent(place)
    with held(place.run(ROLLBACK), ROLLBACK, over=True, fails_safe=True):
        pass
    place.sim.clear_faults()
    run = place.run(ROLLBACK, files=ReadOnly())
    with held(run, ROLLBACK, over=True, fails_safe=True) as hold:
        hold.check()
    assert [stage.status for stage in run.stages] == [StageStatus.PASSED]
    with pytest.raises(OutsideSilent, match="Read-only"):
        show(place.run("lock show", files=ReadOnly()))


def test_a_ledger_that_cannot_be_read_changes_nothing_of_what_a_rollback_did(place: Place) -> None:
    silent(place)
    run = place.run(ROLLBACK)
    run.configuration.layout.ledger.mkdir(parents=True)
    with held(run, ROLLBACK, over=True, fails_safe=True):
        pass
    assert len(notes(run)) == 1


def test_a_deployment_does_not(place: Place) -> None:
    silent(place)
    run = place.run()
    with pytest.raises(OutsideSilent), held(run, "deploy"):
        raise AssertionError("never reached")
    assert run.stages[0].reason_code == "github-silent"


@pytest.mark.parametrize(("kind", "job", "told"), [("auto", True, 1), ("local", True, 0), ("auto", False, 0)])
def test_a_job_without_a_token_is_told_that_nobody_else_is_kept_out(place: Place, kind: str, job: bool, told: int) -> None:
    lines: list[str] = []
    run = evolve(place.run(settings=SETTINGS + f"state: {{kind: {kind}}}\n", job=job), hub=None, say=lines.append)
    with held(run, "deploy"):
        pass
    publish_head(run)
    assert len([line for line in lines if "no token" in line and "contents: write" in line]) == told


def test_what_may_not_be_written_is_named(place: Place) -> None:
    run = place.run(token="t-read")
    with pytest.raises(Forbidden, match="contents: write"), held(run, "deploy"):
        raise AssertionError("never reached")
    with held(run, ROLLBACK, over=True, fails_safe=True):
        pass
    (note,) = notes(run)
    assert "contents: write" in note["why"]


def test_every_rollback_without_github_is_entered_in_order(place: Place) -> None:
    silent(place)
    runs = []
    for backup in ("one.zip", "two.zip"):
        run = place.run(ROLLBACK)
        with held(run, ROLLBACK, over=True, fails_safe=True) as hold:
            hold.lives(run.facts.id, backup=backup)
        runs.append(run.facts.id)
        place.clock.sleep(60.0)
    assert [note["run"] for note in notes(run)] == runs
    place.sim.clear_faults()
    with held(place.run(), "deploy") as hold:
        assert hold.fencing == 3
    live = place.state.live
    assert live is not None
    assert (live.backup, live.fencing) == ("two.zip", 2)


def test_a_deployment_that_ran_beside_it_is_fenced_out_afterwards(place: Place) -> None:
    with held(place.run(disk="two"), "deploy") as deploying:
        silent(place)
        with held(place.run(ROLLBACK), ROLLBACK, over=True, fails_safe=True):
            pass
        place.sim.clear_faults()
        deploying.check()
        show(place.run("lock show"))
        with pytest.raises(Locked, match="fenced out and nobody holds it now"):
            deploying.check()


def test_a_note_that_cannot_be_read_stops_nobody(place: Place) -> None:
    run = place.run()
    path = run.configuration.layout.unreconciled("production")
    path.parent.mkdir(parents=True)
    path.write_text("[{]")
    with held(run, "deploy"):
        pass
    assert path.read_text() == "[{]"


# What it costs, and what is told


def test_a_deployment_costs_few_requests(place: Place) -> None:
    run = place.run()
    with held(run, "deploy") as hold:
        hold.consume("e" * 64, "a" * 64, keep=KEEP, lasting=600.0)
        hold.check()
        hold.lives("x", tag="v1")
    assert place.requests == 1 + 3 * 5, "one look, then claim, use, one check, what lives, give back"


def test_the_ledgers_head_is_told(place: Place) -> None:
    run = place.run()
    run.seal(run.evidence(result="done", exit_code=0))
    publish_head(run)
    state = place.state
    assert state.ledger_count == 1
    assert len(state.ledger_head) == 64
    before = place.requests
    publish_head(run)
    assert place.requests == before + 2, "what is known already is not written again"


def test_that_it_could_not_be_told_is_only_said(place: Place) -> None:
    told: list[str] = []
    run = evolve(place.run(token="t-read"), say=told.append)
    run.seal(run.evidence(result="done", exit_code=0))
    publish_head(run)
    (line,) = told
    assert "warning: the shared state was not told of the record" in line
    assert place.state.ledger_count == 0


def test_who_releases_at_a_moment_of_change_is_told(place: Place) -> None:
    begun(place.run(disk="two"), "deploy")
    run = evolve(place.run("lock release"), facts=evolve(place.run().facts, reason="it hangs"))
    place.sim.fault("status", method="PATCH", path="*/git/refs/*", status=409, times=1)
    evidence = release(run, force=True)
    assert (evidence.result, evidence.exit_code) == ("cannot-tell", 3)
    assert release(run, force=True).exit_code == 0
    assert place.state.holder is None
