"""The peers' documented semantics, one readable case each: the proof that we compare with them and not with weaker ones."""

from __future__ import annotations

import math

import pytest
from benchmarks.judging.engines import Answer, Argo, Engine, Flagger, MannWhitney, Prometheus, Single
from benchmarks.judging.limits import Limit, pooled
from benchmarks.judging.ranks import p_value_greater
from benchmarks.judging.traces import GAP, Trace

from dhash_guard.records.sample import Counts, Value

_SIGNS: dict[str, Value] = {".": 1.0, "!": 3.0, "~": 1.7, "-": GAP}
"""Fine, a breach of twice the usual, something between, and no answer."""

TWICE = Limit(2.0)
FINE, PAUSED = Answer(None), Answer(None, cannot_tell=True)


def latency(after: str, before: str = "...") -> Trace:
    values = [tuple(_SIGNS[sign] for sign in text) for text in (before, after)]
    return Trace("case", "latency", values[0], values[1], None, "case")


def errors(after: str, before: str = "0/100") -> Trace:
    def read(text: str) -> tuple[Value, ...]:
        pairs = [word.split("/") for word in text.split()]
        return tuple(GAP if len(pair) == 1 else Counts(float(pair[0]), float(pair[1])) for pair in pairs)

    return Trace("case", "errors", read(before), read(after), None, "case")


CASES: list[tuple[str, Engine, str, Answer]] = [
    # single breach
    ("single: the first breach", Single(TWICE), "..!.", Answer(2)),
    ("single: silence is no breach", Single(TWICE), "----", FINE),
    # Argo Rollouts, counters
    ("argo: the default limit 0 fails at the first failure", Argo(TWICE), ".!", Answer(1)),
    ("argo: failures must exceed the limit, equal passes", Argo(TWICE, failure_limit=2), "!.!.", FINE),
    ("argo: one more than the limit fails, at that very look", Argo(TWICE, failure_limit=2), "!.!.!", Answer(4)),
    ("argo: failures add up and are never forgotten", Argo(TWICE, failure_limit=1), "!......!", Answer(7)),
    ("argo: the measurements end with count", Argo(TWICE, count=3), "...!", FINE),
    ("argo: a failure at count still fails", Argo(TWICE, count=3), "..!.", Answer(2)),
    ("argo: initialDelay skips what comes before it", Argo(TWICE, initial_delay=2), "!!..", FINE),
    # Argo Rollouts, errors
    ("argo: four errors in a row are borne", Argo(TWICE), "----.", FINE),
    ("argo: the fifth error in a row aborts", Argo(TWICE), ".-----", Answer(5)),
    ("argo: a success starts the errors anew", Argo(TWICE), "----.----", FINE),
    ("argo: a failed measurement starts them anew too", Argo(TWICE, failure_limit=5), "----!----", FINE),
    ("argo: errors do not count towards count", Argo(TWICE, count=3), "..--!", Answer(4)),
    ("argo: errors are no failures", Argo(TWICE, failure_limit=1), "!-.-.-", FINE),
    # Argo Rollouts, inconclusive
    ("argo: with a failure condition alone the rest succeeds", Argo(TWICE), "~~~", FINE),
    ("argo: neither success nor failure pauses", Argo(TWICE, success=Limit(1.5)), ".~!", PAUSED),
    ("argo: as many inconclusive as allowed go on", Argo(TWICE, success=Limit(1.5), inconclusive_limit=1), ".~!", Answer(2)),
    ("argo: a failure is a failure with both conditions", Argo(TWICE, success=Limit(1.5)), ".!", Answer(1)),
    # Flagger
    ("flagger: the rollback waits for the next tick", Flagger(TWICE), ".!..", Answer(2)),
    ("flagger: reaching the threshold is enough", Flagger(TWICE, threshold=2), "!!..", Answer(2)),
    ("flagger: failed checks add up and never decrease", Flagger(TWICE, threshold=2), "!.....!.", Answer(7)),
    ("flagger: no data is a failed check", Flagger(TWICE, threshold=3), "--!.", Answer(3)),
    ("flagger: less than the threshold passes", Flagger(TWICE, threshold=3), "!.-...", FINE),
    ("flagger: a failure at the last look has a next tick too", Flagger(TWICE), "..!", Answer(3)),
    # Prometheus
    ("prometheus: without for the first breach fires", Prometheus(TWICE), ".!", Answer(1)),
    ("prometheus: fires when it has been true for so long", Prometheus(TWICE, hold=2), ".!!!", Answer(3)),
    ("prometheus: true for less does not fire", Prometheus(TWICE, hold=2), ".!!.", FINE),
    ("prometheus: one false result resets", Prometheus(TWICE, hold=2), "!!.!!.", FINE),
    ("prometheus: an empty result drops what is pending", Prometheus(TWICE, hold=2), "!!-!!", FINE),
    ("prometheus: and it may start again", Prometheus(TWICE, hold=2), "!-!!!", Answer(4)),
    # Mann-Whitney
    ("ranks: decides once, at the end", MannWhitney(), "!" * 12, Answer(11)),
    ("ranks: an unchanged service passes", MannWhitney(), "." * 12, FINE),
    ("ranks: no data is no answer", MannWhitney(), "-" * 12, PAUSED),
]


@pytest.mark.parametrize(("engine", "after", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_rule_does_what_its_documentation_says(engine: Engine, after: str, said: Answer) -> None:
    assert engine.decide(latency(after, before="." * 12)) == said


def test_ranks_need_the_mean_to_grow_as_well() -> None:
    before = latency("", before="." * 30).before
    slower = Trace("case", "latency", before, tuple([1.2] * 30), None, "case")
    assert p_value_greater([1.2] * 30, [1.0] * 30) < 1e-6
    assert MannWhitney(ratio=1.25).decide(slower) == FINE
    assert MannWhitney(ratio=1.1).decide(slower) == Answer(29)


def test_ranks_pass_what_only_few_looks_show() -> None:
    """The known weakness (kayenta#780): seven of sixty points at a hundredfold are no shift of ranks."""
    sparse = tuple([1.0] * 53 + [100.0] * 7)
    before = tuple(1.0 + look / 1000 for look in range(60))
    assert MannWhitney().decide(Trace("case", "latency", before, sparse, None, "case")) == FINE


def test_rank_test_agrees_with_published_values() -> None:
    """Hollander and Wolfe, Nonparametric Statistical Methods, example 4.1 (W = 35), and the least of 4 and 4."""
    younger = [1.15, 0.88, 0.90, 0.74, 1.21]
    older = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    assert p_value_greater(older, younger) == pytest.approx(0.1223, abs=1e-4)
    assert p_value_greater([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert p_value_greater([5, 6, 7, 8], [1, 2, 3, 4]) == pytest.approx(0.0152, abs=5e-4)


# Limits, as queries state them.


def test_a_latency_limit_is_relative_to_the_median_before() -> None:
    assert Limit(2.0).of(latency("", before=".!.")) == 2.0


def test_an_equal_value_is_no_breach() -> None:
    assert Limit(0.05).breaches(errors("5/100 6/100")) == (False, True)


def test_an_offset_compares_with_the_share_from_before() -> None:
    trace = errors("8/100", before="5/100 5/100 -")
    assert Limit(0.05).breaches(trace) == (True,)
    assert Limit(0.05, above_usual=True).breaches(trace) == (False,)
    assert Limit(0.05, times_usual=1.5).breaches(trace) == (True,)
    assert Limit(0.05, times_usual=2.0).breaches(trace) == (False,)


def test_a_window_pools_requests_instead_of_averaging_shares() -> None:
    values = pooled(errors("1/1 0/99 - 0/0"), 2)
    assert values[:3] == (1.0, 0.01, 0.0)
    assert math.isnan(values[3] or 0.0)


def test_a_window_outlives_a_gap_and_knows_when_it_is_empty() -> None:
    assert pooled(latency("!---"), 3) == (3.0, 3.0, 3.0, None)


@pytest.mark.parametrize(
    ("engine", "said"),
    [(Argo(Limit(0.05)), FINE), (Prometheus(Limit(0.05)), FINE), (Flagger(Limit(0.05)), Answer(1))],
    ids=["argo: NaN is above nothing, so it succeeds", "prometheus: as good as empty", "flagger: no values found"],
)
def test_nothing_by_nothing(engine: Engine, said: Answer) -> None:
    assert engine.decide(errors("0/0 0/0 0/0 0/0 0/0 0/0")) == said
