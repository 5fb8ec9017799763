"""A served simulator with one pull request, a clock that stands still until it is moved, and two ways to talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dhash_guard.simulator import Simulator
from unit.simulator.asking import Ask, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sim(clock: Clock) -> Iterator[Simulator]:
    with Simulator(now=clock.now).serving() as served:
        served.add_pull_request(number=7, author="ada")
        yield served


@pytest.fixture
def ask(sim: Simulator) -> Iterator[Ask]:
    with Ask(sim) as asking:
        yield asking
