"""What a hold takes in at once leaves it where one look after the other would have: seeded watches, in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from dhash_guard.gates.comparison import RankTest
from dhash_guard.gates.holds import Consecutive, OfLast
from dhash_guard.gates.reading import Level, Limits
from dhash_guard.gates.settings import Aggregate
from dhash_guard.gates.standing import Hold
from dhash_guard.gates.windows import Window
from dhash_guard.records.sample import Absence, AbsenceKind
from dhash_guard.records.units import Seconds, parse_quantity
from support.watching import START

ABSENT = Absence(AbsenceKind.TIMEOUT)
SERIES = 60
"""Watches for each hold and side."""

Made = Callable[[Random, str], Hold]


def limits(rng: Random, side: str) -> Limits:
    """A limit to fail at, and often a milder one to warn at."""
    at = rng.choice((-5.0, 0.0, 0.5, 1.0, 5.0))
    milder = at - 1.0 if side in ("above", "from") else at + 1.0
    return Limits(None, (side, parse_quantity(at)), (side, parse_quantity(milder)) if rng.random() < 0.5 else None)


def consecutive(rng: Random, side: str) -> Hold:
    return Consecutive(rng.randint(1, 4), rng.randint(1, 6), limits(rng, side))


def of_last(rng: Random, side: str) -> Hold:
    needed = rng.randint(1, 4)
    return OfLast(needed, needed + rng.randint(0, 4), rng.randint(1, 6), limits(rng, side))


def rank_test(rng: Random, side: str) -> Hold:
    before = tuple(rng.choice((-5.0, 0.0, 2.0)) + rng.random() for _ in range(rng.randint(3, 12)))
    over = rng.choice((None, Seconds(2.0), Seconds(5.0)))
    return RankTest(before, over, 0.2, rng.randint(3, 20), rng.randint(1, 4), limits(rng, side))


def window(how: Aggregate) -> Made:
    def made(rng: Random, side: str) -> Hold:
        over = Seconds(rng.choice((0.5, 1.0, 2.0, 3.0, 5.0, 8.0)))
        return Window(over, how, rng.randint(1, 4), START, limits(rng, side))

    return made


def pieces(rng: Random) -> Iterator[tuple[list[float], float, list[float]]]:
    """A watch in pieces: times, interval, values; only the first look of a piece may come after a gap."""
    at, scale = START, rng.choice((1.0, 0.1))
    for _ in range(rng.randint(2, 7)):
        interval = rng.choice((0.5, 1.0, 1.0, 1.0, 3.0)) * scale
        steps = [rng.choice((1, 1, 2, 2.5, 4)), *rng.choices((0.5, 1, 1, 1, 2), k=rng.randint(0, 7))]
        times = [at := at + step * interval for step in steps]
        usual = rng.choice((-10.0, -4.0, -0.4, 0.0, 0.4, 2.0, 4.0))
        values = [usual + scale * rng.choice((0, 0, 0, 1, 2)) if rng.random() < 0.7 else rng.uniform(-11, 11) for _ in steps]
        yield times, interval, [rng.choice((-5.0, 0.0, 4.0, 5.0, 6.0)) if rng.random() < 0.15 else value for value in values]


WINDOWS = {how.value: window(how) for how in Aggregate if how is not Aggregate.RATIO}


@pytest.mark.parametrize("side", ["above", "below", "from", "to"])
@pytest.mark.parametrize(
    "made", [consecutive, of_last, rank_test, *WINDOWS.values()], ids=["consecutive", "of_last", "test", *WINDOWS]
)
def test_at_once_is_as_one_by_one(made: Made, side: str) -> None:
    for seed in range(SERIES):
        at_once, each = made(Random(seed), side), made(Random(seed), side)
        rng = Random(f"looks {seed}")
        for times, interval, values in pieces(rng):
            levels = [each.observe(at, interval, value) for at, value in zip(times, values, strict=True)]
            if at_once.calm(times, values):
                at_once.skim(times, interval, values)
                assert set(levels) <= {None, Level.FINE}, seed
            else:
                taken, told = at_once.fold(times, interval, values)
                assert taken == (levels.index(Level.FAIL) + 1 if Level.FAIL in levels else len(levels)), seed
                assert told == set(levels[:taken]) - {None, Level.FINE}, seed
                for at, value, level in zip(times[taken:], values[taken:], levels[taken:], strict=True):
                    assert at_once.observe(at, interval, value) is level, seed
            assert at_once.standing() == each.standing(), seed
            silent = times[-1] + rng.choice((0.1, 1.0, 5.0)) * interval
            if rng.random() < 0.3:
                assert at_once.observe(silent, interval, ABSENT) is each.observe(silent, interval, ABSENT), seed
                assert at_once.standing() == each.standing(), seed
