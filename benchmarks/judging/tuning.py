"""Finds each peer's best settings on the training watches, so that nobody is compared with a badly set rule."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

from benchmarks.judging.engines import Answer, Argo, Engine, Flagger, MannWhitney, Prometheus, Single
from benchmarks.judging.limits import Limit
from benchmarks.judging.scoring import Score, score
from benchmarks.judging.traces import Trace

BUDGET = 0.01
"""False rollbacks per clean hour that a team puts up with."""

LATENCY_FACTORS = (1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
ERROR_SHARES = (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08, 0.12, 0.20)
WINDOWS = (1, 5)
COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20)
CHUNK = 50


def limits(family: str) -> list[Limit]:
    """The conditions that a team would write: on one look or on five, absolute or compared with what was usual."""
    if family == "latency":
        return [Limit(at, window) for at, window in product(LATENCY_FACTORS, WINDOWS)]
    compared = ((False, 0.0), (True, 0.0), (False, 3.0))
    return [Limit(at, window, *usual) for at, window, usual in product(ERROR_SHARES, WINDOWS, compared)]


def peers(family: str) -> dict[str, list[Engine]]:
    """Every setting of every peer; Argo also with a delayed start and with errors forgiven, which its templates allow."""
    conditions = limits(family)
    argo = product(conditions, (0, *COUNTS), (4, 60), (0, 5))
    return {
        "single breach": [Single(limit) for limit in conditions],
        "Argo Rollouts": [Argo(limit, most, errors, delay) for limit, most, errors, delay in argo],
        "Flagger": [Flagger(limit, threshold) for limit, threshold in product(conditions, COUNTS)],
        "Prometheus alert": [Prometheus(limit, hold - 1) for limit, hold in product(conditions, COUNTS)],
        "Mann-Whitney": [MannWhitney(p, r) for p, r in product((0.02, 0.002, 0.0001), (1.1, 1.25, 1.5, 2.0, 3.0))],
    }


def answers(engines: Sequence[Engine], traces: Sequence[Trace]) -> list[list[Answer]]:
    """What every engine says of every trace, in their order; on all processors."""
    chunks = [traces[begin : begin + CHUNK] for begin in range(0, len(traces), CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(_chunk, [engines] * len(chunks), chunks))
    return [[answer for part in parts for answer in part[place]] for place in range(len(engines))]


def _chunk(engines: Sequence[Engine], traces: Sequence[Trace]) -> list[list[Answer]]:
    return [[engine.decide(trace) for trace in traces] for engine in engines]


@dataclass(frozen=True)
class Tuned:
    """A peer's settings with their training scores: the best within the budget, and everything it may be measured with."""

    best: Engine
    within_budget: bool
    front: tuple[Engine, ...]
    ladder: Mapping[float, Engine]


LADDER = (0.002, 0.005, 0.01, 0.02, 0.05, 0.10)


def tuned(engines: Sequence[Engine], traces: Sequence[Trace]) -> Tuned:
    """Most detection, then least delay, within the budget; where no setting is within it, the fewest false rollbacks."""
    scored = [
        (engine, score(zip(traces, said, strict=True)))
        for engine, said in zip(engines, answers(engines, traces), strict=True)
    ]
    fitting = [pair for pair in scored if pair[1].false_rate <= BUDGET]
    best = max(fitting, key=_merit) if fitting else min(scored, key=lambda pair: (pair[1].false_rate, -pair[1].detection))
    ladder: dict[float, Engine] = {}
    for budget in LADDER:
        affordable = [pair for pair in scored if pair[1].false_rate <= budget]
        if affordable and (engine := max(affordable, key=_merit)[0]) not in ladder.values():
            ladder[budget] = engine
    return Tuned(best[0], bool(fitting), tuple(engine for engine, _ in front(fitting)), ladder)


def front(scored: Sequence[tuple[Engine, Score]]) -> list[tuple[Engine, Score]]:
    """The settings that no other one equals in delay with more detection: any of them could be somebody's choice."""
    found: list[tuple[Engine, Score]] = []
    for engine, one in sorted(scored, key=lambda pair: (pair[1].median_delay, -pair[1].detection)):
        if not found or one.detection > found[-1][1].detection:
            found.append((engine, one))
    return found


def _merit(pair: tuple[Engine, Score]) -> tuple[float, float]:
    return pair[1].detection, -pair[1].median_delay
