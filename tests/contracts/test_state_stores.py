"""What every keeper of the shared state promises: in memory, in a file, and on a ref of the simulator's GitHub."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

from dhash_guard.errors import Damaged, GuardError, OutsideSilent
from dhash_guard.gates.claim import Granted, claim
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import context_of
from dhash_guard.github.errors import Forbidden, NotFound, Silent, Unprocessable
from dhash_guard.github.patience import Patience
from dhash_guard.github.state_ref import StateRef
from dhash_guard.ledger.state_file import StateFile
from dhash_guard.records.layout import Layout
from dhash_guard.records.shared_state import Consumption, SharedState, content
from dhash_guard.simulator import Simulator
from dhash_guard.system.files import SystemFiles
from dhash_guard.system.state_store import NOTHING, StateStore
from support.state_stores import NOON, PRODUCTION, MemoryStore, claimant
from support.world import SleptClock
from support.writers import answer

SWIFT = Patience(retries=1, backoff=0.0, between_writes=0.0, timeout=5)
REF = "refs/dhash-guard/production"


def ref_of(sim: Simulator, token: str = "t-write", repository: str = "") -> StateRef:
    environ = {"GITHUB_REPOSITORY": repository or sim.name, "GITHUB_API_URL": "https://api.example.com"}
    clock, send = SleptClock(NOON), partial(answer, sim, token)
    return StateRef(GithubApi(token, context_of(environ, {}), clock, SWIFT, send), clock, PRODUCTION)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    made = Simulator(now=lambda: NOON)
    yield made
    assert made.unknown_routes == []


def file_in(folder: Path) -> StateFile:
    layout = Layout(root=folder, service="dhash", backups=folder / "b", logs=folder / "l", artifacts=folder / "a")
    return StateFile(SystemFiles(), layout, PRODUCTION)


Open = Callable[[], StateStore]


@pytest.fixture(params=["memory", "file", "ref"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Each call opens the same state anew, as another process would."""
    if request.param == "memory":
        store = MemoryStore()
        return lambda: store
    if request.param == "file":
        return lambda: file_in(tmp_path)
    served: Simulator = request.getfixturevalue("sim")
    return lambda: ref_of(served)


def claimed(state: SharedState, name: str) -> SharedState:
    found = claim(state, claimant(name), NOON, 900.0)
    assert isinstance(found, Granted)
    return found.state


FIRST = claimed(SharedState(environment=PRODUCTION), "ada")
OTHER = claimed(SharedState(environment=PRODUCTION), "grace")


def test_nothing_is_there_at_first(opened: Open) -> None:
    seen = opened().read()
    assert (seen.version, seen.state) == (NOTHING, SharedState(environment=PRODUCTION))


def test_what_was_written_is_read_by_others(opened: Open) -> None:
    version = opened().swap(NOTHING, FIRST, "claimed")
    seen = opened().read()
    assert version
    assert (seen.version, seen.state) == (version, FIRST)


def test_of_two_who_read_the_same_one_is_refused(opened: Open) -> None:
    one, two = opened(), opened()
    assert one.read().version == two.read().version == NOTHING
    first = one.swap(NOTHING, FIRST, "one")
    assert first
    assert two.swap(NOTHING, OTHER, "two") is None
    assert two.read().version == one.read().version == first
    second = two.swap(first, evolve(FIRST, sequence=2), "two")
    assert second
    assert one.swap(first, evolve(OTHER, sequence=2), "one") is None
    assert opened().read().state == evolve(FIRST, sequence=2)


def test_one_may_go_on_from_what_it_wrote_without_reading(opened: Open) -> None:
    store = opened()
    version = store.swap(NOTHING, FIRST, "1")
    for sequence in (2, 3):
        assert version
        version = store.swap(version, evolve(FIRST, sequence=sequence), str(sequence))
    assert opened().read().state.sequence == 3


def test_a_version_that_never_was_is_refused(opened: Open) -> None:
    store = opened()
    assert store.swap(NOTHING, FIRST, "1")
    with suppress(GuardError):  # GitHub knows no such commit to build upon
        assert store.swap("0" * 40, OTHER, "2") is None
    assert opened().read().state == FIRST


def test_of_eight_at_the_same_moment_one_succeeds(opened: Open) -> None:
    start = threading.Barrier(8)

    def attempt(number: int) -> str | None:
        store, state = opened(), claimed(SharedState(environment=PRODUCTION), f"contender-{number}")
        start.wait()
        return store.swap(NOTHING, state, "at once")

    with ThreadPoolExecutor(8) as pool:
        won = [version for version in pool.map(attempt, range(8)) if version]
    assert len(won) == 1
    assert opened().read().version == won[0]


def test_any_text_survives(opened: Open) -> None:
    holder = FIRST.holder
    assert holder is not None
    state = evolve(FIRST, holder=evolve(holder, reason='a\n"b" #7 @ada ünïcode \U0001f600 \u2028'))
    opened().swap(NOTHING, state, "line\n::set-output:: \x1b[31m@ada")
    assert opened().read().state == state


def test_a_state_of_more_than_a_megabyte_is_read_back(opened: Open) -> None:
    """Of a file that large GitHub's contents route gives no content."""
    uses = [
        Consumption(evidence="a" * 64, environment="production", target=f"v{n}", attempt=1, by="r", at=NOON)
        for n in range(7000)
    ]
    opened().swap(NOTHING, evolve(FIRST, consumed=tuple(uses)), "many uses")
    assert len(opened().read().state.consumed) == len(uses)


# The file alone


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    store = file_in(tmp_path)
    store.swap(NOTHING, FIRST, "1")
    path = tmp_path / ".dhash-guard/shared/production.json"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Damaged, match="the shared state is damaged"):
        store.read()


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / ".dhash-guard").mkdir()
    (tmp_path / ".dhash-guard/shared").write_text("in the way")
    with pytest.raises(OutsideSilent, match="cannot be written"):
        file_in(tmp_path).swap(NOTHING, FIRST, "1")


def test_so_is_one_that_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / ".dhash-guard/shared/production.json").mkdir(parents=True)
    with pytest.raises(OutsideSilent, match="cannot be read: Is a directory"):
        file_in(tmp_path).read()


# The ref alone


def test_it_costs_few_requests(sim: Simulator) -> None:
    store = ref_of(sim)

    def requests(work: Callable[[], object]) -> int:
        before = len(sim.log)
        work()
        return len(sim.log) - before

    assert requests(store.read) == 1, "there is nothing yet"
    version = NOTHING

    def swap() -> None:
        nonlocal version
        version = store.swap(version, evolve(FIRST, sequence=len(sim.log)), "x") or ""

    assert requests(swap) == 3
    assert requests(swap) == 3
    assert requests(store.read) == 1, "what was written oneself is known"
    assert requests(ref_of(sim).read) == 2
    assert requests(lambda: ref_of(sim).swap(NOTHING, OTHER, "late")) == 4


def test_every_state_is_a_commit_upon_the_one_before(sim: Simulator) -> None:
    store, version = ref_of(sim), NOTHING
    made = []
    for number in range(3):
        version = store.swap(version, evolve(FIRST, sequence=number), f"step {number}") or ""
        made.append(version)
    commits = sim.repository.objects.commits
    assert [commits[sha].parents for sha in made] == [(), (made[0],), (made[1],)]
    assert [commits[sha].message for sha in made] == ["step 0", "step 1", "step 2"]
    assert [(ref.name, ref.sha) for ref in sim.repository.refs] == [(REF, made[-1])]
    assert sim.repository.branches.keys() == {"main"}, "no branch is made"


@pytest.mark.parametrize("kind", ["lost-answer", "truncated", "status", "reset"])
@pytest.mark.parametrize("route", [("POST", "*/git/trees"), ("POST", "*/git/commits"), ("PATCH", "*/git/refs/*")])
def test_an_answer_that_is_lost_is_asked_for_again(sim: Simulator, kind: str, route: tuple[str, str]) -> None:
    store = ref_of(sim)
    version = store.swap(NOTHING, FIRST, "1")
    assert version
    sim.fault(kind, method=route[0], path=route[1])
    made = store.swap(version, evolve(FIRST, sequence=2), "2")
    assert made
    assert ref_of(sim).read().state.sequence == 2
    assert ref_of(sim).read().version == made


@pytest.mark.parametrize("kind", ["lost-answer", "truncated", "status", "reset"])
def test_so_is_that_of_the_first_state(sim: Simulator, kind: str) -> None:
    sim.fault(kind, method="POST", path="*/git/refs")
    assert ref_of(sim).swap(NOTHING, FIRST, "1") == sim.repository.refs[0].sha


def test_an_answer_that_never_comes_is_looked_for(sim: Simulator) -> None:
    store = ref_of(sim)
    version = store.swap(NOTHING, FIRST, "1") or ""
    sim.fault("lost-answer", method="PATCH", path="*/git/refs/*", times=2)
    assert store.swap(version, evolve(FIRST, sequence=2), "2") == sim.repository.refs[0].sha


def test_where_it_cannot_be_told_that_is_said(sim: Simulator) -> None:
    store = ref_of(sim)
    version = store.swap(NOTHING, FIRST, "1") or ""
    sim.fault("status", method="PATCH", path="*/git/refs/*", times=2)
    with pytest.raises(Silent):
        store.swap(version, evolve(FIRST, sequence=2), "2")
    assert ref_of(sim).read().state.sequence == 1


def test_a_late_read_costs_a_lost_race_and_nothing_else(sim: Simulator) -> None:
    one, two = ref_of(sim), ref_of(sim)
    first = one.swap(NOTHING, FIRST, "1") or ""
    sim.fault("lag", method="PATCH", path="*/git/refs/*", reads=2)
    second = one.swap(first, evolve(FIRST, sequence=2), "2")
    assert second
    late = two.read()
    assert late.version == first, "an old state is seen"
    assert two.swap(late.version, evolve(OTHER, sequence=2), "3") is None
    assert two.read().version == second


def test_a_first_state_that_is_seen_late(sim: Simulator) -> None:
    sim.fault("lag", method="POST", path="*/git/refs", reads=2)
    assert ref_of(sim).swap(NOTHING, FIRST, "1")
    two = ref_of(sim)
    assert two.read().version == NOTHING
    assert two.swap(NOTHING, OTHER, "2") is None
    assert two.read().state == FIRST


def test_a_commit_that_cannot_be_read_yet_is_waited_for(sim: Simulator) -> None:
    ref_of(sim).swap(NOTHING, FIRST, "1")
    sim.fault("status", method="GET", path="*/contents/*", status=404, times=2)
    assert ref_of(sim).read().state == FIRST


@pytest.mark.parametrize("token", ["t-read", "t-dependabot"])
def test_without_the_permission_it_is_named(sim: Simulator, token: str) -> None:
    store = ref_of(sim, token)
    assert store.read().version == NOTHING
    with pytest.raises(Forbidden, match="contents: write"):
        store.swap(NOTHING, FIRST, "1")


def test_a_repository_that_is_not_seen_is_no_free_environment(sim: Simulator) -> None:
    sim.repository.private = True
    store = ref_of(sim, repository="mobius/other")
    assert store.read().version == NOTHING  # GitHub answers alike for a ref that is not there
    with pytest.raises(NotFound):
        store.swap(NOTHING, FIRST, "1")


def test_a_refusal_that_is_no_race_is_told(sim: Simulator) -> None:
    store = ref_of(sim)
    version = store.swap(NOTHING, FIRST, "1") or ""
    sim.fault("status", method="PATCH", path="*/git/refs/*", status=422)
    with pytest.raises(Unprocessable, match="422"):
        store.swap(version, evolve(FIRST, sequence=2), "2")


@pytest.mark.parametrize("text", ["{}", "not json", content(FIRST).decode().replace("production", "staging")])
def test_a_ref_that_leads_to_something_else_is_refused(sim: Simulator, text: str) -> None:
    store = ref_of(sim)
    store.swap(NOTHING, FIRST, "1")
    for sha in sim.repository.objects.blobs:
        sim.repository.objects.blobs[sha] = text
    with pytest.raises(Damaged, match=r"refs/dhash-guard/production of mobius/dhash-service: the shared state at"):
        ref_of(sim).read()


def test_a_commit_without_the_file_is_refused(sim: Simulator) -> None:
    store = ref_of(sim)
    version = store.swap(NOTHING, FIRST, "1")
    assert version
    sim.repository.objects.trees[sim.repository.objects.commits[version].tree].clear()
    with pytest.raises(Damaged, match=r"there is no state\.json"):
        ref_of(sim).read()


def test_the_simulators_state_file_keeps_it(sim: Simulator) -> None:
    ref_of(sim).swap(NOTHING, FIRST, "1")
    from dhash_guard.simulator.document import document, to_json

    again = document(json.loads(to_json(sim.world)), NOON)
    assert again.world.repositories[sim.name].refs == sim.repository.refs
    assert again.world.repositories[sim.name].objects == sim.repository.objects
