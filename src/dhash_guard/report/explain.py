"""Decides the sentences by which people understand a gate before it fires: limit, hold, silence, action, and delay."""

from __future__ import annotations

from collections.abc import Iterator

from dhash_guard.gates.guardrails import worst_case
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import FAIL_LIMITS, WARN_LIMITS, Aggregate, Gate, limit_of
from dhash_guard.gates.way import Step, Way
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Quantity, format_duration
from dhash_guard.report.words import GATES, clock, plural

_SIDES = {"above": "above", "below": "below", "from": "at or above", "to": "at or below"}
_STRICT = {"above": "more than {0}; {0} itself passes", "below": "less than {0}; {0} itself passes"}
_INCLUSIVE = {"from": "{0} or more; {0} itself fails", "to": "{0} or less; {0} itself fails"}
_ABSENT = {
    "unknown": "says nothing",
    "unhealthy": "counts as a breach",
    "zero": "counts as 0 where only its key is missing from a fresh answer, and says nothing otherwise",
}


def limit_phrase(gate: Gate) -> str:
    """The limit in a few words: `p95 above 2000 ms`."""
    if gate.fail_when is not None:
        return f"{gate.signal} is {gate.fail_when.value}"
    if gate.fail_ratio is not None:
        return f"{gate.signal} above {gate.fail_ratio:g}× the value before the deployment and at least {gate.at_least} more"
    limit = limit_of(gate, FAIL_LIMITS)
    return f"{gate.signal} {_SIDES[limit[0]]} {limit[1]}" if limit is not None else gate.signal


def hold_phrase(gate: Gate) -> str:
    """How long it must last, to be put behind the limit; empty where one look is enough."""
    if gate.over is not None:
        return f", {(gate.aggregate or Aggregate.MEAN).value} over {format_duration(gate.over)}"
    if gate.of_last is not None:
        return f", {gate.of_last[0]} of the last {gate.of_last[1]} looks"
    return f", {gate.consecutive} looks in a row" if gate.consecutive is not None and gate.consecutive > 1 else ""


def one_line(name: str, gate: Gate, plan: WatchPlan) -> str:
    """A gate in one line, with the longest time until a total fault is seen."""
    seen = format_duration(worst_case(gate, plan))
    return (
        f"{name}: {limit_phrase(gate)}{hold_phrase(gate)} → {gate.action.value}; a total fault is seen after at most {seen}"
    )


def sentences(gate: Gate, plan: WatchPlan, *, automatic: bool, absent: str = "unknown", source: str = "") -> list[str]:
    """Everything that the gate promises, a sentence each.

    `automatic` says whether a degraded verdict rolls back by itself, `absent` what the project declared the absence of
    the signal to mean, `source` where the limit was written.
    """
    found = [
        _reads(gate, plan),
        *_fails(gate),
        *_lasts(gate),
        *_speaks(gate),
        _silence(gate, absent),
        _acts(gate, automatic),
    ]
    found.append(f"A total fault is seen after at most {format_duration(worst_case(gate, plan))}.")
    if gate.over is not None and gate.over > plan.duration:
        found.append(f"This watch lasts {format_duration(plan.duration)}, less than the window: the gate is not judged.")
    if source:
        found.append(f"The limit comes from {source}.")
    return found


def _reads(gate: Gate, plan: WatchPlan) -> str:
    then = ""
    if plan.then is not None:
        then = f", from {format_duration(plan.then.after)} on every {format_duration(plan.then.interval)}"
    return f"Reads {gate.signal} every {format_duration(plan.interval)}{then}, for {format_duration(plan.duration)}."


def _fails(gate: Gate) -> Iterator[str]:
    what = "the value" if gate.over is None else f"the {(gate.aggregate or Aggregate.MEAN).value} of its window"
    if gate.fail_when is not None:
        worse = " or worse" if gate.fail_when is Health.WARNING else ""
        yield f"Fails when the word is {gate.fail_when.value}{worse}."
    elif gate.fail_ratio is not None:
        yield (
            f"Fails when {what} is more than {gate.fail_ratio:g} times the median before the deployment, and more than "
            f"{gate.at_least} above it; exactly that passes. Without a baseline it cannot tell."
        )
    elif (limit := limit_of(gate, FAIL_LIMITS)) is not None:
        yield f"Fails when {what} is {_strictness(*limit)}."
    if (warn := limit_of(gate, WARN_LIMITS)) is not None:
        yield f"Warns when {what} is {_SIDES[warn[0]]} {warn[1]}; a warning changes no verdict."


def _strictness(side: str, limit: Quantity) -> str:
    return (_STRICT | _INCLUSIVE)[side].format(limit)


def _lasts(gate: Gate) -> Iterator[str]:
    if gate.over is not None:
        span = format_duration(gate.over)
        yield f"One window of {span} beyond the limit is a breach."
        yield f"The window must be covered: watched for {span}, and no gap longer than the distance of two looks."
    elif gate.of_last is not None:
        yield f"A breach is {gate.of_last[0]} such looks among the last {gate.of_last[1]}."
    elif gate.consecutive is not None and gate.consecutive > 1:
        yield f"A breach is {gate.consecutive} such looks in a row: look {gate.consecutive} triggers."
    else:
        yield "One such look is a breach."


def _speaks(gate: Gate) -> Iterator[str]:
    if gate.min_samples > 1:
        kind = "values (events, where the signal is kept as counts)"
        if gate.aggregate is Aggregate.RATIO:
            kind = "events in the window"
        yield f"Says nothing before it has {gate.min_samples} {kind}."
    yield f"Passes only if there were values for at least {gate.coverage * 100:g}% of the watch; with less it cannot tell."


def _silence(gate: Gate, absent: str) -> str:
    if gate.fail_when is not None:
        return "A service that does not answer is unhealthy."
    what = f"A look without a value {_ABSENT[absent]}"
    if gate.over is not None:
        return (
            f"{what}; only what was read is aggregated." if absent != "unhealthy" else "A look without a value is left out."
        )
    if absent == "unhealthy":
        return f"{what}."
    if gate.of_last is not None:
        return f"{what}; where the missing ones could make a breach, it cannot tell."
    needed = gate.consecutive or 1
    if needed == 1:
        return f"{what}; until the next value the gate cannot tell."
    return f"{what}: it neither counts nor ends a run, and {needed} in a row mean that the gate cannot tell."


def _acts(gate: Gate, automatic: bool) -> str:
    match gate.action:
        case Action.ROLLBACK if automatic:
            return "Action rollback: a breach ends the watch as degraded, and the release is rolled back where that is safe."
        case Action.ROLLBACK:
            return "Action rollback: a breach ends the watch as degraded; rolling back by itself is off here, so it is held."
        case Action.BLOCK:
            return "Action block: a breach makes the verdict degraded and holds the release; nothing is rolled back."
        case _:
            return f"Action {gate.action.value}: a breach is told as a warning and can never change the verdict."


def way_lines(way: Way) -> list[str]:
    """The looks at which the gate's standing changed, in aligned columns."""
    rows = [_row(way.rule.gate, step) for step in way.steps]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows]
    if way.left_out:
        lines.append(f"and {plural(way.left_out, 'further change')}")
    return lines or ["never looked at"]


def _row(gate: Gate, step: Step) -> tuple[str, str, str, str, str]:
    held = f"over {format_duration(gate.over)}" if gate.over is not None else ""
    if step.strikes is not None:
        held = f"{step.strikes[0]} of {step.strikes[1]}"
    return clock(step.elapsed), f"look {step.look}", step.value, held, f"{GATES[step.status].word}: {step.text}"
