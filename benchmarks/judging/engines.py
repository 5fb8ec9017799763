"""Rules of named peers, written from their documented semantics for comparison only; none is weaker than its original."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from benchmarks.judging.limits import Limit, pooled
from benchmarks.judging.ranks import p_value_greater
from benchmarks.judging.traces import Reading, Trace, reading


@dataclass(frozen=True)
class Answer:
    """The look of the rollback (None: no rollback), and whether the rule says by itself that it cannot tell."""

    rollback: int | None
    cannot_tell: bool = False


class Engine(Protocol):
    """A rule with its settings."""

    def decide(self, trace: Trace) -> Answer: ...


@dataclass(frozen=True)
class Single:
    """The first breach rolls back."""

    limit: Limit

    def decide(self, trace: Trace) -> Answer:
        for look, breach in enumerate(self.limit.breaches(trace)):
            if breach:
                return Answer(look)
        return Answer(None)


@dataclass(frozen=True)
class Argo:
    """Argo Rollouts: failures add up over the run and fail it when there are more than `failure_limit`.

    An empty result is an error; more than `consecutive_error_limit` errors in a row abort, any other measurement starts
    that count anew, and an error is not counted towards `count`. Without `success` whatever is no failure is a success;
    with it, what is neither is inconclusive, and more than `inconclusive_limit` of those pause for a person. Errors
    are really tried again after ten seconds: six tries a look would abort sooner, so one error a look flatters it.
    """

    limit: Limit
    failure_limit: int = 0
    consecutive_error_limit: int = 4
    initial_delay: int = 0
    count: int | None = None
    success: Limit | None = None
    inconclusive_limit: int = 0

    def decide(self, trace: Trace) -> Answer:
        failed = errors = inconclusive = counted = 0
        rest = self.success or self.limit
        looks = zip(self.limit.breaches(trace), rest.breaches(trace), strict=True)
        for look, (failing, unsuccessful) in enumerate(looks):
            if look < self.initial_delay:
                continue
            if failing is None:
                errors += 1
                if errors > self.consecutive_error_limit:
                    return Answer(look)
                continue
            errors = 0
            counted += 1
            failed += failing
            inconclusive += bool(unsuccessful) and not failing
            if failed > self.failure_limit:
                return Answer(look)
            if inconclusive > self.inconclusive_limit:
                return Answer(None, cannot_tell=True)
            if counted == self.count:
                break
        return Answer(None)


@dataclass(frozen=True)
class Flagger:
    """Flagger: failed checks add up; `threshold` of them roll back at the top of the next tick; no data fails as well."""

    limit: Limit
    threshold: int = 1

    def decide(self, trace: Trace) -> Answer:
        failed = 0
        values: tuple[Reading, ...] = pooled(trace, self.limit.window)
        for look, (breach, value) in enumerate(zip(self.limit.breaches(trace), values, strict=True)):
            if failed >= self.threshold:
                return Answer(look)
            # A NaN counts as "no values found" here, other than everywhere else.
            failed += breach is None or breach or (value is not None and math.isnan(value))
        return Answer(len(values)) if failed >= self.threshold else Answer(None)


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus alert: fires once the expression has been true for `hold` minutes; one false or empty result resets."""

    limit: Limit
    hold: int = 0

    def decide(self, trace: Trace) -> Answer:
        active_since: int | None = None
        for look, breach in enumerate(self.limit.breaches(trace)):
            if not breach:
                active_since = None
                continue
            active_since = look if active_since is None else active_since
            if look - active_since >= self.hold:
                return Answer(look)
        return Answer(None)


@dataclass(frozen=True)
class MannWhitney:
    """A judge in the manner of Kayenta: once, at the end, all looks after against all before, one-sided.

    It rolls back when p < `alpha` and the mean grew by more than the factor `ratio`; without data on a side it is Nodata.
    """

    alpha: float = 0.02
    ratio: float = 1.25

    def decide(self, trace: Trace) -> Answer:
        found = [reading(value) for value in trace.after]
        after = [number for number in found if number is not None and not math.isnan(number)]
        before = list(trace.numbers_before)
        if not after or not before:
            return Answer(None, cannot_tell=True)
        grown = math.fsum(after) / len(after) > self.ratio * math.fsum(before) / len(before)
        if grown and p_value_greater(after, before) < self.alpha:
            return Answer(len(trace.after) - 1)
        return Answer(None)
