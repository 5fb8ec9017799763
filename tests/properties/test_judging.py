"""What must hold for every series and gate: no failure helps, alerts never decide, a replay is the same byte for byte."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Aggregate, Gate
from dhash_guard.gates.watch import Watch, judge
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.outcome import Action, Decision, Ending, Status, Verdict
from dhash_guard.records.sample import Absence, AbsenceKind, Tick, Value
from dhash_guard.records.units import Dimension, Quantity, Ratio, Seconds
from support.watching import START

LIMIT = Quantity(5.0, Dimension.COUNT)
ABSENT = Absence(AbsenceKind.TIMEOUT)
RANK = {Status.HEALTHY: 0, Status.CANNOT_TELL: 1, Status.DEGRADED: 2}

numbers = st.integers(0, 10).map(float)
values = st.one_of(numbers, st.just(ABSENT))
series = st.lists(values, min_size=2, max_size=40)

holds: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.integers(1, 4).map(lambda n: {"consecutive": n}),
    st.tuples(st.integers(1, 3), st.integers(0, 3)).map(lambda t: {"of_last": (t[0], t[0] + t[1])}),
    st.tuples(st.integers(1, 6), st.sampled_from([a for a in Aggregate if a is not Aggregate.RATIO])).map(
        lambda t: {"over": Seconds(float(t[0])), "aggregate": t[1]}
    ),
)


@st.composite
def gates(draw: st.DrawFn, action: Action | None = None) -> Gate:
    chosen = action or draw(st.sampled_from(list(Action)))
    return Gate(
        signal="x", action=chosen, fail_above=LIMIT, min_samples=draw(st.integers(1, 3)), coverage=Ratio(0.8), **draw(holds)
    )


def ticks(*columns: list[Value]) -> list[Tick]:
    names = ("x", "y")
    return [Tick(i, START + i, dict(zip(names, row, strict=False))) for i, row in enumerate(zip(*columns, strict=True))]


def verdict(named: dict[str, Gate], looks: list[Tick], automatic: bool = True, length: float | None = None) -> Verdict:
    plan = WatchPlan(duration=Seconds(length if length is not None else float(len(looks) - 1)), interval=Seconds(1.0))
    return judge(looks, Watch(named, plan, started_at=START, automatic=automatic))


@given(gates(Action.ROLLBACK), series, st.data())
def test_more_failures_never_improve_a_verdict(gate: Gate, looks: list[Value], data: st.DataObject) -> None:
    worse = list(looks)
    for index in data.draw(st.lists(st.integers(0, len(looks) - 1), max_size=5)):
        worse[index] = 100.0
    # A value in the place of an absence is knowledge gained; only what was known may get worse here.
    worse = [100.0 if new == 100.0 and old is not ABSENT else old for old, new in zip(looks, worse, strict=True)]
    before, after = verdict({"g": gate}, ticks(looks)), verdict({"g": gate}, ticks(worse))
    assert RANK[after.status] >= RANK[before.status] or after.status is Status.DEGRADED


@given(st.lists(gates(), min_size=1, max_size=3), gates(Action.ALERT), gates(Action.OBSERVE), series, series)
def test_alert_and_observe_never_change_a_verdict(
    deciding: list[Gate], alert: Gate, observe: Gate, left: list[Value], right: list[Value]
) -> None:
    size = min(len(left), len(right))
    looks = ticks(left[:size], right[:size])
    named = {f"g{i}": gate for i, gate in enumerate(deciding) if gate.action.decides}
    with_them = {"a": evolve(alert, signal="y"), **named, "o": evolve(observe, signal="y")}
    one, other = verdict(named, looks), verdict(with_them, looks)
    assert (one.status, one.decision, one.reason, one.ticks) == (other.status, other.decision, other.reason, other.ticks)


@given(st.lists(gates(), min_size=1, max_size=4), series, st.booleans())
def test_a_replay_from_the_written_samples_is_the_same_byte_for_byte(
    some: list[Gate], looks: list[Value], automatic: bool
) -> None:
    named = {f"g{i}": gate for i, gate in enumerate(some)}
    live = verdict(named, ticks(looks), automatic)
    written = [json.loads(json.dumps(tick.to_data())) for tick in ticks(looks)]
    again = {name: from_data(Gate, json.loads(canonical(to_data(gate)))) for name, gate in named.items()}
    replayed = verdict(again, [Tick.from_data(data) for data in written], automatic)
    assert canonical(to_data(live)) == canonical(to_data(replayed))


@given(st.lists(gates(), min_size=1, max_size=3), st.integers(2, 30))
def test_no_data_neither_passes_nor_rolls_back(some: list[Gate], length: int) -> None:
    told = verdict({f"g{i}": gate for i, gate in enumerate(some)}, ticks([ABSENT] * length))
    assert told.status is Status.CANNOT_TELL
    assert told.decision is Decision.HOLD


@given(st.lists(gates(), min_size=1, max_size=3), series, st.integers(1, 39))
def test_a_series_cut_short_never_passes(some: list[Gate], looks: list[Value], cut: int) -> None:
    kept = ticks(looks)[: min(cut, len(looks) - 1)]
    told = verdict({f"g{i}": gate for i, gate in enumerate(some)}, kept, length=float(len(looks) - 1))
    assert told.status is not Status.HEALTHY
    assert told.ending in (Ending.CUT_SHORT, Ending.EARLY)


@given(gates(Action.ROLLBACK), st.lists(numbers.filter(lambda n: n <= 5), min_size=8, max_size=30))
def test_values_within_the_limit_are_never_degraded(gate: Gate, looks: list[Value]) -> None:
    assert verdict({"g": gate}, ticks(looks)).status is not Status.DEGRADED
