"""However writers interleave, one comment of ours is left once one of them looks again, and no other is touched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dhash_guard.github.comment import CommentResult, Compose, Outcome, upsert
from dhash_guard.github.errors import GithubProblem, Silent
from unit.github.world import BOT, MARKER, FakeGithub, Repository, StillClock, context

_CALLS = ("comments", "create_comment", "edit_comment", "delete_comment", "identity", "pull_request")


class Turns:
    """Lets one writer at a time make one call; `schedule` says whose turn is next, and the rest finish in order."""

    def __init__(self, writers: int) -> None:
        self._may = [threading.Semaphore(0) for _ in range(writers)]
        self._paused = threading.Semaphore(0)
        self._done = [False] * writers

    def run(self, jobs: Sequence[Callable[[], None]], schedule: Sequence[int]) -> None:
        threads = [threading.Thread(target=self._work, args=(n, job), daemon=True) for n, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        for n in schedule:
            self._step(n % len(jobs))
        for n in range(len(jobs)):
            while not self._done[n]:
                self._step(n)
        for thread in threads:
            thread.join(10)

    def _step(self, n: int) -> None:
        if not self._done[n]:
            self._may[n].release()
            assert self._paused.acquire(timeout=10)

    def _work(self, n: int, job: Callable[[], None]) -> None:
        self._may[n].acquire()
        try:
            job()
        finally:
            self._done[n] = True
            self._paused.release()

    def wait(self, n: int) -> None:
        """End this turn and wait for the next."""
        self._paused.release()
        self._may[n].acquire()


class Slow:
    """A fake whose every call waits for its writer's turn."""

    def __init__(self, fake: FakeGithub, turns: Turns, writer: int) -> None:
        self._fake, self._turns, self._writer = fake, turns, writer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._fake, name)
        if name not in _CALLS:
            return found

        def called(*arguments: Any) -> Any:
            self._turns.wait(self._writer)
            return found(*arguments)

        return called


def race(
    repository: Repository, bodies: Sequence[str | Compose], schedule: Sequence[int], faults: Sequence[str]
) -> list[CommentResult]:
    """Let one writer per body bring the comment up to date at once."""
    turns, results = Turns(len(bodies)), []

    def job(writer: int, body: str | Compose) -> Callable[[], None]:
        fake = FakeGithub(repository, context())
        lost: list[GithubProblem] = [Silent("lost")]
        fake.before = list(lost) if faults[writer] == "before" else []
        fake.after = list(lost) if faults[writer] == "after" else []
        slow = Slow(fake, turns, writer)
        return lambda: results.append(upsert(slow, 7, MARKER, body, StillClock()))

    turns.run([job(n, body) for n, body in enumerate(bodies)], schedule)
    assert len(results) == len(bodies)
    return results


_FAULTS = st.lists(st.sampled_from(["", "before", "after"]), min_size=3, max_size=3)
_SCHEDULES = st.lists(st.integers(0, 2), max_size=30)
_THERE = st.lists(st.sampled_from(["ours", "ours too", "theirs"]), max_size=4)


def _before(there: Sequence[str]) -> Repository:
    repository = Repository()
    for what in there:
        repository.paste("mallory" if what == "theirs" else BOT, f"{MARKER}\n{what}")
    return repository


@settings(max_examples=200, deadline=None)
@given(_THERE, _SCHEDULES, _FAULTS)
def test_two_writers_leave_one_comment(there: list[str], schedule: list[int], faults: list[str]) -> None:
    repository = _before(there)
    foreign = [each for each in repository.comments.values() if each.author != BOT]
    bodies = [f"{MARKER}\none", f"{MARKER}\ntwo"]
    race(repository, bodies, schedule, faults)
    assert repository.ours()
    last = upsert(FakeGithub(repository, context()), 7, MARKER, bodies[0], StillClock())
    (left,) = repository.ours()
    assert (left.id, left.body) == (last.id, bodies[0])
    assert [each for each in repository.comments.values() if each.author != BOT] == foreign
    again = upsert(FakeGithub(repository, context()), 7, MARKER, bodies[0], StillClock())
    assert again.outcome is Outcome.UNCHANGED


@settings(max_examples=200, deadline=None)
@given(_SCHEDULES)
def test_legs_that_write_at_once_leave_one_comment_with_the_last_leg(schedule: list[int]) -> None:
    repository = _before([])

    def with_leg(leg: str) -> Compose:
        def compose(there: Sequence[str]) -> str:
            legs = {line for body in there for line in body.splitlines()[1:]} | {leg}
            return "\n".join([MARKER, *sorted(legs)])

        return compose

    legs = ["linux", "macos", "windows"]
    race(repository, [with_leg(leg) for leg in legs], schedule, ["", "", ""])
    for leg in legs:  # what a leg does when it looks once more
        upsert(FakeGithub(repository, context()), 7, MARKER, with_leg(leg), StillClock())
    (left,) = repository.ours()
    assert left.body == "\n".join([MARKER, *legs])
