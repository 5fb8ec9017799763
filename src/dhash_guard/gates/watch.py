"""The judge of one watch: folds ticks, says when enough was seen, and gives the verdict; the same live and replayed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import attrgetter, sub

from attrs import frozen

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.rule import NEVER_SAMPLED, Rule
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.twin import twin
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.outcome import Action, Decision, Ending, GateOutcome, Status, Verdict
from dhash_guard.records.sample import Tick, Value


@frozen(kw_only=True)
class TickReport:
    """What one tick changed: gates whose status moved, and whether the watch is over."""

    tick: Tick
    elapsed: float
    changed: tuple[GateOutcome, ...]
    ending: Ending | None


_BLOCK = 256
"""Ticks that a replay takes in at once; memory stays bounded by the windows."""

_at = attrgetter("at")


class Watch:
    """A watch over one release: feed it ticks in order, stop when a report carries an ending, ask for the verdict.

    `automatic` says whether a degraded verdict may decide to roll back. Times are UTC epoch seconds.
    """

    def __init__(
        self,
        gates: Mapping[str, Gate],
        plan: WatchPlan,
        *,
        started_at: float,
        automatic: bool,
        baseline: Baseline | None = None,
    ) -> None:
        self.plan = plan
        self.started_at = started_at
        self.rules = [Rule(name, gate, plan, baseline, started_at) for name, gate in gates.items()]
        self._automatic = automatic
        self._ticks = 0
        self._last_at = started_at
        self._seen: dict[str, tuple[Status, str]] = {}
        self._ending: Ending | None = None

    def observe(self, tick: Tick) -> TickReport:
        """Fold one tick; raise ValueError where it goes back in time."""
        self._advance(tick)
        return TickReport(tick=tick, elapsed=tick.at - self.started_at, changed=self._changes(), ending=self._ending)

    def _advance(self, tick: Tick) -> None:
        if self._ticks and tick.at <= self._last_at:
            raise ValueError(f"tick {tick.index} is not later than the one before")
        elapsed = tick.at - self.started_at
        interval = self.plan.interval_at(elapsed)
        for rule in self.rules:
            rule.observe(tick, interval)
        self._ticks += 1
        self._last_at = tick.at
        self._ending = self._ending_at(elapsed)

    def fold(self, ticks: Sequence[Tick]) -> Ending | None:
        """Take in some ticks at once, up to the one that ends the watch; the same as observing each, without reports.

        Gates that see nothing but fine values, evenly spaced, are told so in one step; the others look at each.
        """
        while ticks and self._ending is None:
            size = self._evenly(ticks)
            if size < 2:
                self._advance(ticks[0])
                ticks = ticks[1:]
            else:
                ticks = ticks[self._skim(ticks[:size]) :]
        return self._ending

    def _evenly(self, ticks: Sequence[Tick]) -> int:
        """How many of these ticks follow each other at one pace and end before anything can end by itself."""
        interval = self.plan.interval_at(ticks[0].at - self.started_at)
        if not 0 < ticks[0].at - self._last_at <= 2 * interval:
            return 0
        end = self.started_at + self.plan.duration - 1e-3
        slower = self.plan.slower
        if slower is not None and ticks[0].at < self.started_at + slower.after:
            end = min(end, self.started_at + slower.after)
        size = bisect_left(ticks, end, key=_at)
        times = [tick.at for tick in ticks[:size]]
        steps = list(map(sub, times[1:], times))
        return size if not steps or (min(steps) > 0 and max(steps) <= 2 * interval) else 0

    def _skim(self, ticks: Sequence[Tick]) -> int:
        """Fold evenly spaced ticks; how many were taken in before a gate ended the watch."""
        interval = self.plan.interval_at(ticks[0].at - self.started_at)
        columns: dict[str, list[Value]] = {}
        times = [tick.at for tick in ticks]
        calm: list[tuple[int, list[Value]]] = []
        restless: list[tuple[int, list[Value]]] = []
        for place, rule in enumerate(self.rules):
            if rule.settled:
                continue
            column = columns.get(rule.gate.signal)
            if column is None:
                column = columns[rule.gate.signal] = [tick.samples.get(rule.gate.signal, NEVER_SAMPLED) for tick in ticks]
            (calm if rule.calm(times, column) else restless).append((place, column))
        taken = self._fold_each(ticks, interval, restless)
        for place, column in calm:
            self.rules[place].skim(times[:taken], interval, column[:taken])
        self._ticks += taken
        self._last_at = times[taken - 1]
        if self._must_roll_back():
            self._ending = Ending.EARLY
        return taken

    def _fold_each(self, ticks: Sequence[Tick], interval: float, restless: Sequence[tuple[int, list[Value]]]) -> int:
        """Fold these rules one after the other, which is far faster than look by look; how far none had ended the watch.

        A rule that has seen more than that is set back and folds again.
        """
        taken, seen = len(ticks), []
        for place, column in restless:
            before = twin(self.rules[place])
            taken = self.rules[place].fold(ticks[:taken], interval, column[:taken])
            seen.append((taken, before))
        for (place, column), (reach, before) in zip(restless, seen, strict=True):
            if reach > taken:
                self.rules[place] = before
                before.fold(ticks[:taken], interval, column[:taken])
        return taken

    @property
    def ended(self) -> bool:
        """Whether the samples so far have brought the watch to its end."""
        return self._ending is not None

    def verdict(self, ending: Ending | None = None) -> Verdict:
        """The verdict now; `ending` says how the watch was stopped where it did not end by itself.

        Only the samples can show that a watch ran its course: whatever else is claimed counts as cut short.
        """
        how = self._ending or (ending if ending is Ending.ABORTED else Ending.CUT_SHORT)
        outcomes = self.outcomes()
        deciding = [outcome for outcome in outcomes if outcome.action.decides]
        status, code, reason, gate = _combine(deciding, how)
        decision = Decision.PROCEED if status is Status.HEALTHY else Decision.HOLD
        if status is Status.DEGRADED and self._automatic and self._must_roll_back():
            decision = Decision.ROLL_BACK
        return Verdict(
            status=status,
            decision=decision,
            reason_code=code,
            reason=reason,
            ending=how,
            gate=gate,
            ticks=self._ticks,
            started_at=self.started_at,
            ended_at=self._last_at,
            outcomes=tuple(outcomes),
            warnings=tuple(_warnings(self.rules, outcomes)),
        )

    def outcomes(self) -> list[GateOutcome]:
        """Every gate's outcome, were the watch to end at its latest tick."""
        return [rule.outcome(self._last_at) for rule in self.rules]

    def _must_roll_back(self) -> bool:
        return any(rule.ends for rule in self.rules)

    def _ending_at(self, elapsed: float) -> Ending | None:
        if self._must_roll_back():
            return Ending.EARLY
        if elapsed < self.plan.duration - 1e-3:
            return None
        stands = {outcome.status for outcome in self.outcomes() if outcome.action.decides}
        if Status.DEGRADED in stands or Status.CANNOT_TELL not in stands:
            return Ending.PLANNED  # also where none can be judged: more looks would not change that
        if elapsed < self.plan.duration + self.plan.extend_by - 1e-3:
            return None
        return Ending.CAPPED if self.plan.extend_by else Ending.PLANNED

    def _changes(self) -> tuple[GateOutcome, ...]:
        changed = []
        for rule in self.rules:
            outcome = rule.outcome(self._last_at)
            stands = (outcome.status, outcome.reason_code)
            if self._seen.get(outcome.gate) != stands:
                self._seen[outcome.gate] = stands
                changed.append(outcome)
        return tuple(changed)


def judge(ticks: Iterable[Tick], watch: Watch, ending: Ending | None = None) -> Verdict:
    """Replay recorded ticks: the verdict that the live watch gave for them, byte for byte."""
    rest = iter(ticks)
    while block := list(islice(rest, _BLOCK)):
        if watch.fold(block) is not None:
            break
    return watch.verdict(ending)


def _combine(deciding: list[GateOutcome], how: Ending) -> tuple[Status, str, str, str | None]:
    """degraded > cannot tell > healthy over the gates that decide; a watch that did not run its course proves nothing."""
    if how is Ending.ABORTED:
        return Status.CANNOT_TELL, "aborted", "the watch was stopped before it could tell", None
    fired = [outcome for outcome in deciding if outcome.status is Status.DEGRADED]
    if fired:
        first = min(fired, key=_blame)
        also = f" (and {len(fired) - 1} more)" if len(fired) > 1 else ""
        return Status.DEGRADED, first.reason_code, f"{first.text}{also}", first.gate
    if how is Ending.CUT_SHORT:
        return Status.CANNOT_TELL, "cut-short", "the samples end before the watch does", None
    unknown = [outcome for outcome in deciding if outcome.status is Status.CANNOT_TELL]
    if unknown:
        return Status.CANNOT_TELL, unknown[0].reason_code, unknown[0].text, unknown[0].gate
    judged = [outcome for outcome in deciding if outcome.status is Status.HEALTHY]
    if not judged:
        return Status.CANNOT_TELL, "nothing-judged", "no gate that decides could be judged", None
    return (
        Status.HEALTHY,
        "all-within-limits",
        f"{len(judged)} of {len(deciding)} gates judged, all within their limits",
        None,
    )


def _blame(outcome: GateOutcome) -> tuple[bool, bool, int]:
    """Order of fired gates: those that may roll back first, then new faults before old ones, then the earliest."""
    return (
        outcome.action is not Action.ROLLBACK,
        outcome.reason_code == "degraded-before",
        outcome.tick if outcome.tick is not None else 0,
    )


def _warnings(rules: Sequence[Rule], outcomes: Sequence[GateOutcome]) -> Iterable[str]:
    for rule, outcome in zip(rules, outcomes, strict=True):
        if outcome.status is Status.NOT_JUDGED:
            yield f"{outcome.gate} not judged: {outcome.text}"
        elif not outcome.action.decides and outcome.status is Status.DEGRADED:
            yield f"{outcome.gate} ({outcome.action.value} only): {outcome.text}"
        elif rule.warning:
            yield f"{outcome.gate} {rule.warning}"
