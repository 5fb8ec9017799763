"""How the planned test spends its error, and the chances that it compares with."""

from __future__ import annotations

import math
from itertools import permutations

import pytest

from dhash_guard.gates.sequential import MOST_LOOKS, allowance, chance, pace, spent


@pytest.mark.parametrize(
    ("looks", "planned", "every"),
    [(1, 1, 1), (2, 2, 1), (60, 60, 1), (61, 60, 2), (120, 60, 2), (121, 60, 3), (241, 60, 5), (86_401, 60, 1441)],
)
def test_a_watch_is_tested_sixty_times_at_most(looks: int, planned: int, every: int) -> None:
    assert pace(looks) == (planned, every)
    assert planned <= MOST_LOOKS
    assert looks // every <= planned


@pytest.mark.parametrize(
    ("share", "part"),
    [(0.0, 0.0), (0.5, math.log((1 + math.e) / 2)), (1.0, 1.0), (1.5, 1.0)],
)
def test_the_error_is_spent_as_pocock_would(share: float, part: float) -> None:
    assert spent(0.05, share) == pytest.approx(0.05 * part)


def test_early_looks_may_spend_more_than_late_ones() -> None:
    each = [allowance(0.01, look, 5) for look in range(1, 6)]
    assert each == sorted(each, reverse=True)
    assert each[0] == pytest.approx(0.01 * math.log(1 + (math.e - 1) / 5))
    assert math.fsum(each) == pytest.approx(0.01)


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 1), (1, 3), (3, 3), (4, 2)])
def test_a_chance_is_the_share_of_all_orders_that_win_as_often(before: int, after: int) -> None:
    orders = set(permutations([0] * before + [1] * after))
    wins = [sum(sum(1 for low in order[:at] if not low) for at, new in enumerate(order) if new) for order in orders]
    for least in range(before * after + 2):
        assert chance(least, before, after) == pytest.approx(sum(won >= least for won in wins) / len(orders))
