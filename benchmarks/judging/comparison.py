"""Compares all rules on the watches of one family, and then of both: tuned, measured, told as tables and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from benchmarks.judging import tables
from benchmarks.judging.engines import Argo, Engine, Flagger
from benchmarks.judging.limits import Limit
from benchmarks.judging.ours import Ours
from benchmarks.judging.scoring import Outcome, Score, score
from benchmarks.judging.traces import Trace
from benchmarks.judging.tuning import Tuned, answers, peers, tuned

SCALES = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
FEW = Ours(looks=10)
"""Ours where nobody recorded anything before the deployment."""
LOOSE: Mapping[str, Limit] = {"latency": Limit(1.5), "errors": Limit(0.05)}


class Comparison:
    """Everything that is known of one family: each peer tuned, and what every rule said of the test watches."""

    def __init__(self, family: str, train: Sequence[Trace], test: Sequence[Trace]) -> None:
        self.family = family
        self.test = test
        self.peers: dict[str, Tuned] = {name: tuned(engines, train) for name, engines in peers(family).items()}
        asked: list[Engine] = [*(Ours(scale) for scale in SCALES), FEW]
        asked += [Argo(LOOSE[family]), Flagger(LOOSE[family], 5)]
        for one in self.peers.values():
            asked += [one.best, *one.front, *one.ladder.values()]
        asked = list(dict.fromkeys(asked))
        said = answers(asked, test)
        self.outcomes: dict[Engine, list[Outcome]] = {
            engine: list(zip(test, found, strict=True)) for engine, found in zip(asked, said, strict=True)
        }
        self.scores: dict[Engine, Score] = {engine: score(found) for engine, found in self.outcomes.items()}

    @property
    def ours(self) -> Score:
        """Our default's score."""
        return self.scores[Ours()]

    def challengers(self) -> dict[str, list[Score]]:
        """Every setting that a team within the budget could have chosen on the training watches."""
        return {
            name: [self.scores[engine] for engine in (one.best, *one.front)]
            for name, one in self.peers.items()
            if one.within_budget
        }

    def rows(self) -> list[tuple[str, Engine]]:
        """What the main table shows."""
        shown: list[tuple[str, Engine]] = [("**ours**", Ours()), (f"ours, {FEW.looks} looks before", FEW)]
        shown += [
            (name + ("" if one.within_budget else " (none within budget)"), one.best) for name, one in self.peers.items()
        ]
        loose = LOOSE[self.family]
        return [*shown, ("Argo Rollouts, its defaults", Argo(loose)), ("Flagger, threshold 5", Flagger(loose, 5))]

    def show(self) -> dict[str, Any]:
        """Print the tables of this family and return them as data."""
        clean = sum(trace.onset is None for trace in self.test)
        print(f"\n## {self.family}: {len(self.test)} watches, {clean} clean\n\n{tables.HEAD}")
        for name, engine in self.rows():
            print(tables.line(name, self.scores[engine], tables.settings_of(engine, self.family)))
        print(f"\nFrontier: the best training setting within each budget, measured on the test watches\n\n{tables.HEAD}")
        ladder: list[tuple[str, Engine]] = [("ours", Ours(scale)) for scale in SCALES]
        for name, one in self.peers.items():
            ladder += [(f"{name}, {tables.share(budget)}", engine) for budget, engine in one.ladder.items()]
        for name, engine in ladder:
            print(tables.line(name, self.scores[engine], tables.settings_of(engine, self.family)))
        named = {name: self.outcomes[engine] for name, engine in self.rows()[:-2]}
        print(f"\nPer kind\n\n{tables.by_kind(named)}")
        return {
            shown: [
                {"rule": name, "settings": tables.settings_of(engine, self.family), **self.scores[engine].data()}
                for name, engine in entries
            ]
            for shown, entries in (("rules", self.rows()), ("frontier", ladder))
        }


def overall(compared: Sequence[Comparison], results: dict[str, Any]) -> list[tuple[str, bool]]:
    """Both families together: every pair of settings of a peer is a challenger."""

    def merged(engines: Sequence[Engine]) -> Score:
        return score(outcome for one, engine in zip(compared, engines, strict=True) for outcome in one.outcomes[engine])

    names = list(compared[0].peers)
    print(f"\n## Both families\n\n{tables.HEAD}")
    rows = [("**ours**", merged([Ours()] * len(compared)))]
    rows += [(name, merged([one.peers[name].best for one in compared])) for name in names]
    for name, one in rows:
        print(tables.line(name, one, "as above"))
    results["overall"] = [{"rule": name, **one.data()} for name, one in rows]
    challengers = {
        name: [merged(pair) for pair in product(*((one.peers[name].best, *one.peers[name].front) for one in compared))]
        for name in names
        if all(one.peers[name].within_budget for one in compared)
    }
    return tables.check("overall", rows[0][1], challengers)
