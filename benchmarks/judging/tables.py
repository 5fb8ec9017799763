"""Writes the comparison as Markdown tables and as check rows: goal, measured, ok or short."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmarks.judging.engines import Argo, Engine, Flagger, MannWhitney, Prometheus, Single
from benchmarks.judging.kinds import CLEAN, FAULTS
from benchmarks.judging.limits import Limit
from benchmarks.judging.ours import Ours
from benchmarks.judging.scoring import Outcome, Score, beats, of_kind, score
from benchmarks.judging.tuning import BUDGET

HEAD = """\
| rule | false / clean hour | 95 % interval | early | detection | delay p50 | p90 | cannot tell | settings |
|---|---|---|---|---|---|---|---|---|"""


def share(number: float) -> str:
    """A fraction for people, in percent."""
    return f"{100 * number:.1f} %" if math.isfinite(number) else "unknown"


def line(name: str, one: Score, settings: str) -> str:
    """One row of the result table."""
    low, high = one.false_interval
    delays = f"{one.median_delay:g} | {one.slow_delay:g}" if one.delays else "– | –"
    return (
        f"| {name} | {share(one.false_rate)} | {100 * low:.1f}–{100 * high:.1f} | {one.early} | {share(one.detection)} "
        f"| {delays} | {share(one.cannot_tell)} | {settings} |"
    )


def settings_of(engine: Engine, family: str) -> str:
    """The settings of a rule in the peer's own words."""
    match engine:
        case Single(limit):
            return _limit(limit, family)
        case Argo(limit, most, errors, delay):
            extras = f", initialDelay {delay}m" * (delay > 0) + f", consecutiveErrorLimit {errors}" * (errors != 4)
            return f"{_limit(limit, family)}, failureLimit {most}{extras}"
        case Flagger(limit, threshold):
            return f"{_limit(limit, family)}, threshold {threshold}"
        case Prometheus(limit, hold):
            return f"{_limit(limit, family)}, for {hold}m"
        case MannWhitney(alpha, ratio):
            return f"p < {alpha:g}, mean × {ratio:g}"
        case Ours(scale):
            return "default gates" if scale == 1 else f"limits × {scale:g}"
    return ""


def _limit(limit: Limit, family: str) -> str:
    what = f"> {limit.at:g} × usual" if family == "latency" else f"> {share(limit.at)}"
    what += " + usual" if limit.above_usual else ""
    what += f" and {limit.times_usual:g} × usual" if limit.times_usual else ""
    return what + (f" over {limit.window}m" if limit.window > 1 else "")


def by_kind(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Per kind and rule: the share of false rollbacks of clean kinds, the share found (median delay) of faults."""
    rows = [f"| kind | watches | {' | '.join(outcomes)} |", "|---" * (len(outcomes) + 2) + "|"]
    said = next(iter(outcomes.values()))
    present = {(trace.kind, trace.onset is None) for trace, _ in said}
    order = [*CLEAN, *FAULTS, *sorted(kind for kind, _ in present)]
    for clean in (True, False):
        for kind in dict.fromkeys(kind for kind in order if (kind, clean) in present):
            scores = [score(of_kind(found, kind, clean=clean)) for found in outcomes.values()]
            cells = [_clean_cell(one) if clean else _faulty_cell(one) for one in scores]
            rows.append(f"| {kind} | {scores[0].clean + scores[0].faulty} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _clean_cell(one: Score) -> str:
    return f"{share(one.fired_clean / one.clean)} false"


def _faulty_cell(one: Score) -> str:
    return f"{share(one.detection)} ({one.median_delay:g})" if one.delays else share(one.detection)


def check(family: str, ours: Score, challengers: Mapping[str, Sequence[Score]]) -> list[tuple[str, bool]]:
    """The two promises as (row, whether it is kept): few false rollbacks, and nobody ahead in detection and delay."""
    few = ours.false_rate <= BUDGET
    rows = [(_row(f"{family}: our false rollbacks per clean hour", f"≤ {share(BUDGET)}", share(ours.false_rate), few), few)]
    ahead = []
    for name, scores in challengers.items():
        better = [one for one in scores if beats(one, ours)]
        if better:
            best = max(better, key=lambda one: one.detection)
            ahead.append(f"{name} ({share(best.detection)}, {best.median_delay:g})")
    measured = f"ours {share(ours.detection)}, {ours.median_delay:g}; ahead: {', '.join(ahead) or 'none'}"
    # A rule that fires too often is early without merit: outside the budget nothing is won.
    kept = few and not ahead
    measured += "" if few else "; ours is outside the budget"
    rows.append((_row(f"{family}: peers ahead in detection and delay", "none", measured, kept), kept))
    return rows


def _row(name: str, goal: str, measured: str, kept: bool) -> str:
    return f"{name:<52} goal {goal:<8} measured {measured}   {'ok' if kept else 'short'}"
