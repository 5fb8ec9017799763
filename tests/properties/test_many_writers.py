"""However many legs write at once, and however late GitHub lists: one comment, no leg lost, few requests."""

from __future__ import annotations

import random

import pytest

from support.legs import SHA, Matrix, leg, percentile
from support.writers import usual

MANY = 64
MOST = 6
"""Requests of a writer at the 95th percentile: one for the facts, two for its turn, one to look again, and one turn more."""


@pytest.mark.parametrize("spread", [0.0, 2.0, 90.0], ids=["at once", "almost at once", "over a minute and a half"])
@pytest.mark.parametrize("seed", range(4))
def test_sixty_four_writers_leave_one_comment_with_every_leg(seed: int, spread: float) -> None:
    matrix = Matrix.of(MANY, seed)
    matrix.lag(0.05, seed=seed)
    matrix.all(spread)
    assert len(matrix.comments) == 1
    assert matrix.missing() == set()
    assert percentile([*matrix.asked.values()], 0.95) <= MOST
    assert {told.requests for told in matrix.told.values()} == {*matrix.asked.values()}, "what is told was counted"
    (comment,) = matrix.comments
    assert "64 of 64 systems passed" in comment.body


def test_where_github_shows_everything_at_once_four_requests_will_do() -> None:
    matrix = Matrix.of(MANY, latency=lambda rng, method, path: (0.1, 0.1)).all()
    assert {*matrix.asked.values()} == {4}
    assert matrix.writes == MANY


def test_an_unchanged_result_is_not_written() -> None:
    matrix = Matrix.of(MANY).all()
    before, writes = matrix.comments, matrix.writes
    matrix.all()
    assert (matrix.comments, matrix.writes) == (before, writes)
    assert {*matrix.asked.values()} == {2}
    again = [matrix.writing(leg(name, attempt=2)) for name in matrix.names]
    assert matrix.run(*again).writes == writes, "nor by another attempt that found the same"


@pytest.mark.parametrize("seed", range(12))
def test_every_number_of_writers(seed: int) -> None:
    rng = random.Random(seed)
    matrix = Matrix.of(rng.randint(1, 24), seed)
    matrix.lag(0.1, reads=rng.randint(1, 4), seed=seed)
    matrix.all(rng.choice([0.0, 5.0, 60.0]))
    assert (len(matrix.comments), matrix.missing()) == (1, set())


def held_up(rng: random.Random, method: str, path: str) -> tuple[float, float]:
    """One edit that is on its way for two minutes: longer than any turn."""
    there, back = usual(rng, method, path)
    return (there + 120.0 if method == "PATCH" and rng.random() < 0.1 else there), back


@pytest.mark.parametrize("seed", range(6))
def test_what_a_leg_that_was_held_up_hides_the_gate_brings_back(seed: int) -> None:
    """The one weakness of taking turns: an edit that arrives after everybody has looked. The gate knows all legs."""
    matrix = Matrix.of(16, seed, held_up).all()
    hidden = matrix.missing()
    matrix.schedule.latency = usual
    matrix.run(matrix.writing(*(leg(name) for name in matrix.names), name="gate"))
    assert (len(matrix.comments), matrix.missing()) == (1, set())
    assert matrix.asked["gate"] <= (4 if hidden else 2)
    assert matrix.told["gate"].outcome.value == ("edited" if hidden else "unchanged")


def test_that_weakness_is_real() -> None:
    """Else the test above would show nothing."""
    assert any(Matrix.of(16, seed, held_up).all().missing() for seed in range(6))


def test_a_matrix_of_three_and_its_gate_cost_fourteen_requests() -> None:
    matrix = Matrix.of(3).all(spread=30.0)
    matrix.run(matrix.writing(*(leg(name) for name in matrix.names), name="gate"))
    assert sum(matrix.asked.values()) <= 14
    assert len(matrix.sim.log) == sum(matrix.asked.values()) <= 40
    assert matrix.sim.unknown_routes == []
    assert SHA[:7] in matrix.comments[0].body
