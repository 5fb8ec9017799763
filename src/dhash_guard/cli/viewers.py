"""Shows a watch while it runs: a live table on a terminal, a line per minute and per change elsewhere."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable

from attrs import define, field

from dhash_guard.gates.reading import Limits, plain
from dhash_guard.gates.rule import NEVER_SAMPLED, Rule
from dhash_guard.gates.settings import Aggregate, Gate
from dhash_guard.gates.standing import Standing
from dhash_guard.gates.watch import TickReport, Watch
from dhash_guard.records.codec import to_data
from dhash_guard.records.outcome import GateOutcome, Status
from dhash_guard.records.sample import Absence, Health, Tick
from dhash_guard.records.units import Dimension, format_duration, format_value
from dhash_guard.report.limits import limit_text
from dhash_guard.report.live import LiveRow, LiveView, plain_line
from dhash_guard.report.timeline import LiveTimeline
from dhash_guard.rollout.run import Guarded

_TONES = {Status.HEALTHY: "good", Status.DEGRADED: "bad", Status.CANNOT_TELL: "unknown", Status.NOT_JUDGED: "quiet"}
_HISTORY = 60


@define
class Trace:
    """The last values of a gate, and how much of its window had any; a look costs as much as leaves the window."""

    over: float | None
    started_at: float
    history: deque[float | None] = field(factory=lambda: deque(maxlen=_HISTORY))
    _recent: deque[tuple[float, bool]] = field(factory=deque)
    _present: int = 0
    _at: float = 0.0

    def observe(self, at: float, value: float | None) -> None:
        """Take in one look; None is an absence."""
        self.history.append(value)
        self._at = at
        if not self.over:
            return
        self._recent.append((at, value is not None))
        self._present += value is not None
        while self._recent[0][0] <= at - self.over:
            self._present -= self._recent.popleft()[1]

    @property
    def coverage(self) -> float | None:
        """The share of the window that is watched and had values; None without a window."""
        if not self.over:
            return None
        return min(1.0, (self._at - self.started_at) / self.over) * self._present / len(self._recent)


@define
class Screen:
    """Gathers the ticks of a watch and hands each look to `draw` (the view, and what changed)."""

    title: str
    draw: Callable[[LiveView, list[str]], None]
    end: Callable[[], None]
    ticks: list[Tick] = field(factory=list)
    _before: float | None = None
    _traces: dict[str, Trace] = field(factory=dict)

    def show(self, watch: Watch, report: TickReport) -> None:
        """Draw one look."""
        self.ticks.append(report.tick)
        outcomes = {outcome.gate: outcome for outcome in watch.outcomes()}
        rows = tuple(self._row(rule, outcomes[rule.name], report.tick) for rule in watch.rules)
        due = watch.plan.next_due(report.elapsed) - report.elapsed if report.ending is None else None
        note = "extended" if report.elapsed > watch.plan.duration + 1 else ""
        view = LiveView(
            title=self.title,
            elapsed=report.elapsed,
            planned=watch.plan.duration,
            rows=rows,
            before=self._before,
            next_look=due,
            note=note,
        )
        # At the first look every gate is new; that is no change worth a line each.
        changed = [f"{o.gate}: {o.status.value}: {o.text}" for o in report.changed] if self._before is not None else []
        self._before = report.elapsed
        self.draw(view, changed)

    def close(self) -> None:
        """The watch is over."""
        self.end()

    def _row(self, rule: Rule, outcome: GateOutcome, tick: Tick) -> LiveRow:
        value = plain(tick.samples.get(rule.gate.signal, NEVER_SAMPLED))
        dimension = rule.limits.fail[1].dimension if rule.limits is not None and rule.limits.fail is not None else None
        trace = self._traces.setdefault(rule.name, Trace(rule.gate.over, self.ticks[0].at))
        trace.observe(tick.at, _height(value))
        standing = rule.standing
        return LiveRow(
            name=rule.name,
            value=_aggregated(rule, standing, value, dimension) or _written(value, dimension),
            limit=_limit(rule.gate, rule.limits),
            status=_status(outcome),
            tone="warn" if outcome.warned and outcome.status is Status.HEALTHY else _TONES[outcome.status],
            history=tuple(trace.history),
            strikes=standing.strikes if standing is not None else None,
            coverage=trace.coverage,
        )


def viewer_for(run: Guarded, *, quiet: bool, terminal: bool) -> Screen:
    """The viewer that fits: live on a terminal, plain lines elsewhere, nothing when asked to be quiet."""
    plan = run.configuration.environment.monitor
    title = f"watching {run.environment} for {format_duration(plan.duration)}, a look every {format_duration(plan.interval)}"
    if quiet:
        return Screen(title, lambda view, changed: None, lambda: None)
    if not terminal:
        return Screen(title, lambda view, changed: _print(run, view, changed), lambda: None)
    timeline = LiveTimeline(sys.stderr)
    timeline.__enter__()

    def draw(view: LiveView, changed: list[str]) -> None:
        for line in changed:
            timeline.say(line)
        timeline.show(view)

    return Screen(title, draw, lambda: timeline.__exit__(None, None, None))


def _print(run: Guarded, view: LiveView, changed: list[str]) -> None:
    line = plain_line(view, changed)
    if line is not None:
        run.say(line)


def _status(outcome: GateOutcome) -> str:
    word = outcome.status.value
    if outcome.status is Status.HEALTHY and outcome.warned:
        word = "cleared" if outcome.reason_code == "cleared" else "warning"
    return word if outcome.action.decides else f"{word} ({outcome.action.value})"


def _aggregated(rule: Rule, standing: Standing | None, value: float | Health | Absence, dimension: Dimension | None) -> str:
    """What a window comes to now (`mean 2310 ms`); empty where the look itself may stand in its place."""
    if rule.gate.over is None or rule.gate.test is not None:
        return ""
    how = rule.gate.aggregate or Aggregate.MEAN
    if standing is not None and standing.observed is not None:
        return f"{how.value} {_written(standing.observed, dimension)}"
    # A level beside the limit of a growth would look like a breach.
    return f"{how.value} not known yet" if how.grows and not isinstance(value, Absence) else ""


def _height(value: float | Health | Absence) -> float | None:
    if isinstance(value, Health):
        return {Health.HEALTHY: 0.0, Health.WARNING: 0.5, Health.UNHEALTHY: 1.0}[value]
    return None if isinstance(value, Absence) else value


def _written(value: float | Health | Absence, dimension: Dimension | None) -> str:
    if isinstance(value, Absence):
        return value.kind.value
    if isinstance(value, Health):
        return value.value
    return format_value(value, dimension) if dimension is not None else f"{value:g}"


def _limit(gate: Gate, limits: Limits | None) -> str:
    if limits is None:
        return "no baseline"
    if gate.test is not None:
        return limit_text(to_data(gate), None, Dimension.COUNT)
    if limits.fail is None:
        return f"not {limits.word.value}" if limits.word is not None else ""
    side, quantity = limits.fail
    return f"{({'above': '≤', 'below': '≥', 'from': '<', 'to': '>'})[side]} {quantity}"
