"""Whether a queue drains, case by case, and what holds for every series."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.gates.drainage import ENOUGH, Flow, QueueLook, drainage


def looks(*lengths: float, step: float = 2.0) -> list[QueueLook]:
    return [QueueLook(index * step, length) for index, length in enumerate(lengths)]


@pytest.mark.parametrize(
    ("lengths", "flow"),
    [
        ((), Flow.CANNOT_TELL),
        ((0,), Flow.CANNOT_TELL),
        ((5, 4), Flow.DRAINING),
        ((5, 5), Flow.STABLE),
        ((0, 0), Flow.STABLE),
        ((5, 900, 900, 900, 5), Flow.STABLE),
        ((4, 5), Flow.CANNOT_TELL),
        ((4, 5, 6, 7), Flow.CANNOT_TELL),
        ((4, 5, 6, 7, 8), Flow.GROWING),
        ((4, 20, 10, 5, 4.5), Flow.DRAINING),
        ((1, 4, 4, 4, 3, 1, 2), Flow.DRAINING),
        ((0, 3, 0, 1, 1), Flow.STABLE),  # longer at the end, on a level slope
        ((0, 3, 0, 1, 1.01), Flow.GROWING),
    ],
)
def test_the_table(lengths: tuple[float, ...], flow: Flow) -> None:
    found = drainage(looks(*lengths))
    assert found.flow is flow, found.reason
    assert found.looks == len(lengths)
    assert found.backlog == (lengths[-1] if lengths else None)


def test_rates_are_per_second() -> None:
    found = drainage([QueueLook(10.0, 100, 50), QueueLook(20.0, 80, 90)])
    assert (found.grows_by, found.processes) == (-2.0, 4.0)
    found = drainage([QueueLook(0.0, 5, 0), QueueLook(0.5, 6, 2)])
    assert (found.grows_by, found.processes) == (2.0, 4.0)


def test_a_queue_that_processes_nothing_says_so() -> None:
    assert drainage([QueueLook(0.0, 5, 50), QueueLook(9.0, 5, 50)]).processes == 0.0


def test_a_counter_that_went_back_tells_nothing() -> None:
    assert drainage([QueueLook(0.0, 5, 50), QueueLook(1.0, 5, 3)]).processes is None
    assert drainage([QueueLook(0.0, 5, None), QueueLook(1.0, 5, 3)]).processes is None


def test_looks_of_one_moment_give_no_rates() -> None:
    found = drainage([QueueLook(1.0, 5, 5), QueueLook(1.0, 4, 6)])
    assert (found.flow, found.grows_by, found.processes) == (Flow.DRAINING, None, None)


lengths = st.lists(st.integers(0, 10_000), max_size=20)


@given(lengths)
def test_an_end_no_longer_than_the_start_is_always_well_and_a_longer_one_needs_enough_looks(series: list[int]) -> None:
    found = drainage(looks(*series))
    if len(series) < 2:
        assert found.flow is Flow.CANNOT_TELL
    elif series[-1] <= series[0]:
        assert found.well
    elif len(series) < ENOUGH:
        assert found.flow is Flow.CANNOT_TELL
    else:
        assert found.flow is not Flow.CANNOT_TELL


@given(st.lists(st.integers(1, 1000), min_size=ENOUGH - 1, max_size=20), st.integers(0, 1000))
def test_what_only_grows_is_growing(steps: list[int], start: int) -> None:
    series = [start]
    for step in steps:
        series.append(series[-1] + step)
    assert drainage(looks(*series)).flow is Flow.GROWING


@given(lengths, st.floats(0.1, 100))
def test_how_far_apart_the_looks_are_changes_no_verdict(series: list[int], step: float) -> None:
    assert drainage(looks(*series, step=step)).flow is drainage(looks(*series, step=1.0)).flow
