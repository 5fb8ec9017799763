"""Folds the samples of one gate into its outcome: what it saw, whether it fired, and whether it may speak at all."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.gates.clearing import Clearing
from dhash_guard.gates.comparison import RankTest
from dhash_guard.gates.coverage import Coverage
from dhash_guard.gates.holds import Consecutive, OfLast
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.reading import Level, Limits, limits_of, plain
from dhash_guard.gates.sequential import SURE
from dhash_guard.gates.settings import Aggregate, Gate, WithoutBaseline
from dhash_guard.gates.standing import Hold, Standing
from dhash_guard.gates.warning import warning_of
from dhash_guard.gates.windows import Window
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.outcome import GateOutcome, Status
from dhash_guard.records.sample import Absence, AbsenceKind, Health, Tick, Value
from dhash_guard.records.units import format_duration, format_value

NEVER_SAMPLED = Absence(AbsenceKind.EMPTY, "the signal was not sampled")


def hold_of(gate: Gate, limits: Limits, plan: WatchPlan, baseline: Baseline | None, started_at: float) -> Hold:
    """The hold that a gate asks for; without one, a single breach is enough."""
    if gate.test is not None and baseline is not None and gate.fail_ratio is not None and gate.at_least is not None:
        ratio, floor = gate.fail_ratio, gate.at_least.value
        before = tuple(max(value * ratio, value + floor) for value in baseline.medians[gate.signal].values)
        alpha = 1 - (gate.confidence if gate.confidence is not None else SURE)
        return RankTest(before, gate.over, alpha, plan.looks(), gate.min_samples, limits)
    if gate.over is not None:
        return Window(gate.over, gate.aggregate or Aggregate.MEAN, gate.min_samples, started_at, limits)
    if gate.of_last is not None:
        return OfLast(*gate.of_last, gate.min_samples, limits)
    return Consecutive(gate.consecutive or 1, gate.min_samples, limits)


class Rule:
    """One gate during one watch.

    A breach that has lasted long enough fires once and stays: later good values do not take it back. Only an alert
    that says when it clears is taken back, and can then fire again.
    """

    def __init__(self, name: str, gate: Gate, plan: WatchPlan, baseline: Baseline | None, started_at: float) -> None:
        self.name = name
        self.gate = gate
        self.limits = limits_of(gate, baseline)
        self.degraded_before = self.limits is not None and _bad_before(gate, self.limits, baseline)
        self.too_long = gate.over is not None and gate.over > plan.duration + 1e-9
        self._plan = plan
        self._hold = None
        if self.limits is not None and not self.too_long:
            self._hold = hold_of(gate, self.limits, plan, baseline, started_at)
        self._coverage = Coverage(started_at)
        self._clearing = Clearing.of(gate)
        self._fired: GateOutcome | None = None
        self._cleared: GateOutcome | None = None
        self._level: Level | None = None
        self._looked = False
        self._warnings: set[Level] = set()
        self._silence: Absence | None = None

    @property
    def fired(self) -> bool:
        return self._fired is not None

    @property
    def warned(self) -> bool:
        return bool(self._warnings) or self._cleared is not None

    @property
    def warning(self) -> str:
        """The gravest thing short of a breach that the gate has to tell; empty where there is none."""
        if self._cleared is not None and self._fired is None:
            return f"{_when(self._cleared)}, cleared since"
        return warning_of(self._warnings, words=self.gate.fail_when is not None, fired=self.fired)

    @property
    def settled(self) -> bool:
        """Whether no further look can change anything about this gate."""
        return self._hold is None or (self._fired is not None and self._clearing is None)

    @property
    def rolls_back(self) -> bool:
        """Whether this gate has fired and its breach may be blamed on the deployment."""
        return self.fired and not self.degraded_before

    @property
    def standing(self) -> Standing | None:
        """The hold's latest word, for the live view."""
        return self._hold.standing() if self._hold is not None and self._looked else None

    def observe(self, tick: Tick, interval: float) -> None:
        """Take in one tick; ticks come in order of time."""
        value = tick.samples.get(self.gate.signal, NEVER_SAMPLED)
        self._silence = self._coverage.observe(tick.at, interval, value)
        if self._hold is None:
            return
        self._looked = True
        self._level = self._hold.observe(tick.at, interval, value)
        if self._level is Level.FAIL:
            if self._fired is None:
                self._fired = self._breach(self._hold.standing(), tick)
        elif self._level is not None and self._level is not Level.FINE and not self.settled:
            self._warnings.add(self._level)  # nothing is added to a breach: a replay does not look again either
        if self._fired is not None and self._clearing is not None:
            self._clear(self._clearing, value)

    def _clear(self, clearing: Clearing, value: Value) -> None:
        assert self._hold is not None and self._fired is not None
        if self._level is None or self._silence is not None:
            return  # nothing known neither counts nor resets, as for the breach
        observed = self._hold.standing().observed
        if clearing.observe(self._good(plain(value) if observed is None else observed), observed):
            self._cleared, self._fired = self._fired, None

    def _good(self, seen: float | Health | Absence) -> bool:
        """Whether this look speaks for the end of an alert: a breach does not, however short or unproven."""
        assert self.limits is not None
        if self._level is Level.FINE:
            return True
        beyond = isinstance(seen, Absence) or self.limits.level(seen) is Level.FAIL
        return self._level is not Level.FAIL and not beyond

    def skims(self, values: Sequence[Value]) -> bool:
        """Whether these looks are all fine and could change nothing, so that `skim` may take them in at once."""
        if self._hold is None or self.limits is None or self._fired is not None or not self._hold.skimmable():
            return False
        kinds = set(map(type, values))
        wanted = Health if self.limits.word is not None else float
        return kinds == {wanted} and self.limits.all_fine(values)  # type: ignore[arg-type]  # the line before has looked

    def skim(self, times: Sequence[float], interval: float, values: Sequence[Value]) -> None:
        """Take in looks for which `skims` said yes; the same as observing each."""
        assert self._hold is not None
        self._coverage.skim(times, interval)
        self._silence, self._looked, self._level = None, True, Level.FINE
        self._hold.skim(times, interval, values)  # type: ignore[arg-type]  # `skims` has looked at the kinds

    def outcome(self, at: float) -> GateOutcome:
        """How the gate stands at `at` (UTC epoch seconds), were the watch to end there."""
        if self._fired is not None:
            return self._fired
        if self.too_long and self.gate.over is not None:
            watched = format_duration(self._plan.duration)
            text = f"needs a window of {format_duration(self.gate.over)}, the watch lasts {watched}"
            return self._told(Status.NOT_JUDGED, "watch-shorter-than-window", text)
        if self.limits is None:
            silent = self.gate.without_baseline is WithoutBaseline.NOT_JUDGED
            status = Status.NOT_JUDGED if silent else Status.CANNOT_TELL
            return self._told(status, "no-baseline", "has no baseline from before the deployment")
        standing = self.standing
        if standing is None:
            return self._told(Status.CANNOT_TELL, "no-samples", "never sampled")
        if standing.level is None:
            return self._told(Status.CANNOT_TELL, standing.reason_code, standing.text, standing)
        covered = self._coverage.share(at)
        if covered < self.gate.coverage - 1e-9:
            text = f"values for {covered:.0%} of the watch, needs {self.gate.coverage:.0%}"
            return self._told(Status.CANNOT_TELL, "low-coverage", text, standing)
        if self._silence is not None:
            # A watch does not end on silence: what failed with the very last look has not been seen to work.
            code = f"absent-{self._silence.kind.value}"
            return self._told(Status.CANNOT_TELL, code, f"{self._silence} at the last look", standing)
        if self._cleared is not None:
            return self._told(Status.HEALTHY, "cleared", f"{standing.text}; {_when(self._cleared)}, cleared since", standing)
        return self._told(Status.HEALTHY, "within-limit", standing.text, standing)

    def _told(self, status: Status, reason_code: str, text: str, standing: Standing | None = None) -> GateOutcome:
        limit = self.limits.fail[1].value if self.limits is not None and self.limits.fail is not None else None
        observed = standing.observed if standing is not None else None
        return GateOutcome(
            gate=self.name,
            signal=self.gate.signal,
            action=self.gate.action,
            status=status,
            reason_code=reason_code,
            text=f"{self.gate.signal} {text}",
            warned=self.warned,
            observed=observed,
            limit=limit,
            margin=None if observed is None or limit is None else observed - limit,
            samples=standing.samples if standing is not None else 0,
        )

    def _breach(self, standing: Standing, tick: Tick) -> GateOutcome:
        assert self.limits is not None
        limit = self.limits.fail[1] if self.limits.fail is not None else None
        observed = standing.observed
        code = "degraded-before" if self.degraded_before else "limit-crossed"
        suffix = ", and already so before the deployment" if self.degraded_before else ""
        return GateOutcome(
            gate=self.name,
            signal=self.gate.signal,
            action=self.gate.action,
            status=Status.DEGRADED,
            reason_code=code,
            text=f"{self.gate.signal} {standing.text}{suffix}",
            warned=self.warned,
            tick=tick.index,
            at=tick.at,
            observed=observed,
            limit=None if limit is None else limit.value,
            margin=None if observed is None or limit is None else observed - limit.value,
            samples=standing.samples,
            counterfactual="" if limit is None else f"would have passed at {format_value(limit.value, limit.dimension)}",
        )


def _when(outcome: GateOutcome) -> str:
    return f"alerted at look {outcome.tick}"


def _bad_before(gate: Gate, limits: Limits, baseline: Baseline | None) -> bool:
    """Whether the snapshot from before the deployment was already beyond this very limit."""
    if baseline is None or gate.fail_ratio is not None:
        return False
    if gate.fail_when is not None:
        return baseline.health is not None and limits.level(Health(baseline.health)) is Level.FAIL
    before = baseline.medians.get(gate.signal)
    return before is not None and limits.level(before.median) is Level.FAIL
