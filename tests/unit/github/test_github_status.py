"""The status of a commit: short, one context, and written only where it says something else."""

from __future__ import annotations

import pytest

from dhash_guard.errors import UsageProblem
from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import Silent
from dhash_guard.github.ports import State
from dhash_guard.github.status import set_status
from unit.github.hub import Fault, Hub
from unit.github.world import SHA, FakeGithub, StillClock

Github = FakeGithub | GithubApi


def test_written_once(github: Github, hub: Hub, clock: StillClock) -> None:
    first = set_status(github, SHA, "gate", State.SUCCESS, "14 of 14", clock, "https://github.com/o/r/actions/runs/1")
    again = set_status(github, SHA, "gate", State.SUCCESS, "14 of 14", clock, "https://github.com/o/r/actions/runs/1")
    assert (first.changed, first.requests, again.changed, again.requests) == (True, 2, False, 1)
    assert first.status == again.status
    assert first.status.context == "dhash-guard/gate"
    assert hub.repository.writes == ["status"]


@pytest.mark.parametrize(
    ("state", "text", "url"), [(State.FAILURE, "x", ""), (State.SUCCESS, "y", ""), (State.SUCCESS, "x", "https://e")]
)
def test_any_difference_is_written(github: Github, hub: Hub, clock: StillClock, state: State, text: str, url: str) -> None:
    set_status(github, SHA, "gate", State.SUCCESS, "x", clock)
    assert set_status(github, SHA, "gate", state, text, clock, url).changed
    assert hub.repository.writes == ["status", "status"]


def test_the_description_is_cut_to_one_short_line(github: Github, clock: StillClock) -> None:
    done = set_status(github, SHA, "gate", State.ERROR, "p95 2310 ms\n> 2000 ms \x1b[31m" + "é" * 200, clock)
    assert len(done.status.description) == 140
    assert done.status.description.startswith("p95 2310 ms > 2000 ms [31mé")
    assert done.status.description.endswith("…")


@pytest.mark.parametrize("effect", [False, True])
def test_an_ambiguous_write_looks_first(hub: Hub, api: GithubApi, clock: StillClock, effect: bool) -> None:
    hub.faults = [Fault(status=502, method="POST", effect=effect)]
    assert set_status(api, SHA, "gate", State.PENDING, "", clock).changed
    assert hub.count("POST") == (1 if effect else 2)


def test_a_read_that_fails_is_no_unchanged_status(hub: Hub, api: GithubApi, clock: StillClock) -> None:
    hub.faults = [Fault(status=502, method="GET")] * 9
    with pytest.raises(Silent):
        set_status(api, SHA, "gate", State.SUCCESS, "", clock)
    assert not hub.repository.writes


@pytest.mark.parametrize(
    ("sha", "context", "url"),
    [
        ("main", "gate", ""),
        (SHA[:12], "gate", ""),
        (SHA.upper(), "gate", ""),
        (f"{SHA}\n", "gate", ""),
        (SHA, "", ""),
        (SHA, "a gate", ""),
        (SHA, "gate", "javascript:alert(1)"),
        (SHA, "gate", "https://e/\n"),
    ],
)
def test_what_cannot_be_right_is_not_sent(github: Github, clock: StillClock, sha: str, context: str, url: str) -> None:
    with pytest.raises(UsageProblem):
        set_status(github, sha, context, State.SUCCESS, "", clock, url)
    assert github.requests_made == 0
