"""Folds the samples of one gate into its outcome: what it saw, whether it fired, and whether it may speak at all."""

from __future__ import annotations

from dhash_guard.gates.holds import Standing, hold_of
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.reading import Level, Limits, limits_of, plain
from dhash_guard.gates.settings import Gate
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.outcome import GateOutcome, Status
from dhash_guard.records.sample import Absence, AbsenceKind, Health, Tick, Value
from dhash_guard.records.units import format_duration, format_value

_NEVER_SAMPLED = Absence(AbsenceKind.EMPTY, "the signal was not sampled")


class Rule:
    """One gate during one watch.

    A breach that has lasted long enough fires once and stays: later good values do not take it back.
    """

    def __init__(self, name: str, gate: Gate, plan: WatchPlan, baseline: Baseline | None, started_at: float) -> None:
        self.name = name
        self.gate = gate
        self.limits = limits_of(gate, baseline)
        self.degraded_before = self.limits is not None and _bad_before(gate, self.limits, baseline)
        self.not_judged = gate.over is not None and gate.over > plan.duration + 1e-9
        self._plan = plan
        self._hold = hold_of(gate, started_at)
        self._coverage = _Coverage(started_at)
        self._fired: GateOutcome | None = None
        self._standing: Standing | None = None
        self._warned = False

    @property
    def fired(self) -> bool:
        return self._fired is not None

    @property
    def rolls_back(self) -> bool:
        """Whether this gate has fired and its breach may be blamed on the deployment."""
        return self.fired and not self.degraded_before

    @property
    def standing(self) -> Standing | None:
        """The hold's latest word, for the live view."""
        return self._standing

    def observe(self, tick: Tick, interval: float) -> None:
        """Take in one tick; ticks come in order of time."""
        value = tick.samples.get(self.gate.signal, _NEVER_SAMPLED)
        self._coverage.observe(tick.at, interval, value)
        if self.limits is None or self.not_judged:
            return
        self._standing = self._hold.observe(tick.at, interval, value, self.limits)
        self._warned = self._warned or self._standing.level is Level.WARN
        if self._standing.level is Level.FAIL and self._fired is None:
            self._fired = self._breach(self._standing, tick)

    def outcome(self, at: float) -> GateOutcome:
        """How the gate stands at `at` (UTC epoch seconds), were the watch to end there."""
        if self._fired is not None:
            return self._fired
        if self.not_judged and self.gate.over is not None:
            watched = format_duration(self._plan.duration)
            text = f"needs a window of {format_duration(self.gate.over)}, the watch lasts {watched}"
            return self._told(Status.NOT_JUDGED, "watch-shorter-than-window", text)
        if self.limits is None:
            return self._told(
                Status.CANNOT_TELL, "no-baseline", f"no baseline of {self.gate.signal} from before the deployment"
            )
        standing = self._standing
        if standing is None:
            return self._told(Status.CANNOT_TELL, "no-samples", "never sampled")
        if standing.level is None:
            return self._told(Status.CANNOT_TELL, standing.reason_code, standing.text, standing)
        covered = self._coverage.share(at)
        if covered < self.gate.coverage - 1e-9:
            text = f"values for {covered:.0%} of the watch, needs {self.gate.coverage:.0%}"
            return self._told(Status.CANNOT_TELL, "low-coverage", text, standing)
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
            warned=self._warned,
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
            warned=self._warned,
            tick=tick.index,
            at=tick.at,
            observed=observed,
            limit=None if limit is None else limit.value,
            margin=None if observed is None or limit is None else observed - limit.value,
            samples=standing.samples,
            counterfactual="" if limit is None else f"would have passed at {format_value(limit.value, limit.dimension)}",
        )


class _Coverage:
    """The share of the watch for which a signal had values; one value counts for at most two intervals."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._last = started_at
        self._reach = 0.0
        self._covered = 0.0

    def observe(self, at: float, interval: float, value: Value) -> None:
        reduced = plain(value)
        if isinstance(reduced, Absence) and not reduced.unhealthy:
            return
        self._covered += min(at - self._last, max(self._reach, 2 * interval))
        self._last, self._reach = at, 2 * interval

    def share(self, at: float) -> float:
        elapsed = at - self._started_at
        if elapsed <= 0:
            return 1.0 if self._reach else 0.0
        return (self._covered + min(at - self._last, self._reach)) / elapsed


def _bad_before(gate: Gate, limits: Limits, baseline: Baseline | None) -> bool:
    """Whether the snapshot from before the deployment was already beyond this very limit."""
    if baseline is None or gate.fail_ratio is not None:
        return False
    if gate.fail_when is not None:
        return baseline.health is not None and limits.level(Health(baseline.health)) is Level.FAIL
    before = baseline.medians.get(gate.signal)
    return before is not None and limits.level(before.median) is Level.FAIL
