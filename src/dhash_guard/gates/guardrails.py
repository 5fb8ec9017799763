"""Finds gates that could never do what they promise, before a deployment depends on them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

from dhash_guard.gates import plan as plans
from dhash_guard.gates import sequential, settings
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.reading import FEWEST, crosses
from dhash_guard.gates.sequential import SURE
from dhash_guard.gates.settings import (
    CLEAR_LIMITS,
    FAIL_LIMITS,
    SIDES,
    WARN_LIMITS,
    Aggregate,
    Gate,
    StatisticalTest,
    limit_of,
)
from dhash_guard.records.deployment import MOST_VALUES
from dhash_guard.records.units import Dimension, format_duration

PROBED = "health.success_ratio"
"""The ratio that every environment has: each look is one of its events, and more of it is better."""


def problems(
    gates: Mapping[str, Gate],
    plan: WatchPlan,
    signals: Mapping[str, Dimension | None],
    *,
    counted: Collection[str] = (),
    shortened: bool = False,
) -> list[tuple[tuple[str, ...], str]]:
    """Every fault as (path below the environment, sentence).

    `signals` names every signal with its dimension (None for words), `counted` those that are ratios kept as counts.
    `shortened` says that the duration was given on the command line: windows longer than it, samples that it has no looks
    for, and a slower half that it never comes to are then left to the watch instead of refused here.
    """
    found: list[tuple[tuple[str, ...], str]] = [
        (("monitor", key), text) for key, text in plans.faults(plan, shortened=shortened)
    ]
    for name, gate in gates.items():
        inner = settings.faults(gate) or _mismatches(gate, signals) or _uncounted(gate, counted)
        inner = inner or list(_meaningless(gate, signals.get(gate.signal)))
        found += [(("gates", name, key), text) for key, text in inner]
        if not inner and not any(path[0] == "monitor" for path, _ in found):
            found += [(("gates", name, key), text) for key, text in _unreachable(gate, plan, counted, shortened)]
    return found


def _mismatches(gate: Gate, signals: Mapping[str, Dimension | None]) -> list[tuple[str, str]]:
    """Limits whose unit is not the signal's."""
    dimension = signals.get(gate.signal)
    if gate.signal not in signals:
        return []  # the configuration reports unknown signals itself, with the nearest name
    if dimension is None:
        return [] if gate.fail_when is not None else [("signal", f"{gate.signal} is a word; use fail_when: unhealthy")]
    if gate.fail_when is not None:
        return [("fail_when", f"{gate.signal} is a number ({dimension.value}); use fail_above or fail_below")]
    found = []
    for key in (*FAIL_LIMITS, *WARN_LIMITS, *CLEAR_LIMITS, "at_least"):
        limit = getattr(gate, key)
        if limit is not None and limit.dimension is not dimension:
            found.append((key, f"{limit} is a {limit.dimension.value}, but {gate.signal} is a {dimension.value}"))
    return found


def _uncounted(gate: Gate, counted: Collection[str]) -> list[tuple[str, str]]:
    """What needs a numerator and a denominator, over a signal that is a bare number; and the other way round."""
    if gate.signal in counted:
        if gate.over is None or gate.test is not None or gate.aggregate is Aggregate.RATIO:
            return []
        if gate.aggregate is None:
            return [("aggregate", f"{gate.signal} is kept as counts; write aggregate: ratio")]
        of = f"the {gate.aggregate.value} of a window"
        text = f"is reckoned from events, which {of} has none of; write aggregate: ratio, or remove it"
        return [("confidence", text)] if gate.confidence is not None else []
    why = f"needs counts, but {gate.signal} is a bare number; give it part_at and whole_at"
    if gate.confidence is not None and gate.test is None:
        return [("confidence", why)]
    return [("aggregate", why)] if gate.aggregate is Aggregate.RATIO else []


def _meaningless(gate: Gate, dimension: Dimension | None) -> Iterator[tuple[str, str]]:
    """Limits that no value can cross, or that every value does; nothing that is measured is negative."""
    highest = 1.0 if dimension is Dimension.RATIO else math.inf
    lowest = -math.inf if gate.aggregate is not None and gate.aggregate.grows else 0.0
    for names, verb in ((FAIL_LIMITS, "fail"), (WARN_LIMITS, "warn")):
        if (found := limit_of(gate, names)) is None:
            continue
        side, limit = found
        least, most = crosses(lowest, side, limit.value), crosses(highest, side, limit.value)
        if least is not most:
            continue
        always, could = ("always", "would always") if least else ("never", "could never")
        cure = "higher" if least is (side in ("above", "from")) else "lower"
        what = f"{gate.signal} is {always} {SIDES[side]} {limit}"
        yield f"{verb}_{side}", f"{what}, so the gate {could} {verb}; write a {cure} one"
    if gate.at_least is not None and gate.at_least.value >= highest:
        yield "at_least", f"no ratio is {gate.at_least} more than before, so the gate could never fail; write less"
    if gate.fail_ratio is not None and gate.signal == PROBED:
        yield "fail_ratio", f"fails above the value before, but more of {PROBED} is better; use fail_below"


def _unreachable(gate: Gate, plan: WatchPlan, counted: Collection[str], shortened: bool) -> list[tuple[str, str]]:
    """Holds that this watch can never fill, with the arithmetic."""
    found = []
    looks = plan.looks()
    needed = gate.consecutive or (gate.of_last[0] if gate.of_last else 1)
    if needed > looks:
        key = "consecutive" if gate.consecutive else "of_last"
        found.append((key, f"needs {needed} looks, but {format_duration(plan.duration)} has {looks}"))
    if gate.spread is not None and plan.baseline < FEWEST:
        found.append(("spread", f"needs {FEWEST} looks from before, but monitor.baseline takes {plan.baseline}"))
    elif gate.baseline is not None and gate.test is None and not plan.baseline:
        found.append(("baseline", "needs looks from before, but monitor.baseline takes 0; write 1 or more there"))
    if not shortened and (text := _too_many(gate, plan, counted)):
        found.append(("min_samples", text))
    if gate.test is StatisticalTest.SEQUENTIAL and (text := _hopeless(gate, plan)):
        found.append(("test", text))
    if gate.over is None:
        return found
    if gate.over > plan.duration and not shortened:
        text = f"{format_duration(gate.over)} is longer than the watch ({format_duration(plan.duration)})"
        found.append(("over", f"{text}; the gate could never be judged"))
    elif gate.over < plan.slowest:
        text = f"{format_duration(gate.over)} is shorter than the distance of looks ({format_duration(plan.slowest)})"
        found.append(("over", f"{text}; most windows would be empty"))
    return found


def _too_many(gate: Gate, plan: WatchPlan, counted: Collection[str]) -> str:
    """Why the gate would end without its `min_samples`, or nothing; how many events there will be, nobody knows."""
    pooled = gate.signal in counted and gate.test is None and (gate.over is None or gate.aggregate is Aggregate.RATIO)
    if (pooled and gate.signal != PROBED) or (gate.over is not None and gate.over > plan.duration):
        return ""
    most, where = plan.looks(), f"{format_duration(plan.duration)} has {plan.looks()} looks"
    if gate.over is not None:
        # What was counted before the first look of a window is no part of it.
        most -= plan.looks(plan.duration - gate.over) + pooled
        where = f"the last {format_duration(gate.over)} have {most}"
    if gate.test is not None and most > sequential.MOST_LOOKS:
        most, where = sequential.MOST_LOOKS, f"a test keeps the newest {sequential.MOST_LOOKS}"
    return f"needs {gate.min_samples} values, but {where}; ask for fewer" if gate.min_samples > most else ""


def _hopeless(gate: Gate, plan: WatchPlan) -> str:
    """Why even the clearest fault could not pass the test, or nothing."""
    before, planned = min(plan.baseline, MOST_VALUES), sequential.pace(plan.looks())[0]
    newest = planned if gate.over is None else min(planned, math.ceil(gate.over / plan.interval - 1e-3))
    alpha = 1 - (gate.confidence if gate.confidence is not None else SURE)
    least = sequential.chance(before * newest, before, newest) if before else 1.0
    most = sequential.allowance(alpha, planned, planned)
    if least <= most:
        return ""
    return (
        f"{before} looks before and {newest} after give p={least:.2g} at best, but each of {planned} looks may spend "
        f"{most:.2g}; raise monitor.baseline"
    )


def seen(gate: Gate, plan: WatchPlan, running: Collection[str] = ()) -> str:
    """When a total fault is seen, as a sentence without its full stop; `running` as for `worst_case`."""
    worst = worst_case(gate, plan, running)
    if math.isinf(worst):
        return f"a total fault is seen the later, the longer all was well: {gate.signal} counts since the watch began"
    least = f", but not before there are {gate.min_samples} samples" if gate.min_samples > 1 else ""
    return f"a total fault is seen after at most {format_duration(worst)}{least}"


def worst_case(gate: Gate, plan: WatchPlan, running: Collection[str] = ()) -> float:
    """Seconds from the start of a total fault to the gate's breach, at worst: just after a look, at the slow interval.

    That is of a gate that may speak already, because it has its `min_samples`.
    `running` names the ratios that are added up since the watch began. What was well stays in them, unless a window takes
    differences, and so nothing bounds the delay: infinity.
    """
    step = plan.slowest
    if gate.signal in running and gate.aggregate is not Aggregate.RATIO:
        return math.inf
    if gate.test is not None:
        # Not one good value may be left among the newest, and then the next planned comparison must come.
        last_good = float(gate.over) + step if gate.over is not None else step * sequential.MOST_LOOKS
        return last_good + step * (sequential.pace(plan.looks())[1] - 1)
    if gate.over is not None:
        return float(gate.over) + step
    needed = gate.consecutive or (gate.of_last[0] if gate.of_last else 1)
    return step * needed
