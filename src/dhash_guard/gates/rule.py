"""Folds the samples of one gate into its outcome: what it saw, whether it fired, and whether it may speak at all."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.gates.asked import hold_of
from dhash_guard.gates.before import degraded_before
from dhash_guard.gates.clearing import Clearing
from dhash_guard.gates.coverage import Coverage
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.reading import Level, limits_of, plain
from dhash_guard.gates.settings import Gate, WithoutBaseline
from dhash_guard.gates.standing import Hold, Standing
from dhash_guard.gates.warning import warning_of
from dhash_guard.records.deployment import Baseline
from dhash_guard.records.outcome import Action, GateOutcome, Status
from dhash_guard.records.sample import Absence, AbsenceKind, Health, Tick, Value
from dhash_guard.records.units import Quantity, format_duration, format_value

NEVER_SAMPLED = Absence(AbsenceKind.EMPTY, "the signal was not sampled")


class Rule:
    """One gate during one watch.

    A breach that has lasted long enough fires once and stays: later good values do not take it back. Only an alert
    that says when it clears is taken back, and can then fire again.
    """

    def __init__(self, name: str, gate: Gate, plan: WatchPlan, baseline: Baseline | None, started_at: float) -> None:
        self.name = name
        self.gate = gate
        self.limits = limits_of(gate, baseline)
        self.degraded_before = self.limits is not None and degraded_before(gate, self.limits, baseline)
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
    def ends(self) -> bool:
        """Whether it ends the watch: nothing more is needed to roll back."""
        return self.rolls_back and self.gate.action is Action.ROLLBACK

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

    def calm(self, times: Sequence[float], values: Sequence[Value]) -> bool:
        """Whether these looks could change nothing, so that `skim` may take them in at once."""
        if self._hold is None or self._fired is not None or set(map(type, values)) != {self._kind}:
            return False
        return self._hold.calm(times, values)  # type: ignore[arg-type]  # the line before has looked at the kinds

    def skim(self, times: Sequence[float], interval: float, values: Sequence[Value]) -> None:
        """Take in looks that are `calm`; the same as observing each."""
        assert self._hold is not None
        self._coverage.skim(times, interval)
        self._silence, self._looked, self._level = None, True, Level.FINE
        self._hold.skim(times, interval, values)  # type: ignore[arg-type]  # `calm` has looked at the kinds

    def fold(self, ticks: Sequence[Tick], interval: float, values: Sequence[Value]) -> int:
        """Take in ticks that `values` are of, none more than two intervals after the one before it, as observing each.

        Return how many: all, or up to the one in which it rolls back.
        """
        taken = 0
        if self._hold is not None and self._fired is None and set(map(type, values)) == {self._kind}:
            taken = self._folded(self._hold, ticks, interval, values)
        while taken < len(ticks) and not self.ends:
            self.observe(ticks[taken], interval)
            taken += 1
        return taken

    def _folded(self, hold: Hold, ticks: Sequence[Tick], interval: float, values: Sequence[Value]) -> int:
        """Take in looks with values up to the one in which it fires."""
        times = [tick.at for tick in ticks]
        taken, told = hold.fold(times, interval, values)  # type: ignore[arg-type]  # `fold` has looked at the kinds
        self._coverage.skim(times[:taken], interval)
        self._silence, self._looked = None, True
        self._warnings |= told - {Level.FAIL}
        if Level.FAIL in told:
            self._fired = self._breach(hold.standing(), ticks[taken - 1])
        return taken

    @property
    def _kind(self) -> type:
        return Health if self.limits is not None and self.limits.word is not None else float

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

    @property
    def _limit(self) -> Quantity | None:
        """The number that decides; a test has none, because it compares samples and no single value would have passed it."""
        if self.gate.test is not None or self.limits is None or self.limits.fail is None:
            return None
        return self.limits.fail[1]

    def _told(self, status: Status, reason_code: str, text: str, standing: Standing | None = None) -> GateOutcome:
        limit = self._limit.value if self._limit is not None else None
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
        limit, observed = self._limit, standing.observed
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
