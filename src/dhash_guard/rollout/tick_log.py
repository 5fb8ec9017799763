"""Writes what each look of a watch showed into the run's log, and tells the channels what fails or clears."""

from __future__ import annotations

from dhash_guard.gates.watch import TickReport
from dhash_guard.records.event import Level
from dhash_guard.records.outcome import GateOutcome, Status
from dhash_guard.records.sample import Health
from dhash_guard.rollout.run import Guarded


def write(run: Guarded, report: TickReport) -> None:
    """The lines that people grep for."""
    health, latency = (report.tick.samples.get(name) for name in ("health", "health.latency"))
    if isinstance(health, Health):
        took = f"{latency * 1000:.0f} ms" if isinstance(latency, float) else "none"
        run.log.line("info", f"health {health.value}, response time {took}", tick=report.tick.index)
    for outcome in report.changed:
        _write_change(run, outcome)


def _write_change(run: Guarded, outcome: GateOutcome) -> None:
    data = {"gate": outcome.gate, "action": outcome.action.value, "reason_code": outcome.reason_code}
    match outcome.status:
        case Status.DEGRADED:
            run.log.line("error", f"Quality gate failed: {outcome.gate}: {outcome.text}", **data)
            level = Level.ERROR if outcome.action.decides else Level.WARNING
            run.tell("gate-failed", level, f"Quality gate failed: {outcome.gate}", outcome.text)
        case Status.CANNOT_TELL:
            run.log.line("warning", f"Quality gate cannot tell: {outcome.gate}: {outcome.text}", **data)
        case Status.HEALTHY:
            run.log.line("info", f"Quality gate passing: {outcome.gate}: {outcome.text}", **data)
            if outcome.reason_code == "cleared":  # as loud as the alert, so that whoever heard that hears this
                run.tell("gate-cleared", Level.WARNING, f"Alert cleared: {outcome.gate}", outcome.text)
        case Status.NOT_JUDGED:
            run.log.line("warning", f"Quality gate not judged: {outcome.gate}: {outcome.text}", **data)
