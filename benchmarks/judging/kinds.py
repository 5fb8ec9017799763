"""What happens to a service around a deployment, and how often: clean kinds, faulty kinds, and missing looks."""

from __future__ import annotations

from random import Random

from benchmarks.judging.series import AFTER, BEFORE, ErrorService, LatencyService, between
from benchmarks.judging.traces import FAMILIES, GAP, Trace

from dhash_guard.records.sample import Value

CLEAN = {"steady": 40, "quiet": 15, "warm-up": 10, "spike": 15, "before": 5, "gaps": 15}
FAULTS = {"step": 30, "quiet step": 15, "ramp": 15, "recurring": 12, "passing": 13, "step with gaps": 15}
FAULTY = 0.4
"""The share of faulty watches; more clean ones, because one false rollback in a hundred has to be seen."""

Shape = list[float]
"""Per look, before and after: 0 where the service is as usual, 1 where the whole fault acts."""


def drawn(seed: str, number: int) -> Trace:
    """Watch `number` of the split `seed`; families alternate, everything else is drawn."""
    source = Random(f"{seed}/{number}")
    family = FAMILIES[number % len(FAMILIES)]
    faulty = source.random() < FAULTY
    mix = FAULTS if faulty else CLEAN
    kind = source.choices(list(mix), list(mix.values()))[0]
    shape, onset = _faulty_shape(source, kind) if faulty else (_clean_shape(source, kind), None)
    short = kind in ("spike", "recurring", "warm-up")
    values = (_latency if family == "latency" else _errors)(source, shape, quiet="quiet" in kind, short=short)
    if "gaps" in kind:
        values = _with_gaps(source, values)
    name = f"{seed}-{number:05} {family} {kind}"
    return Trace(name, family, tuple(values[:BEFORE]), tuple(values[BEFORE:]), onset, kind)


def _latency(source: Random, shape: Shape, *, quiet: bool, short: bool) -> list[Value]:
    service = LatencyService.drawn(source, quiet=quiet)
    factor = between(source, 1.5, 6.0) if short else between(source, 1.3, 5.0)
    return list(service.looks(source, [factor**part for part in shape]))


def _errors(source: Random, shape: Shape, *, quiet: bool, short: bool) -> list[Value]:
    service = ErrorService.drawn(source, quiet=quiet)
    added = between(source, 0.05, 0.40) if short else between(source, 0.02, 0.40)
    return list(service.looks(source, [added * part for part in shape]))


def _clean_shape(source: Random, kind: str) -> Shape:
    """Nothing that a rollback would mend: cold caches that warm up, one burst that ends, a fault from before."""
    shape = [0.0] * (BEFORE + AFTER)
    if kind == "warm-up":
        length = source.randint(1, 5)
        for look in range(length):
            shape[BEFORE + look] = 1 - look / length
    elif kind == "spike":
        begin = BEFORE + source.randrange(AFTER - 2)
        for look in range(begin, begin + source.randint(1, 2)):
            shape[look] = 1.0
    elif kind == "before":
        # Mostly older than what is looked at before; else it began early enough to be the usual state by then.
        begin = 0 if source.random() < 0.6 else source.randrange(BEFORE * 2 // 5)
        shape[begin:] = [1.0] * (len(shape) - begin)
    return shape


def _faulty_shape(source: Random, kind: str) -> tuple[Shape, int]:
    """The fault's course and the look after the deployment at which it begins; most begin at once."""
    onset = 0 if source.random() < 0.6 else source.randint(1, 40)
    begin, end = BEFORE + onset, BEFORE + AFTER
    shape = [0.0] * end
    if kind == "recurring":
        period, width = source.randint(3, 6), source.randint(1, 2)
        for look in range(begin, end):
            shape[look] = 1.0 if (look - begin) % period < width else 0.0
    elif kind == "ramp":
        length = source.randint(5, 30)
        for look in range(begin, end):
            shape[look] = min(1.0, (look - begin + 1) / length)
    else:
        stop = min(end, begin + source.randint(8, 20)) if kind == "passing" else end
        shape[begin:stop] = [1.0] * (stop - begin)
    return shape, onset


def _with_gaps(source: Random, values: list[Value]) -> list[Value]:
    """5–40 % of the looks go missing, in stretches of 1–8, as a metrics store or a network loses them."""
    found = list(values)
    missing = round(source.uniform(0.05, 0.40) * len(found))
    while sum(value is GAP for value in found) < missing:
        begin = source.randrange(len(found))
        for look in range(begin, min(begin + source.randint(1, 8), len(found))):
            found[look] = GAP
    return found
