"""Builds watches from short texts, so that a rule case reads as one line."""

from __future__ import annotations

from collections.abc import Iterator

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.watch import Watch
from dhash_guard.records.deployment import Baseline, Summary
from dhash_guard.records.outcome import Ending, GateOutcome, Verdict
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Tick, Value
from dhash_guard.records.units import Seconds, parse_quantity

START = 1_700_000_000.0

_WORDS: dict[str, Value] = {
    "ok": Health.HEALTHY,
    "warn": Health.WARNING,
    "bad": Health.UNHEALTHY,
    "-": Absence(AbsenceKind.TIMEOUT, "no answer"),
    "nan": Absence(AbsenceKind.NOT_A_NUMBER, "NaN"),
    "sick": Absence(AbsenceKind.HTTP_STATUS, "HTTP 500", unhealthy=True),
}


def values(text: str) -> Iterator[Value]:
    """`1 2 - ok 3/10 5%`: numbers, quantities, absences, words, counts; `4*7` repeats 7 four times."""
    for word in text.split():
        times, _, rest = word.rpartition("*")
        for _ in range(int(times) if times else 1):
            yield _value(rest)


def _value(word: str) -> Value:
    if word in _WORDS:
        return _WORDS[word]
    if "/" in word:
        part, whole = word.split("/")
        return Counts(float(part), float(whole))
    try:
        return float(word)
    except ValueError:
        return parse_quantity(word).value


def ticks(text: str, *, signal: str = "x", step: float = 1.0) -> list[Tick]:
    """One tick per word, `step` seconds apart, all for one signal; `.` is a look that never happened."""
    found = []
    for index, word in enumerate(text.split() if "." in text.split() else ["?"] * len(list(values(text)))):
        if word != ".":
            found.append(index)
    series = list(values(" ".join(word for word in text.split() if word != ".")))
    return [Tick(index, START + index * step, {signal: value}) for index, value in zip(found, series, strict=True)]


def plan(duration: float = 10.0, interval: float = 1.0, extend_by: float = 0.0) -> WatchPlan:
    """A plain plan."""
    return WatchPlan(duration=Seconds(duration), interval=Seconds(interval), extend_by=Seconds(extend_by))


def baseline(**medians: float) -> Baseline:
    """A snapshot from before the deployment."""
    health = medians.pop("health", None)
    state = {None: None, 0.0: Health.HEALTHY, 1.0: Health.UNHEALTHY}[health]
    return Baseline(taken_at=START - 60, samples=3, health=state, medians={n: Summary(v, 3) for n, v in medians.items()})


def watch(
    gates: dict[str, Gate] | Gate,
    over: WatchPlan | None = None,
    *,
    automatic: bool = True,
    before: Baseline | None = None,
) -> Watch:
    """A watch that starts at START."""
    named = {"gate": gates} if isinstance(gates, Gate) else gates
    return Watch(named, over or plan(), started_at=START, automatic=automatic, baseline=before)


def judged(
    gate: Gate, text: str, over: WatchPlan | None = None, before: Baseline | None = None
) -> tuple[Verdict, GateOutcome]:
    """Fold the series; stop where the watch stops. The plan defaults to one look a second for the length of the series."""
    series = ticks(text)
    length = max(series[-1].index, 1)
    one = watch(gate, over or plan(float(length)), before=before)
    for tick in series:
        if one.observe(tick).ending is not None:
            break
    verdict = one.verdict(Ending.CUT_SHORT)
    return verdict, verdict.outcomes[0]
