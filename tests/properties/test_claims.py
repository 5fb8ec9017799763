"""Any order of claims, take-overs, renewals, releases and uses leaves a state in which at most one holds, and knows it."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.gates import claim
from dhash_guard.gates.claim import BY_HAND, ROLLBACK, SKEW, AlreadyConsumed, Changed, Claimant, Granted, Lost
from dhash_guard.records.shared_state import Consumption, SharedState, Unreconciled, content, read
from support.state_stores import NOON, PRODUCTION

NAMES = st.sampled_from("abcd")
VERBS = st.sampled_from(("deploy", "monitor", ROLLBACK, BY_HAND))
LEASES = st.sampled_from((10.0, 60.0, 900.0))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("claim", "take over", "renew", "release", "free", "consume", "head", "reconcile")),
        NAMES,
        VERBS,
        LEASES,
        st.integers(0, 1000),
    ),
    max_size=40,
)


class World:
    """The state, the time, and which number each claimant believes to have."""

    def __init__(self) -> None:
        self.state = SharedState(environment=PRODUCTION)
        self.now = NOON
        self.numbers: dict[str, int] = {}
        self.used: list[Consumption] = []
        self.issued: list[int] = []

    def step(self, what: str, name: str, verb: str, lease: float, passed: int) -> None:
        self.now += passed
        before = self.state
        match what:
            case "claim" | "take over":
                self.asked(what, Claimant(owner=name, token=name, verb=verb), lease)
            case "renew":
                self.kept(claim.renew(before, name, self.numbers.get(name, 0), self.now, lease), name)
            case "release":
                self.kept(claim.release(before, name, self.numbers.get(name, 0)), name)
            case "free":
                self.state = claim.free(before).state
            case "consume":
                self.consumed(name, passed % 3)
            case "head":
                self.state = claim.head(before, str(passed), passed).state
            case "reconcile":
                note = Unreconciled(
                    environment=PRODUCTION, run="r", owner=name, actor="", reason="", began_at=self.now - lease, why=""
                )
                self.state = claim.reconcile(before, evolve(note, ended_at=self.now - lease / 2)).state
        assert self.state.fencing >= before.fencing
        assert self.state.sequence >= before.sequence
        assert (self.state == before) == (self.state.sequence == before.sequence), "every change is counted"
        if self.state.holder is not None:
            assert self.state.holder.fencing <= self.state.fencing
        assert read(content(self.state), PRODUCTION) == self.state

    def asked(self, what: str, who: Claimant, lease: float) -> None:
        before = self.state.holder
        asked = claim.claim if what == "claim" else claim.take_over
        found = asked(self.state, who, self.now, lease)
        if not isinstance(found, Granted):
            assert found.by == before
            assert before is not None
            assert self.now <= before.until + SKEW, "whoever ran out keeps nobody out"
            return
        fresh = before is None or (before.token, before.verb) != (who.token, who.verb)
        if fresh and before is not None and (what == "claim" or before.verb == ROLLBACK):
            assert self.now > before.until + SKEW, "a live holder is displaced by nothing but a rollback's take-over"
        if found.fencing not in self.issued:
            assert found.fencing == max([self.state.fencing, *self.issued]) + 1
            self.issued.append(found.fencing)
        else:
            assert before is not None
            assert found.fencing == before.fencing, "a number is kept, and never given to somebody else"
        self.state, self.numbers[who.token] = found.state, found.fencing

    def kept(self, found: Changed | Lost, name: str) -> None:
        holder = self.state.holder
        own = holder is not None and (holder.token, holder.fencing) == (name, self.numbers.get(name, 0))
        assert isinstance(found, Changed) is own, "only the own claim, with its own number"
        if isinstance(found, Changed):
            self.state = found.state

    def consumed(self, name: str, attempt: int) -> None:
        keep = 5000.0
        use = Consumption(evidence=name, environment=PRODUCTION, target="", attempt=attempt, by=name, at=self.now)
        found = claim.consume(self.state, use, keep)
        young = [old for old in self.used if (old.evidence, old.attempt) == (name, attempt) and old.at > self.now - keep]
        if isinstance(found, AlreadyConsumed):
            assert any((old.evidence, old.attempt) == (name, attempt) for old in self.used)
            return
        assert not young, "evidence is used once for as long as uses are kept"
        self.used.append(use)
        self.state = found.state
        assert all(old.at > self.now - keep for old in self.state.consumed)


@given(STEPS)
def test_any_order_of_steps(steps: list[tuple[str, str, str, float, int]]) -> None:
    world = World()
    for step in steps:
        world.step(*step)
    assert len(world.issued) == len(set(world.issued))
