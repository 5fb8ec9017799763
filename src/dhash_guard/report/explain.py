"""Decides the sentences by which people understand a gate before it fires: limit, hold, silence, action, and delay."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dhash_guard.gates.guardrails import seen
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.reading import FEWEST
from dhash_guard.gates.sequential import pace
from dhash_guard.gates.settings import FAIL_LIMITS, SIDES, WARN_LIMITS, Aggregate, Gate, WithoutBaseline, limit_of
from dhash_guard.records.codec import to_data
from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Quantity, format_duration
from dhash_guard.report.limits import WITHOUT, cleared, hold_text, relative_parts, sure, surely, tested
from dhash_guard.report.words import plural

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
        return f"{gate.signal} above {_relative(gate)}{surely(to_data(gate))}"
    limit = limit_of(gate, FAIL_LIMITS)
    return f"{gate.signal} {SIDES[limit[0]]} {limit[1]}{surely(to_data(gate))}" if limit is not None else gate.signal


def _relative(gate: Gate) -> str:
    """What a relative limit is the highest of."""
    times, *deviations = relative_parts(to_data(gate))
    *most, last = [times, f"{gate.at_least} more", *deviations]
    return f"the highest of {', '.join(most)} and {last}"


def one_line(name: str, gate: Gate, plan: WatchPlan, running: Collection[str] = ()) -> str:
    """A gate in one line: limit, hold, action, and how soon a total fault is seen; `running` as for `sentences`."""
    relative = WITHOUT[_policy(gate).value] if gate.fail_ratio is not None else ""
    held = f"{limit_phrase(gate)}, {hold_text(to_data(gate))}"
    return f"{name}: {held} → {gate.action.value}{relative}; {seen(gate, plan, running)}"


def _policy(gate: Gate) -> WithoutBaseline:
    return gate.without_baseline or WithoutBaseline.CANNOT_TELL


def sentences(
    gate: Gate,
    plan: WatchPlan,
    *,
    automatic: bool,
    absent: str = "unknown",
    source: str = "",
    running: Collection[str] = (),
) -> list[str]:
    """Everything that the gate promises, a sentence each.

    `automatic` says whether a degraded verdict rolls back by itself, `absent` what the project declared the absence of
    the signal to mean, `source` where the limit was written, `running` which signals are added up since the watch began.
    """
    found = [
        _reads(gate, plan),
        *_fails(gate),
        *_baseline(gate),
        *_lasts(gate, plan),
        *_speaks(gate),
        _silence(gate, absent),
        _acts(gate, automatic),
        *_clears(gate),
        _sentence(seen(gate, plan, running)),
    ]
    if gate.over is not None and gate.over > plan.duration:
        found.append(f"This watch lasts {format_duration(plan.duration)}, less than the window: the gate is not judged.")
    if source:
        found.append(f"The limit comes from {source}.")
    return found


def _reads(gate: Gate, plan: WatchPlan) -> str:
    then = ""
    if plan.slower is not None:
        then = f", from {format_duration(plan.slower.after)} on every {format_duration(plan.slower.interval)}"
    return f"Reads {gate.signal} every {format_duration(plan.interval)}{then}, for {format_duration(plan.duration)}."


def _fails(gate: Gate) -> Iterator[str]:
    what = _judged(gate)
    if gate.fail_when is not None:
        worse = " or worse" if gate.fail_when is Health.WARNING else ""
        yield f"Fails when the word is {gate.fail_when.value}{worse}."
    elif gate.test is not None:
        newest = f"the values of the last {format_duration(gate.over)}" if gate.over is not None else "the newest values"
        raised = f"each of these at {gate.fail_ratio:g} times itself and no less than {gate.at_least} more"
        yield f"Fails when {newest} are surely higher than those from before, even with {raised}."
        return  # a test has two answers, and neither is a warning
    elif gate.fail_ratio is not None:
        yield f"Fails when {what} is more than {_relative(gate)}; exactly that passes."
    elif (limit := limit_of(gate, FAIL_LIMITS)) is not None:
        yield f"Fails when {what} is {_strictness(*limit)}."
    if gate.confidence is not None:
        bare = "where only the bare ratio does, it warns"
        yield f"A breach must be {sure(gate.confidence)}: the exact bound of the ratio must cross the limit; {bare}."
    if (warn := limit_of(gate, WARN_LIMITS)) is not None:
        yield f"Warns when {what} is {SIDES[warn[0]]} {warn[1]}; a warning changes no verdict."


def _judged(gate: Gate) -> str:
    if gate.fail_when is not None:
        return "the word"
    if gate.test is not None:
        return "the median of the newest values"
    return "the value" if gate.over is None else f"the {(gate.aggregate or Aggregate.MEAN).value} of its window"


def _baseline(gate: Gate) -> Iterator[str]:
    if gate.fail_ratio is None:
        return
    if gate.test is None:
        yield "What was before is the median of the looks before the deployment, for counts the share of all their events."
    if gate.test is None and gate.spread is not None:
        yield "A deviation is the spread of those looks (robust, on the log scale): what swings anyway does not fail for it."
    few = f" or with fewer than {FEWEST} values from before" if gate.spread is not None else ""
    if _policy(gate) is WithoutBaseline.NOT_JUDGED:
        yield f"Without a baseline{few} it is not judged: a warning says so, and the other gates decide."
    else:
        yield f"Without a baseline{few} it cannot tell."


def _strictness(side: str, limit: Quantity) -> str:
    return (_STRICT | _INCLUSIVE)[side].format(limit)


def _lasts(gate: Gate, plan: WatchPlan) -> Iterator[str]:
    if test := tested(to_data(gate)):
        looks = plural(pace(plan.looks())[0], "planned look")
        yield (
            f"In the place of a hold stands a {test}: the chance of no false alarm in a whole watch, spent over at most "
            f"{looks}, where values do not depend on their neighbours."
        )
    elif gate.over is not None:
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
        if gate.over is not None:
            kind = "events in the window" if gate.aggregate is Aggregate.RATIO else "values in the window"
        elif gate.test is not None:
            kind = "values"
        yield f"Says nothing before it has {gate.min_samples} {kind}."
    yield f"Passes only if there were values for at least {gate.coverage * 100:g}% of the watch; with less it cannot tell."


def _silence(gate: Gate, absent: str) -> str:
    if gate.fail_when is not None:
        return "A service that does not answer is unhealthy."
    what = f"A look without a value {_ABSENT[absent]}"
    if gate.over is not None or gate.test is not None:
        used = "compared" if gate.test is not None else "aggregated"
        return f"{what}; only what was read is {used}." if absent != "unhealthy" else "A look without a value is left out."
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


def _clears(gate: Gate) -> Iterator[str]:
    if clears := cleared(to_data(gate)):
        row = " in a row" if (gate.clear_after or 1) > 1 else ""
        yield f"The alert is over when {_judged(gate)} was {clears}{row}, and can then be raised again."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
