"""Decides how the numbers of a backtest are said in sentences, each share with its interval."""

from __future__ import annotations

from dhash_guard.gates.backtest import Share, Summary
from dhash_guard.records.units import format_duration
from dhash_guard.report.words import plural


def summary_lines(told: Summary) -> list[str]:
    """Runs and flips, false rollbacks and faults seen with their intervals, and what no label says; one sentence a line."""
    lines = [f"{plural(told.runs, 'run')} replayed, {plural(told.flips, 'flip')} among {told.compared} with a verdict."]
    if told.false_rollbacks is not None:
        per_hour = f", {told.false_per_clean_hour:.3g} per clean hour" if told.false_per_clean_hour is not None else ""
        watched = f"{told.clean_hours:.3g} h watched"
        lines.append(f"False rollbacks among clean runs: {_share(told.false_rollbacks)}{per_hour} ({watched}).")
    if told.held_clean:
        lines.append(f"Clean runs held by a blocking gate, without a rollback: {told.held_clean}.")
    if told.detected is not None:
        lines.append(f"Faults detected: {_share(told.detected)}{_delay(told.median_delay)}.")
    if told.too_early:
        lines.append(f"Failed before the fault began, which is no detection: {told.too_early}.")
    if told.unlabelled == told.runs:
        lines.append(f"Runs that would roll back: {_share(told.rollbacks)}.")
        lines.append("Nothing says which of these were false: no run has a label.")
    elif told.unlabelled:
        lines.append(f"Without a label, and counted in neither share: {told.unlabelled}.")
    return lines


def _share(share: Share) -> str:
    percent = f"{100 * share.count / share.of:.3g} %"
    return f"{share.count} of {share.of} ({percent}, 95 % between {100 * share.low:.3g} % and {100 * share.high:.3g} %)"


def _delay(seconds: float | None) -> str:
    return f", median delay {format_duration(seconds)}" if seconds is not None else ""
