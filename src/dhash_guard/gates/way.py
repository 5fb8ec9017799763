"""Keeps how one gate went through a watch: only the looks at which its standing changed, and only so many of them."""

from __future__ import annotations

from attrs import define, field, frozen

from dhash_guard.gates.reading import plain
from dhash_guard.gates.rule import Rule
from dhash_guard.records.outcome import Status
from dhash_guard.records.sample import Absence, Health, Tick
from dhash_guard.records.units import format_value

MOST_STEPS = 200
"""How many changes are kept of each gate: more than anybody reads, and no more memory than a page."""


@frozen(kw_only=True)
class Step:
    """A look at which the standing changed: `elapsed` seconds after the start, what was read, and what follows."""

    look: int
    at: float
    elapsed: float
    value: str
    strikes: tuple[int, int] | None
    status: Status
    text: str


@define
class Way:
    """The steps of one rule, fed after each look that the rule has taken in."""

    rule: Rule
    steps: list[Step] = field(factory=list)
    left_out: int = 0
    _before: tuple[object, ...] | None = None

    def observe(self, tick: Tick, started_at: float) -> None:
        """Note the look if something changed; a breach that has fired stays, and nothing changes after it."""
        if self._before is not None and self._before[0] is Status.DEGRADED:
            return
        outcome, standing = self.rule.outcome(tick.at), self.rule.standing
        strikes = standing.strikes if standing is not None else None
        stands = (outcome.status, outcome.reason_code, standing.level if standing is not None else None, strikes)
        if stands == self._before:
            return
        self._before = stands
        if len(self.steps) >= MOST_STEPS and outcome.status is not Status.DEGRADED:
            self.left_out += 1
            return
        self.steps.append(
            Step(
                look=tick.index,
                at=tick.at,
                elapsed=tick.at - started_at,
                value=self._read(tick),
                strikes=strikes,
                status=outcome.status,
                text=outcome.text,
            )
        )

    def _read(self, tick: Tick) -> str:
        if self.rule.gate.signal not in tick.samples:
            return "not sampled"
        value = plain(tick.samples[self.rule.gate.signal])
        if isinstance(value, Absence):
            return str(value)
        if isinstance(value, Health):
            return value.value
        limits = self.rule.limits
        return (
            format_value(value, limits.fail[1].dimension) if limits is not None and limits.fail is not None else f"{value:g}"
        )
