"""Decides which looks counted as strikes of a gate that asks for several, and which of them made it fire."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from dhash_guard.gates.holds import level_of
from dhash_guard.gates.reading import Level, Limits, plain
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import GateOutcome, Status
from dhash_guard.records.sample import Absence, Health, Tick, Value
from dhash_guard.records.units import Quantity
from dhash_guard.report.limits import finite, limits_of
from dhash_guard.report.rows import dimension_for, settings_of

_MOST = 2
"""Lanes of strikes below one plot."""


@frozen(kw_only=True)
class Strikes:
    """The strikes of one gate, in seconds since the start: those of the run that fired, the others, and the words."""

    gate: str
    words: str
    fired: bool
    full: tuple[float, ...]
    others: tuple[float, ...]


@frozen
class _Best:
    """The most strikes that stood together: how many, and when each was."""

    count: int
    hits: tuple[float, ...]


def strikes_of(evidence: Evidence, signal: str, ticks: Sequence[Tick], start: float) -> tuple[Strikes, ...]:
    """The strikes of the gates on a signal that ask for more than one look, where there were any."""
    seen = sorted(((tick.at, tick.samples[signal]) for tick in ticks if signal in tick.samples), key=lambda look: look[0])
    outcomes = [o for o in (evidence.verdict.outcomes if evidence.verdict else ()) if o.signal == signal]
    found = (_of_gate(evidence, outcome, seen, start, len(outcomes) > 1) for outcome in outcomes)
    return tuple(strikes for strikes in found if strikes is not None)[:_MOST]


def _of_gate(
    evidence: Evidence, outcome: GateOutcome, seen: Sequence[tuple[float, Value]], start: float, shared: bool
) -> Strikes | None:
    settings = settings_of(evidence, outcome.gate)
    asked, limits = _asked(settings), _limits(evidence, settings, outcome)
    if asked is None or limits is None:
        return None
    needed, size = asked
    looks = [(at, _struck(value, limits)) for at, value in seen]
    hits = [at for at, struck in looks if struck]
    if not hits:
        return None
    best = _best(looks, needed, size, outcome.at if outcome.status is Status.DEGRADED else None)
    cleared = outcome.reason_code == "cleared"
    fired = best.count >= needed and (outcome.status is Status.DEGRADED or cleared)
    how = f"{best.count} of {needed} " + (f"among the last {size}" if size else "in a row")
    words = f"{how}{', cleared since' if cleared else '' if fired else ' at most'}"
    full = best.hits if fired else ()
    return Strikes(
        gate=outcome.gate,
        words=f"{outcome.gate} {words}" if shared else words,
        fired=fired and not cleared,
        full=tuple(at - start for at in full),
        others=tuple(at - start for at in hits if at not in set(full)),
    )


def _asked(settings: Mapping[str, Any]) -> tuple[int, int] | None:
    """How many strikes a gate needs, and among how many looks (0: in a row); None where one look is enough."""
    of_last = settings.get("of_last")
    if isinstance(of_last, list | tuple) and len(of_last) == 2:
        needed, size = (finite(part) for part in of_last)
        return (int(needed), int(size)) if needed and size and 1 <= needed <= size <= 1e6 else None
    run = finite(settings.get("consecutive"))
    return (int(run), 0) if run is not None and 1 < run <= 1e6 else None


def _limits(evidence: Evidence, settings: Mapping[str, Any], outcome: GateOutcome) -> Limits | None:
    """The limit that the looks were held against, as far as the evidence has it."""
    word = next((health for health in Health if health.value == settings.get("fail_when")), None)
    if word is not None:
        return Limits(word, None, None)
    confidence = finite(settings.get("confidence"))
    for line in limits_of(settings):
        if line.level == "fail":
            return Limits(None, (line.side, Quantity(line.value, line.dimension)), None, confidence=confidence)
    limit = finite(outcome.limit)
    if limit is None or "fail_ratio" not in settings:
        return None
    quantity = Quantity(limit, dimension_for(evidence, outcome.signal))
    return Limits(None, ("above", quantity), None, confidence=confidence)


def _struck(value: Value, limits: Limits) -> bool | None:
    """Whether a look is a strike; None where it saw nothing."""
    reduced = plain(value)
    if isinstance(reduced, Absence) and not reduced.unhealthy:
        return None
    return level_of(value, reduced, limits) is Level.FAIL


def _best(looks: Iterable[tuple[float, bool | None]], needed: int, size: int, fired_at: float | None) -> _Best:
    """The strikes that stood when the gate fired; where it did not, the most that ever stood together."""
    recent: deque[tuple[float, bool | None]] = deque(maxlen=size or needed)
    best = _Best(0, ())
    for at, struck in looks:
        if not size and struck is False:
            recent.clear()
        elif size or struck:
            recent.append((at, struck))
        count = sum(1 for _, hit in recent if hit)
        if count > best.count or at == fired_at:
            best = _Best(count, tuple(when for when, hit in recent if hit))
        if at == fired_at:
            break
    return best
