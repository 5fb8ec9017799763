"""Decides what replayed verdicts say of a set of gates: flips, false rollbacks, faults seen, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dhash_guard.gates.wilson import wilson
from dhash_guard.records.outcome import Action, GateOutcome, Status, Verdict


@frozen(kw_only=True)
class Label:
    """What a person knows of a run: it was clean, or when its fault began.

    The beginning is one of: `at` (UTC epoch seconds), `look` (the number of a tick), `after` (seconds after the start).
    """

    clean: bool = False
    at: float | None = None
    look: int | None = None
    after: float | None = None


@frozen(kw_only=True)
class Replay:
    """One run judged again: the verdict then (None where nobody gave one) and now, and what the label makes of it.

    `environment` is the one that the run was of, empty where only its log is known.
    `known_from` says where start, plan and baseline come from: the run's evidence, or only the log and the
    configuration. `look` and `at` are where the deciding gate fired, `delay` the seconds from the fault to there, None
    where it fired before the fault or not at all.
    """

    name: str
    environment: str
    known_from: str
    then: Status | None
    then_rolls_back: bool
    now: Verdict
    rolls_back: bool
    flips: bool
    gate: str | None
    look: int | None
    at: float | None
    label: str
    fault_at: float | None
    delay: float | None


@frozen(kw_only=True)
class Share:
    """`count` of `of`, with the interval in which the true share lies (Wilson, 95 %)."""

    count: int
    of: int
    low: float
    high: float


@frozen(kw_only=True)
class Summary:
    """The numbers over all runs; None where no run was labelled so.

    `held_clean` are clean runs that a blocking gate failed without a rollback, `too_early` runs with a fault that were
    failed before it began, which is no detection.
    """

    runs: int
    compared: int
    flips: int
    rollbacks: Share
    false_rollbacks: Share | None
    held_clean: int
    clean_hours: float
    false_per_clean_hour: float | None
    detected: Share | None
    too_early: int
    median_delay: float | None
    unlabelled: int


def rolls_back(verdict: Verdict) -> bool:
    """Whether a gate with action rollback degraded it, whatever the configuration says of doing so by itself."""
    return verdict.status is Status.DEGRADED and any(
        outcome.action is Action.ROLLBACK
        and outcome.status is Status.DEGRADED
        and outcome.reason_code != "degraded-before"  # an old fault is never blamed on the deployment
        for outcome in verdict.outcomes
    )


def fault_time(label: Label, started_at: float, look_at: float | None) -> float | None:
    """UTC epoch seconds at which the labelled fault began; `look_at` is when the labelled look was, None if never seen."""
    if label.after is not None:
        return started_at + label.after
    return look_at if label.look is not None else label.at


def replay_of(
    name: str,
    now: Verdict,
    *,
    then: Verdict | None,
    known_from: str,
    label: Label | None,
    fault_at: float | None,
    environment: str = "",
) -> Replay:
    """Put the verdicts and the label of one run together."""
    fired = _deciding(now)
    at = fired.at if fired is not None else None
    again, before = rolls_back(now), then is not None and rolls_back(then)
    return Replay(
        name=name,
        environment=environment,
        known_from=known_from,
        then=then.status if then is not None else None,
        then_rolls_back=before,
        now=now,
        rolls_back=again,
        flips=then is not None and (then.status, before) != (now.status, again),
        gate=now.gate,
        look=fired.tick if fired is not None else None,
        at=at,
        label="" if label is None else "clean" if label.clean else "fault",
        fault_at=fault_at,
        delay=at - fault_at if at is not None and fault_at is not None and at >= fault_at else None,
    )


def _deciding(verdict: Verdict) -> GateOutcome | None:
    if verdict.status is not Status.DEGRADED:
        return None
    return next((outcome for outcome in verdict.outcomes if outcome.gate == verdict.gate), None)


def summary_of(replays: Sequence[Replay]) -> Summary:
    """Count; raise ValueError where there is nothing to count."""
    if not replays:
        raise ValueError("no run, no numbers")
    clean = [replay for replay in replays if replay.label == "clean"]
    faulty = [replay for replay in replays if replay.label == "fault"]
    failed = [replay for replay in clean if replay.now.status is Status.DEGRADED]
    false = sum(replay.rolls_back for replay in clean)
    hours = sum(replay.now.ended_at - replay.now.started_at for replay in clean) / 3600
    delays = [replay.delay for replay in faulty if replay.delay is not None]
    return Summary(
        runs=len(replays),
        compared=sum(replay.then is not None for replay in replays),
        flips=sum(replay.flips for replay in replays),
        rollbacks=share(sum(replay.rolls_back for replay in replays), len(replays)),
        false_rollbacks=share(false, len(clean)) if clean else None,
        held_clean=len(failed) - false,
        clean_hours=hours,
        false_per_clean_hour=false / hours if hours > 0 else None,
        detected=share(len(delays), len(faulty)) if faulty else None,
        too_early=sum(replay.now.status is Status.DEGRADED and replay.delay is None for replay in faulty),
        median_delay=_median(delays),
        unlabelled=len(replays) - len(clean) - len(faulty),
    )


def share(count: int, of: int) -> Share:
    """The share with its interval."""
    low, high = wilson(count, of)
    return Share(count=count, of=of, low=low, high=high)


def _median(values: Sequence[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
