"""A hundred contenders for one environment, step by step in drawn orders: never two holders, and the dead are succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any, Self

import pytest
from attrs import define, evolve, field

from dhash_guard.errors import Locked, OutsideSilent
from dhash_guard.gates.claim import ROLLBACK, SKEW, Claimant
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import context_of
from dhash_guard.github.patience import Patience
from dhash_guard.github.state_ref import StateRef
from dhash_guard.records.shared_state import Holder, SharedState, read
from dhash_guard.rollout.claiming import Hold
from dhash_guard.simulator import Simulator
from dhash_guard.system.state_store import NOTHING, StateStore, Versioned
from support.state_stores import NOON, PRODUCTION, MemoryStore
from support.turns import Contender, Turns
from support.writers import answer

CONTENDERS = 100
LEASE = 180.0
IN_CI = 20
ALL = 1000
APART = 60.0
"""Seconds until somebody who was refused asks again, at most."""
TRIES = 60
SKEWED = 10.0


@define
class Resource:
    """What is acted on. It knows nothing of leases: it refuses any number that is lower than one it has seen."""

    acts: list[tuple[int, str]] = field(factory=list)
    refused: int = 0

    def act(self, fencing: int, name: str) -> bool:
        """Whether the act was let through."""
        if self.acts and fencing < self.acts[-1][0]:
            self.refused += 1
            return False
        self.acts.append((fencing, name))
        return True


@define
class SteppedStore:
    """The memory of one contender's GitHub: each read and each swap is a step, reads may be late, answers may be lost."""

    kept: MemoryStore
    by: Contender
    random: Random
    shared: bool = True
    where: str = "memory"

    def read(self) -> Versioned:
        self.by.step()
        late = self.random.choice((0, 0, 0, 1, 3))
        count = max(0, len(self.kept.history) - late)
        if not count:
            return Versioned(state=SharedState(environment=PRODUCTION), version=NOTHING)
        return Versioned(state=self.kept.history[count - 1][0], version=str(count))

    def swap(self, version: str, new: SharedState, why: str) -> str | None:
        self.by.step()
        if self.random.random() < 0.02:
            raise OutsideSilent("refused before it took effect")
        made = self.kept.swap(version, new, why)
        if self.random.random() < 0.05:
            raise OutsideSilent("lost after it took effect")
        return made


@define
class Fight:
    """One seed: everybody wants to hold, some are killed, some are rollbacks, and a judge watches every grant."""

    seed: int
    killing: bool = True
    rollbacks: bool = True
    many: int = CONTENDERS
    lease: float = LEASE
    random: Random = field(init=False)
    turns: Turns = field(init=False)
    kept: MemoryStore = field(factory=MemoryStore)
    resource: Resource = field(factory=Resource)
    given: dict[int, Contender] = field(factory=dict)
    fenced_out: int = 0
    gave_up: int = 0
    succeeded: list[float] = field(factory=list)
    """How long after its lease somebody dead was succeeded, in seconds."""
    _looked: int = 0

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.seed)
        self.turns = Turns(random=self.random, time=NOON, slowest=0.5)
        for number in range(self.many):
            self.turns.add(f"{number:04x}", self.random.uniform(-SKEWED, SKEWED), self.contend)

    def contend(self, one: Contender) -> None:
        verb = ROLLBACK if self.rollbacks and int(one.name, 16) % 10 == 0 else "deploy"
        who = Claimant(owner=one.name, token=one.name, verb=verb)
        hold = Hold(store=self.store(one), who=who, clock=one, lease=self.lease)
        for _ in range(TRIES):
            try:
                hold.take(over=verb == ROLLBACK)
                break
            except (Locked, OutsideSilent):
                one.sleep(self.random.random() * APART)
        else:
            self.gave_up += 1
            return
        try:
            self.act(one, hold)
        except Locked:
            self.fenced_out += 1
        except OutsideSilent:  # a heartbeat without an answer at the end of the lease
            pass
        with suppress(Locked, OutsideSilent):  # the lease ends by itself
            hold.release()

    def act(self, one: Contender, hold: Hold) -> None:
        for _ in range(self.random.choice((1, 2, 4))):
            self.asked(hold)
            there = self.state.holder
            assert there is not None
            assert (there.token, there.fencing) == (one.name, hold.fencing), "it was told that it holds, and does not"
            one.sleep(self.random.choice((0.0, 0.0, LEASE / 4)))
            if not self.resource.act(hold.fencing, one.name):
                with pytest.raises(Locked):
                    self.asked(hold)
                raise Locked("the resource refused")
            one.sleep(self.random.choice((1.0, 1.0, 5.0, LEASE / 3)) * self.random.random())
            hold.beat()

    def asked(self, hold: Hold) -> None:
        """Ask as often as it takes to be answered."""
        while True:
            try:
                return hold.check()
            except OutsideSilent:
                continue

    def store(self, one: Contender) -> StateStore:
        """Where this contender meets the others."""
        return SteppedStore(self.kept, one, self.random)

    def written(self) -> Sequence[SharedState]:
        """Every state so far."""
        return [state for state, _ in self.kept.history]

    @property
    def state(self) -> SharedState:
        return self.written()[-1] if self.written() else SharedState(environment=PRODUCTION)

    def judge(self) -> None:
        """After every step: whoever holds by what was written, and how that came about."""
        written = self.written()
        for at in range(self._looked, len(written)):
            after = written[at].holder
            before = written[at - 1].holder if at else None
            if after is not None and after.fencing != (before.fencing if before is not None else 0):
                self.granted(before, after)
        self._looked = len(written)
        if self.killing and self.random.random() < 0.002:
            self.strike()

    def granted(self, before: Holder | None, after: Holder) -> None:
        taker = next(one for one in self.turns.contenders if one.name == after.token)
        assert after.fencing not in self.given, "no number is given twice"
        assert after.fencing == max(self.given, default=0) + 1
        self.given[after.fencing] = taker
        if before is None:
            return
        displaced = self.given[before.fencing]
        # Both by the one true time: each of them wrote by a clock of its own.
        late = (after.since - taker.skew) - (before.until - displaced.skew)
        if after.verb != ROLLBACK or before.verb == ROLLBACK:
            assert late > 0, f"{before.token} was displaced {-late:.0f} s before its lease ended"
        if displaced.killed_at is not None and late > 0:
            self.succeeded.append(late)

    def strike(self) -> None:
        """Kill whoever holds, or anybody."""
        there = self.state.holder
        alive = [one for one in self.turns.contenders if not one.over and one.killed_at is None]
        holding = [one for one in alive if there is not None and one.name == there.token]
        if alive:
            self.turns.kill(self.random.choice(holding or alive))

    def fought(self) -> Self:
        self.turns.run(self.judge)
        numbers = [number for number, _ in self.resource.acts]
        assert numbers == sorted(numbers)
        assert all(self.given[number].name == name for number, name in self.resource.acts), "each number has one holder"
        return self


@define
class OnGithub(Fight):
    """The same on a ref: each request is a step, answers are lost, and moves are seen late."""

    sim: Simulator = field(init=False)
    _states: list[SharedState] = field(factory=list)
    _tip: str = ""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.sim = Simulator(now=lambda: self.turns.time)
        for kind, share in (("lost-answer", 0.05), ("status", 0.02), ("lag", 0.2)):
            self.sim.fault(kind, method="PATCH", path="*/git/refs/*", times=0, share=share, seed=self.seed, reads=1)

    def store(self, one: Contender) -> StateStore:
        environ = {"GITHUB_REPOSITORY": self.sim.name, "GITHUB_API_URL": "https://api.example.com"}
        patience = Patience(between_writes=0.0, most_requests=10**6)

        def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], str]:
            one.step()
            return answer(self.sim, "t-plenty", method, path, headers, body)

        self.sim.world.tokens["t-plenty"] = evolve(self.sim.world.tokens["t-write"], limit=10**6)
        return StateRef(GithubApi("t-plenty", context_of(environ, {}), one, patience, send), one, PRODUCTION)

    def written(self) -> Sequence[SharedState]:
        objects = self.sim.repository.objects
        for ref in self.sim.repository.refs:
            if ref.sha != self._tip:
                self._tip = ref.sha
                self._states.append(
                    read(objects.blobs[objects.trees[objects.commits[ref.sha].tree]["state.json"]], PRODUCTION)
                )
        return self._states


def seeds(count: int) -> range:
    return range(count)


@pytest.mark.parametrize("seed", seeds(IN_CI))
def test_never_two_holders(seed: int) -> None:
    fight = Fight(seed).fought()
    assert len(fight.given) > 5
    assert fight.turns.steps > CONTENDERS
    # Somebody asks at least every minute, by a clock that is at most so wrong, and his request takes a few steps.
    assert all(late < SKEW + 2 * SKEWED + 3 * APART for late in fight.succeeded), fight.succeeded


@pytest.mark.parametrize("seed", seeds(5))
def test_without_rollbacks_and_deaths_nobody_is_ever_fenced_out(seed: int) -> None:
    fight = Fight(seed, killing=False, rollbacks=False, many=20, lease=900.0).fought()
    assert fight.fenced_out == fight.resource.refused == 0
    assert len(fight.given) + fight.gave_up >= 20


def test_among_them_the_dead_were_succeeded_and_the_late_refused() -> None:
    """The drawn orders do reach what they are for."""
    fights = [Fight(seed).fought() for seed in range(IN_CI, IN_CI + 6)]
    assert sum(len(fight.succeeded) for fight in fights) > 5
    assert sum(fight.fenced_out for fight in fights) > 5
    assert sum(fight.resource.refused for fight in fights) > 0


@pytest.mark.parametrize("seed", seeds(6))
def test_never_two_holders_on_a_ref(seed: int) -> None:
    fight = OnGithub(seed, many=20).fought()
    assert len(fight.given) > 5
    assert fight.sim.unknown_routes == []
    commits = fight.sim.repository.objects.commits
    sequences = [state.sequence for state in fight.written()]
    assert sequences == list(range(1, len(sequences) + 1)), "no state was lost, each is upon the one before"
    assert len(commits) > len(sequences), "and some never came to be one"


@pytest.mark.full
@pytest.mark.parametrize("part", range(50))
def test_never_two_holders_in_a_thousand_orders(part: int) -> None:
    for seed in range(1000 + part * ALL // 50, 1000 + (part + 1) * ALL // 50):
        Fight(seed).fought()
