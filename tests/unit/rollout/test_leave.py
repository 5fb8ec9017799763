"""Leave to deploy: the release is the commit that was judged, and evidence is used up, all of it, right before acting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Unpack

import pytest
from attrs import define, evolve, field

from dhash_guard.config import load
from dhash_guard.errors import CannotTell, Locked, NoGo, OutsideSilent
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import context_of
from dhash_guard.github.patience import Patience
from dhash_guard.records.shared_state import Consumption, SharedState
from dhash_guard.rollout.claiming import Hold
from dhash_guard.rollout.deploy import DeployOrders, deploy
from dhash_guard.rollout.leave import Leave, RefMoved, same_commit, use_up
from dhash_guard.rollout.run import Guarded, open_run
from dhash_guard.simulator import Simulator
from dhash_guard.system.process import Finished, How
from support.state_stores import NOON, PRODUCTION, MemoryStore, claimant
from support.world import SleptClock, said, world
from support.writers import answer

COMMIT, OTHER, TREE = "a" * 40, "b" * 40, "c" * 40
DAY = 86_400.0
HEAD = "version: 1\nservice: dhash\nenvironments:\n  production:\n"
PLAIN = f"{HEAD}    deploy: {{plan: [plan], run: [deploy, '{{tag}}']}}\n"
GATED = f"{PLAIN}    requires: {{premerge: proceed}}\n"
WATCHED = f"{HEAD}    requires: {{monitored: {{environment: staging}}}}\n  staging: {{}}\n"
A, B = "1" * 64, "2" * 64


@define
class Programs:
    """A checkout at COMMIT with these tags; what else is run succeeds, and takes as long as `seconds` says by its name."""

    clock: SleptClock
    tags: Mapping[str, str] = field(factory=dict)
    seconds: Mapping[str, float] = field(factory=dict)
    ran: list[str] = field(factory=list)

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished:
        output = "" if command[0] == "git" else "done"
        if command[:3] == ["git", "rev-parse", "HEAD^{commit}"]:
            output = f"{COMMIT}\n{TREE}\n"
        elif command[:2] == ["git", "rev-parse"]:
            output = self.tags.get(command[-1].removeprefix("refs/tags/").removesuffix("^{commit}"), "")
        else:
            self.ran.append(command[0])
            self.clock.sleep(self.seconds.get(command[0], 0.0))
        code = 0 if output else 128
        return Finished(command=tuple(command), exit_code=code, output=output, errors="", seconds=0.0)


@define
class Place:
    """A machine with a checkout, and a GitHub where one is asked for."""

    folder: Path
    clock: SleptClock
    sim: Simulator
    programs: Programs

    def run(self, settings: str = GATED, *, tag: str = "v2", github: bool = True, attempt: int = 1) -> Guarded:
        (self.folder / "dhash-guard.yml").write_text(settings)
        machine, _ = world(lambda path, now: said({}), NOON)
        known = {"GITHUB_RUN_ATTEMPT": str(attempt)}
        machine = evolve(machine, clock=self.clock, environ=known, processes=self.programs)
        environ = {
            "GITHUB_REPOSITORY": self.sim.name, "GITHUB_API_URL": "https://api.example.com", "GITHUB_SHA": COMMIT,
            "GITHUB_REF": "refs/heads/main",
        }  # fmt: skip
        send = partial(answer, self.sim, "t-write")
        hub = GithubApi("t-write", context_of(environ, {}), self.clock, Patience(retries=1, between_writes=0.0), send)
        configuration = load(self.folder / "dhash-guard.yml", self.folder, {}, PRODUCTION)
        return open_run(machine, configuration, "deploy", lambda text: None, tag=tag, hub=hub if github else None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    clock = SleptClock(NOON)
    sim = Simulator(now=clock.now)
    sim.add_branch("main", sha=COMMIT)
    return Place(tmp_path, clock, sim, Programs(clock))


def holding(store: MemoryStore, clock: SleptClock, name: str = "a") -> Hold:
    hold = Hold(store=store, who=claimant(name), clock=clock)
    hold.take(over=True)
    return hold


# The release is the commit


def test_a_tag_here_and_on_github_is_the_commit(place: Place) -> None:
    place.sim.repository.tags["v2"] = COMMIT
    run = place.run()
    same_commit(run)
    place.programs.tags = {"v2": COMMIT}
    same_commit(run)
    assert "refs/heads/main is still there, refs/tags/v2 is at it" in run.stages[-1].text


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (OTHER, None, "at bbbbbbbbbbbb here"),
        (None, OTHER, "at bbbbbbbbbbbb on GitHub"),
        (COMMIT, OTHER, "at bbbbbbbbbbbb on GitHub"),
        (OTHER, COMMIT, "at bbbbbbbbbbbb here"),
    ],
)
@pytest.mark.parametrize("settings", [PLAIN, GATED])
def test_a_tag_of_another_commit_is_refused(
    place: Place, settings: str, here: str | None, there: str | None, words: str
) -> None:
    place.programs.tags = {"v2": here} if here else {}
    place.sim.repository.tags |= {"v2": there} if there else {}
    with pytest.raises(RefMoved, match=f"refs/tags/v2 is {words}, and aaaaaaaaaaaa was judged"):
        same_commit(place.run(settings))


def test_a_release_that_is_no_tag_is_not_what_was_judged(place: Place) -> None:
    with pytest.raises(CannotTell, match="anything is no tag, here or on GitHub"):
        same_commit(place.run(tag="anything"))
    same_commit(place.run(tag=COMMIT))
    same_commit(place.run(tag=COMMIT[:7]))
    with pytest.raises(CannotTell):
        same_commit(place.run(tag=COMMIT[:6]))


@pytest.mark.parametrize(("settings", "github"), [(PLAIN, True), (GATED, False)])
def test_a_label_is_enough_where_nothing_is_asked_or_github_cannot_be(place: Place, settings: str, github: bool) -> None:
    run = place.run(settings, tag="friday", github=github)
    same_commit(run)
    assert "friday is no tag" in run.stages[-1].text


# Evidence is used up, all of it or none


def test_one_write_proves_the_claim_and_uses_the_evidence_up(place: Place) -> None:
    store = MemoryStore()
    hold = holding(store, place.clock)
    before = len(store.history)
    use_up(place.run(), hold, Leave((A, B)), lasting=3600.0)
    assert len(store.history) == before + 1
    state = store.read().state
    assert [use.evidence for use in state.consumed] == [A, B]
    assert state.holder is not None
    assert state.holder.until >= place.clock.now() + 3600.0


def test_without_evidence_the_claim_is_proved_all_the_same(place: Place) -> None:
    store = MemoryStore()
    hold = holding(store, place.clock)
    use_up(place.run(), hold, Leave(), lasting=3600.0)
    holding(store, place.clock, "b")
    with pytest.raises(Locked):
        use_up(place.run(), hold, Leave(), lasting=3600.0)


@define
class Silent(MemoryStore):
    """Writes until it is told not to."""

    silent: bool = False

    def swap(self, version: str, new: SharedState, why: str) -> str | None:
        if self.silent:
            raise OutsideSilent("nobody answers")
        return MemoryStore.swap(self, version, new, why)


@pytest.mark.parametrize("trouble", ["silence", "fenced out", "used before"])
def test_what_is_refused_has_used_nothing_up(place: Place, trouble: str) -> None:
    store = Silent()
    hold = holding(store, place.clock)
    if trouble == "silence":
        store.silent = True
    elif trouble == "fenced out":
        holding(store, place.clock, "b")
    else:
        use_up(place.run(), hold, Leave((B,)), lasting=1.0)
    before = store.read().state.consumed
    with pytest.raises((OutsideSilent, Locked, NoGo)):
        use_up(place.run(), hold, Leave((A, B)), lasting=1.0)
    assert store.read().state.consumed == before


def test_evidence_that_names_no_release_opens_one(place: Place) -> None:
    hold = holding(MemoryStore(), place.clock)
    use_up(place.run(tag="v2"), hold, Leave((A,)), lasting=1.0)
    with pytest.raises(NoGo, match="was used before, for v2 by a/1"):
        use_up(place.run(tag="v3"), hold, Leave((A,)), lasting=1.0)
    use_up(place.run(tag="v3", attempt=2), hold, Leave((A,)), lasting=1.0)


@pytest.mark.parametrize(
    ("settings", "days"), [(GATED, 60), (WATCHED, 60), (WATCHED.replace("staging}", "staging, within: 90d}"), 180)]
)
def test_a_use_is_forgotten_when_its_evidence_counts_no_more(place: Place, settings: str, days: int) -> None:
    """The gate takes `trust.max_age` where `within` is left out."""
    old = Consumption(evidence=B, environment=PRODUCTION, target="v1", attempt=1, by="0/1 (1.1)", at=NOON - days * DAY)
    state = SharedState(environment=PRODUCTION, consumed=(old, evolve(old, evidence="3" * 64, at=old.at + 60.0)))
    store = MemoryStore(history=[(state, "before")])
    use_up(place.run(settings), holding(store, place.clock), Leave((A,)), lasting=1.0)
    assert [use.evidence for use in store.read().state.consumed] == ["3" * 64, A]


# A door that closes meanwhile


@pytest.mark.parametrize(
    "door",
    [
        "freeze: [{from: 2026-09-21T15:00Z, to: 2026-09-22T00:00Z}]",
        'maintenance: {windows: [{from: "14:00", to: "15:00"}]}',
    ],
)
def test_a_door_that_closes_meanwhile_stops_also_what_asks_for_nothing(place: Place, door: str) -> None:
    place.programs.seconds = {"plan": 3600.0}
    run = place.run(f"{PLAIN}    {door}\n", github=False)
    evidence = deploy(run, DeployOrders(tag="v2"))
    assert (evidence.exit_code, place.programs.ran) == (8, ["plan"])
