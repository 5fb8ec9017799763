"""What numbers that only grow have added since the watch began."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Tick
from dhash_guard.signals import Sampler
from dhash_guard.signals.counter import Counter, running_counts
from dhash_guard.signals.health import HealthSettings
from dhash_guard.signals.http_json import HttpJson, ValueMapping
from dhash_guard.signals.prometheus_text import MetricMapping, PrometheusText
from dhash_guard.signals.reading import AbsentMeans
from dhash_guard.system.http import NoAnswer, Trouble
from unit.signals.canned import Canned, answer, place

GONE = Absence(AbsenceKind.TIMEOUT, "5 s")


def run(part: float, whole: float) -> Counts:
    return Counts(part, whole, running=True)


@pytest.mark.parametrize(
    ("seen", "totals"),
    [
        ([Counts(3, 100)], [run(0, 0)]),
        ([Counts(3, 100), Counts(3, 100), Counts(5, 150)], [run(0, 0), run(0, 0), run(2, 50)]),
        ([Counts(3, 100), GONE, Counts(5, 150)], [run(0, 0), GONE, run(2, 50)]),
        ([GONE, Counts(3, 100), Counts(4, 101)], [GONE, run(0, 0), run(1, 1)]),
        # a restart: 2 of 50 stay, 1 of 10 come from the new process
        ([Counts(3, 100), Counts(5, 150), Counts(1, 10), Counts(1, 12)], [run(0, 0), run(2, 50), run(3, 60), run(3, 62)]),
        ([Counts(3, 100), Counts(2, 100)], [run(0, 0), run(2, 100)]),
        ([Counts(0, 100), Counts(0, 90)], [run(0, 0), run(0, 90)]),
        ([Counts(3, 100), GONE, Counts(0, 5), Counts(1, 9)], [run(0, 0), GONE, run(0, 5), run(1, 9)]),
    ],
)
def test_totals(seen: list[Any], totals: list[Any]) -> None:
    counter = Counter()
    assert [counter.total(one) for one in seen] == totals


def test_numbers_read_in_between_are_no_look_and_not_lost() -> None:
    counter = Counter()
    counter.total(Counts(3, 100))
    torn = counter.total(Counts(5, 101))
    assert torn == Absence(AbsenceKind.OUT_OF_RANGE, "2 of 1 since the last look")
    assert counter.total(Counts(5, 104)) == run(2, 4)


def test_a_continued_watch_goes_on_from_a_new_zero_point() -> None:
    counter = Counter(run(2, 50))
    assert counter.total(Counts(900, 9000)) == run(2, 50)
    assert counter.total(Counts(901, 9003)) == run(3, 53)


def test_the_newest_running_counts_survive_a_look_without_an_answer() -> None:
    ticks = [
        Tick(0, 1.0, {"a": run(1, 2), "b": Counts(1, 2), "c": 4.0}),
        Tick(1, 2.0, {"a": run(2, 4), "b": Counts(1, 2)}),
        Tick(2, 3.0, {"a": GONE}),
    ]
    assert running_counts(ticks) == {"a": run(2, 4)}


def bodies(kind: str, *pairs: tuple[float, float]) -> list[Any]:
    if kind == "http-json":
        return [answer({"e": part, "n": whole}) for part, whole in pairs]
    return [answer(f"e_total {part}\nn_total {whole}\n".encode()) for part, whole in pairs]


SETTINGS: dict[str, Any] = {
    "http-json": lambda **more: HttpJson(
        kind="http-json", path="/m", values={"v": ValueMapping(part_at="e", whole_at="n", **more)}
    ),
    "prometheus-text": lambda **more: PrometheusText(
        kind="prometheus-text",
        path="/m",
        values={"v": MetricMapping(part_metric="e_total", whole_metric="n_total", **more)},
    ),
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_sources_count_where_they_are_told(kind: str) -> None:
    pairs = [(3.0, 100.0), (5.0, 150.0), (1.0, 10.0)]
    source = SETTINGS[kind](counter=True).open("s", place(Canned(*bodies(kind, *pairs))))
    assert [source.sample()["v"] for _ in pairs] == [run(0, 0), run(2, 50), run(3, 60)]
    source = SETTINGS[kind]().open("s", place(Canned(*bodies(kind, *pairs))))
    assert [source.sample()["v"] for _ in pairs] == [Counts(*pair) for pair in pairs]


@pytest.mark.parametrize("kind", SETTINGS)
def test_trouble_leaves_the_totals_and_says_what_it_means(kind: str) -> None:
    good = bodies(kind, (3.0, 100.0), (4.0, 90.0 + 20), (9.0, 5.0), (5.0, 120.0))
    web = Canned(good[0], NoAnswer(Trouble.TIMEOUT, "5 s"), good[1], good[2], good[3])
    source = SETTINGS[kind](counter=True, absent=AbsentMeans.UNHEALTHY).open("s", place(web))
    seen = [source.sample()["v"] for _ in range(5)]
    assert seen[0::2] == [run(0, 0), run(1, 10), run(2, 20)]
    assert [(one.kind, one.unhealthy) for one in seen[1::2]] == [
        (AbsenceKind.TIMEOUT, True),
        (AbsenceKind.OUT_OF_RANGE, True),
    ]


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_sampler_continues_what_a_watch_counted(kind: str) -> None:
    where = place(Canned(*bodies(kind, (7.0, 70.0))))
    before = [Tick(0, 1.0, {"v": run(2, 50), "health.success_ratio": run(1, 1)}), Tick(1, 2.0, {"v": GONE})]

    def first(resumed: Any) -> Any:
        sampler = Sampler(
            HealthSettings(), {"s": SETTINGS[kind](counter=True)}, "http://x", where.root, where.machine, resumed
        )
        return sampler.look(2, 3.0).samples

    assert (first(before)["v"], first(before[0])["v"], first(None)["v"]) == (run(2, 50), run(2, 50), run(0, 0))
    assert first(before)["health.success_ratio"].whole == 2
