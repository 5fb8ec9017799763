"""What a gate is allowed to say: one signal, one limit, one hold, one action."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from attrs import fields, frozen

from dhash_guard.records.outcome import Action
from dhash_guard.records.sample import Health
from dhash_guard.records.units import Quantity, Ratio, Seconds


class Aggregate(Enum):
    """How the values of a window become one number."""

    MEAN = "mean"
    MEDIAN = "median"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    MAX = "max"
    MIN = "min"
    LAST = "last"
    RATIO = "ratio"
    RISE = "rise"
    """The last value less the first: a spike."""
    TREND = "trend"
    """What the window grew by, by its ends or by its slope, whichever is less: above 0, a queue does not drain."""

    @property
    def grows(self) -> bool:
        """Whether it is a difference within the window, and not a level."""
        return self in (Aggregate.RISE, Aggregate.TREND)


class BaselineSource(Enum):
    """What a relative limit is relative to."""

    BEFORE_DEPLOY = "before-deploy"


class WithoutBaseline(Enum):
    """What a relative limit says where there is no baseline."""

    CANNOT_TELL = "cannot-tell"
    NOT_JUDGED = "not-judged"


class StatisticalTest(Enum):
    """A test in the place of a hold."""

    SEQUENTIAL = "sequential"


@frozen(kw_only=True)
class Gate:
    """One gate of the configuration.

    Limits: `above` and `below` are strict (equal passes), `from` and `to` inclusive. Holds: `consecutive` ticks,
    `of_last` [M, N] ticks, or `over` seconds with an `aggregate` (the mean where none is given); without any, one
    breach is enough. `test: sequential` compares the values of the window with those from before.
    A relative limit is the highest of: `fail_ratio` times the value before, `at_least` more than it, and, with `spread`,
    so many robust deviations (on the log scale) above it.
    With `confidence` not the bare ratio of counts but its exact bound must cross the limit; for a test it is the
    chance of no false alarm in the whole watch (99 % where not given).
    `clear_above`, `clear_below` and `clear_after` looks take an alert back; what decides is never taken back.
    `coverage` is the share of the watch that must have had values; `min_samples` counts values, or for a ratio kept
    as counts its denominator.
    """

    signal: str
    action: Action
    fail_when: Health | None = None
    fail_above: Quantity | None = None
    fail_below: Quantity | None = None
    fail_from: Quantity | None = None
    fail_to: Quantity | None = None
    warn_above: Quantity | None = None
    warn_below: Quantity | None = None
    warn_from: Quantity | None = None
    warn_to: Quantity | None = None
    baseline: BaselineSource | None = None
    fail_ratio: float | None = None
    at_least: Quantity | None = None
    spread: float | None = None
    without_baseline: WithoutBaseline | None = None
    test: StatisticalTest | None = None
    confidence: Ratio | None = None
    clear_above: Quantity | None = None
    clear_below: Quantity | None = None
    clear_after: int | None = None
    consecutive: int | None = None
    of_last: tuple[int, int] | None = None
    over: Seconds | None = None
    aggregate: Aggregate | None = None
    min_samples: int = 1
    coverage: Ratio = Ratio(0.8)


FAIL_LIMITS = ("fail_above", "fail_below", "fail_from", "fail_to")
WARN_LIMITS = ("warn_above", "warn_below", "warn_from", "warn_to")
CLEAR_LIMITS = ("clear_above", "clear_below")
SIDES = {"above": "above", "below": "below", "from": "at or above", "to": "at or below"}
"""The sides of a limit, in words."""
_UPPER, _INCLUSIVE = ("above", "from"), ("from", "to")
OF_BASELINE = ("at_least", "spread", "without_baseline", "test")


def limit_of(gate: Gate, names: tuple[str, ...]) -> tuple[str, Quantity] | None:
    """The one limit among `names` that is set: its side (`above`, `below`, `from`, `to`) and its quantity."""
    for name in names:
        limit = getattr(gate, name)
        if limit is not None:
            return name.split("_", 1)[1], limit
    return None


def faults(gate: Gate) -> list[tuple[str, str]]:
    """Every contradiction inside one gate as (key, what is wrong); empty means the gate can be judged."""
    given = {f.name for f in fields(Gate) if getattr(gate, f.name) is not None}
    return [
        *_limit_faults(gate, given),
        *_baseline_faults(gate, given),
        *_hold_faults(gate, given),
        *(_test_faults(given) if gate.test is not None else ()),
        *_clear_faults(gate, given),
    ]


def _limit_faults(gate: Gate, given: set[str]) -> Iterator[tuple[str, str]]:
    fails = [key for key in ("fail_when", *FAIL_LIMITS, "fail_ratio") if key in given]
    if len(fails) != 1:
        what = f"has several limits ({', '.join(fails)})" if fails else "has no limit"
        hint = f"give exactly one of fail_when, {', '.join(FAIL_LIMITS)}, fail_ratio"
        yield (fails[-1] if fails else "signal"), f"{what}; {hint}"
    if len([key for key in WARN_LIMITS if key in given]) > 1:
        yield "warn_above", "has several warning limits; give one"
    elif (warn := limit_of(gate, WARN_LIMITS)) is not None:
        yield from _warn_faults(gate, *warn)
    if gate.fail_when is Health.HEALTHY:
        yield "fail_when", "fails when healthy; write unhealthy or warning"


def _warn_faults(gate: Gate, side: str, warn: Quantity) -> Iterator[tuple[str, str]]:
    fail = limit_of(gate, FAIL_LIMITS)
    upper = side in _UPPER
    if gate.fail_when is not None:
        yield f"warn_{side}", "is a limit for numbers; of words, one of warning warns by itself"
    elif fail is None:
        if gate.fail_ratio is not None and not upper:
            yield f"warn_{side}", "is on the wrong side of fail_ratio"
    elif upper is not (fail[0] in _UPPER):
        yield f"warn_{side}", f"is on the wrong side of fail_{fail[0]}"
    else:
        room = (fail[1].value - warn.value) * (1 if upper else -1)
        # Of two equal limits only the inclusive one warns, of the very value that the strict one lets pass.
        if room < 0 or (room == 0 and not (side in _INCLUSIVE and fail[0] not in _INCLUSIVE)):
            yield f"warn_{side}", f"{warn} is not reached before the limit {fail[1]}, which fails; write a nearer one"


def _baseline_faults(gate: Gate, given: set[str]) -> Iterator[tuple[str, str]]:
    if not given & {"fail_ratio", "baseline"}:
        for key in sorted(given & set(OF_BASELINE)):
            yield key, "belongs to a limit relative to a baseline (baseline, fail_ratio)"
        return
    for key in ("baseline", "fail_ratio", "at_least"):
        if key not in given:
            yield "fail_ratio", f"a limit relative to a baseline needs {key} as well"
    if gate.fail_ratio is not None and gate.fail_ratio <= 1:
        text = f"{gate.fail_ratio:g} would fail an unchanged service; write a ratio above 1, such as 1.5"
        yield "fail_ratio", text
    if gate.spread is not None and gate.spread <= 0:
        yield "spread", "must be more than 0, such as 3"


def _clear_faults(gate: Gate, given: set[str]) -> Iterator[tuple[str, str]]:
    clears = [key for key in (*CLEAR_LIMITS, "clear_after") if key in given]
    if clears and gate.action.decides:
        yield clears[0], f"takes an alert back; a gate with action: {gate.action.value} is never taken back"
    if set(CLEAR_LIMITS) <= given:
        yield "clear_below", "has several limits to clear at; give one"
    fail, clear = limit_of(gate, FAIL_LIMITS), limit_of(gate, CLEAR_LIMITS)
    if gate.fail_when is not None and clear is not None:
        yield f"clear_{clear[0]}", "is a limit for numbers; an alert of words is taken back by clear_after"
    if fail is not None and clear is not None and (fail[0] in _UPPER) != (clear[0] == "below"):
        yield f"clear_{clear[0]}", f"is on the wrong side of fail_{fail[0]}"
    elif (
        fail is not None and clear is not None and (clear[1].value - fail[1].value) * (-1 if clear[0] == "below" else 1) < 0
    ):
        yield f"clear_{clear[0]}", f"{clear[1]} lies beyond the limit {fail[1]} itself"
    if gate.clear_after is not None and gate.clear_after < 1:
        yield "clear_after", "must be 1 or more"


def _hold_faults(gate: Gate, given: set[str]) -> Iterator[tuple[str, str]]:
    holds = [key for key in ("consecutive", "of_last", "over") if key in given]
    if len(holds) > 1:
        yield holds[-1], f"has several holds ({', '.join(holds)}); give one"
    if gate.confidence is not None and gate.fail_when is not None:
        yield "confidence", "is for shares of events; a word is none"
    elif gate.confidence is not None and not 0.5 <= gate.confidence < 1:
        yield "confidence", "must be at least 50% and less than 100%, such as 95%"
    if "aggregate" in given and "over" not in given:
        yield "aggregate", "needs a window; give over as well"
    if gate.fail_when is not None and "over" in given:
        yield "over", "health words have no aggregate; use consecutive, or the signal health.success_ratio"
    if gate.consecutive is not None and gate.consecutive < 1:
        yield "consecutive", "must be 1 or more"
    if gate.of_last is not None and not 1 <= gate.of_last[0] <= gate.of_last[1]:
        yield "of_last", f"{list(gate.of_last)} can never be reached; write [M, N] with 1 ≤ M ≤ N"
    if gate.over is not None and gate.over <= 0:
        yield "over", "must be longer than nothing"
    if gate.min_samples < 1:
        yield "min_samples", "must be 1 or more"


def _test_faults(given: set[str]) -> Iterator[tuple[str, str]]:
    if given & {"consecutive", "of_last", "aggregate"}:
        yield "test", "is a hold of its own; it takes over, and no aggregate"
    if "spread" in given:
        yield "spread", "plays no part in a test, which ranks the values themselves; remove it"
    for key in sorted(given & set(WARN_LIMITS)):
        yield key, "plays no part in a test, which has but two answers; remove it"
