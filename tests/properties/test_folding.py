"""What a replay takes in at once must leave every gate exactly where one look after the other would have left it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dhash_guard.gates.plan import Slower, WatchPlan
from dhash_guard.gates.settings import Aggregate, BaselineSource, Gate, StatisticalTest
from dhash_guard.gates.watch import Watch, judge
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data
from dhash_guard.records.outcome import Action, Verdict
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Tick, Value
from dhash_guard.records.units import Dimension, Quantity, Ratio, Seconds
from support.watching import START, baseline


def count(value: float) -> Quantity:
    return Quantity(value, Dimension.COUNT)


ABSENT: Value = Absence(AbsenceKind.TIMEOUT)
calm = st.floats(0.1, 4.9)
wild: st.SearchStrategy[Value] = st.one_of(calm, calm, st.floats(0, 10), st.just(5.0), st.just(ABSENT))
restless: st.SearchStrategy[Value] = st.one_of(calm, calm, st.floats(0, 10), st.just(5.0))
known: st.SearchStrategy[Value] = st.sampled_from([Health.HEALTHY] * 8 + [Health.WARNING, Health.UNHEALTHY])
words: st.SearchStrategy[Value] = st.sampled_from([Health.HEALTHY] * 8 + [Health.WARNING, Health.UNHEALTHY, ABSENT])
shares: st.SearchStrategy[Value] = st.tuples(st.integers(0, 5), st.integers(0, 40)).map(
    lambda pair: Counts(float(min(pair)), float(pair[1]))
)
holds: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.integers(1, 5).map(lambda n: {"consecutive": n}),
    st.tuples(st.integers(1, 4), st.integers(0, 4)).map(lambda t: {"of_last": (t[0], t[0] + t[1])}),
    st.tuples(st.integers(2, 20), st.sampled_from([a for a in Aggregate if a is not Aggregate.RATIO])).map(
        lambda t: {"over": Seconds(float(t[0])), "aggregate": t[1]}
    ),
)
limits: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(["above", "from"]).map(lambda side: {f"fail_{side}": count(5), f"warn_{side}": count(4.5)}),
    st.sampled_from(["below", "to"]).map(lambda side: {f"fail_{side}": count(0.5)}),
    st.just({"baseline": BaselineSource.BEFORE_DEPLOY, "fail_ratio": 1.5, "at_least": count(2)}),
)
actions = st.sampled_from(list(Action))
gates: st.SearchStrategy[Gate] = st.one_of(
    st.builds(
        lambda action, hold, limit, least: Gate(signal="x", action=action, min_samples=least, **hold, **limit),
        actions, holds, limits, st.integers(1, 4),
    ),
    st.builds(lambda action, run: Gate(signal="h", action=action, fail_when=Health.UNHEALTHY, consecutive=run),
              actions, st.integers(1, 4)),
    st.builds(
        lambda action, over, sure: Gate(
            signal="c", action=action, fail_above=Quantity(0.3, Dimension.RATIO), over=Seconds(float(over)),
            aggregate=Aggregate.RATIO, confidence=sure,
        ),
        actions, st.integers(2, 9), st.sampled_from([None, Ratio(0.95)]),
    ),
    st.builds(
        lambda after: Gate(signal="x", action=Action.ALERT, fail_above=count(5), clear_below=count(3), clear_after=after),
        st.integers(1, 3),
    ),
    st.just(
        Gate(
            signal="x", action=Action.ROLLBACK, baseline=BaselineSource.BEFORE_DEPLOY, fail_ratio=1.1, at_least=count(0.1),
            test=StatisticalTest.SEQUENTIAL, over=Seconds(8.0),
        )
    ),
)  # fmt: skip


@st.composite
def series(draw: st.DrawFn) -> list[Tick]:
    size = draw(st.integers(2, 80))
    whole = draw(st.booleans())  # what has a value at every look is folded another way
    gaps = draw(st.sets(st.integers(0, 80), max_size=0 if whole else 4))
    columns = {"x": draw(st.lists(restless if whole else wild, min_size=size, max_size=size))}
    columns["h"] = draw(st.lists(known if whole else words, min_size=size, max_size=size))
    columns["c"] = draw(st.lists(shares, min_size=size, max_size=size))
    rows = [{name: column[index] for name, column in columns.items()} for index in range(size)]
    return [Tick(index, START + index, row) for index, row in enumerate(rows) if index not in gaps or not index]


def fresh(named: dict[str, Gate], plan: WatchPlan) -> Watch:
    return Watch(named, plan, started_at=START, automatic=True, baseline=baseline(x=2.0))


def one_by_one(looks: list[Tick], watch: Watch) -> Verdict:
    for tick in looks:
        if watch.observe(tick).ending is not None:
            break
    return watch.verdict()


@settings(max_examples=100)
@given(st.lists(gates, min_size=1, max_size=5), series(), st.booleans())
def test_folding_is_observing(some: list[Gate], looks: list[Tick], slower: bool) -> None:
    named = {f"g{index}": gate for index, gate in enumerate(some)}
    then = Slower(after=Seconds(20.0), interval=Seconds(2.0)) if slower else None
    plan = WatchPlan(duration=Seconds(looks[-1].at - START or 1.0), interval=Seconds(1.0), then=then)
    live, replayed = one_by_one(looks, fresh(named, plan)), judge(looks, fresh(named, plan))
    assert canonical(to_data(live)) == canonical(to_data(replayed))
