"""Legs of a pre-merge matrix that share one comment: each with a client of its own, in the time of a schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, evolve, field

from dhash_guard.github.api import GithubApi
from dhash_guard.github.comment import CommentResult
from dhash_guard.github.context import context_of
from dhash_guard.github.errors import GithubProblem
from dhash_guard.github.patience import Patience
from dhash_guard.records.context import RunContext
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.legs import merged
from dhash_guard.rollout.comment import comment_legs
from dhash_guard.simulator import Simulator
from dhash_guard.simulator.state import Comment
from dhash_guard.system import Machine, this_machine
from support.acting import REPOSITORY, pull_request
from support.writers import BASE, Latency, Schedule, usual

SHA, NEWER = "a" * 40, "b" * 40
RUN = "4242"


def leg(name: str, *statuses: StageStatus, text: str = "fine", **facts: Any) -> LegReport:
    """What one system found: check, backup and deploy passed, unless statuses say otherwise."""
    names = ("check", "backup", "deploy", *(f"leg-{n}" for n in range(300)))
    shown = statuses or (StageStatus.PASSED,) * 3
    stages = tuple(LegStage(name=one, status=status, text=text) for one, status in zip(names, shown, strict=False))
    result = "no-go" if StageStatus.FAILED in shown else "proceed" if {*shown} == {StageStatus.PASSED} else "cannot-tell"
    codes = {"proceed": 0, "no-go": 1, "cannot-tell": 3}
    plain = LegReport(
        leg=name, service="dhash", environment="production", commit=SHA, result=result, exit_code=codes[result],
        stages=stages, head=SHA, run=RUN, attempt=1,
    )  # fmt: skip
    return evolve(plain, **facts)


@define
class Matrix:
    """A pull request, and writers that begin when they are told to; `asked` counts the requests of each."""

    schedule: Schedule
    sim: Simulator
    names: tuple[str, ...]
    token: str = "t-write"  # a name that the simulator knows
    asked: dict[str, int] = field(factory=dict)
    told: dict[str, CommentResult] = field(factory=dict)
    refused: dict[str, GithubProblem] = field(factory=dict)

    @classmethod
    def of(cls, count: int = 3, seed: int = 0, latency: Latency = usual, **pull: Any) -> Matrix:
        schedule = Schedule(seed, latency)
        sim = Simulator(repository=REPOSITORY, now=schedule.now)
        facts: dict[str, Any] = {"number": 7, "head_sha": SHA} | pull
        sim.add_pull_request(**facts)
        return cls(schedule, sim, tuple(f"system-{n:02}" for n in range(count)))

    def context(self, **changes: Any) -> RunContext:
        environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": BASE}
        return evolve(context_of(environ, pull_request(7, SHA)), **changes)

    @property
    def machine(self) -> Machine:
        return evolve(this_machine({}), clock=self.schedule.clock)

    def api(self, context: RunContext, patience: Patience = Patience()) -> GithubApi:
        send = self.schedule.send(self.sim, self.token)
        return GithubApi(self.token, context, self.schedule.clock, patience, send)

    def writing(self, *reports: LegReport, name: str = "", **changes: Any) -> Callable[[], None]:
        """A job that brings the comment up to date with these legs; what is refused is kept."""

        def work() -> None:
            context = self.context(**changes)
            api, called = self.api(context), name or reports[0].leg
            try:
                self.told[called] = comment_legs(self.machine, api, context, reports, self.names)
            except GithubProblem as problem:
                self.refused[called] = problem
            self.asked[called] = api.requests_made

        return work

    def run(self, *jobs: Callable[[], None], spread: float = 0.0) -> Matrix:
        """Let these write at once, or each at a moment of its own."""
        self.schedule.run([(self.schedule.random.uniform(0.0, spread), job) for job in jobs])
        return self

    def all(self, spread: float = 0.0) -> Matrix:
        return self.run(*(self.writing(leg(name)) for name in self.names), spread=spread)

    @property
    def comments(self) -> list[Comment]:
        return self.sim.comments(7)

    def missing(self, commit: str = SHA) -> set[str]:
        """The legs that stand in no comment."""
        stranger = leg("stranger", commit=commit)
        return {*self.names} - {*merged([one.body for one in self.comments], stranger)}

    @property
    def writes(self) -> int:
        return sum(entry.method in ("POST", "PATCH", "DELETE") and entry.path != "/graphql" for entry in self.sim.log)

    def lag(self, share: float, reads: int = 3, seed: int = 0) -> None:
        """Lists that show some writes late, and some the other way round."""
        for method in ("POST", "PATCH", "DELETE"):
            self.sim.fault("lag", method=method, path="*/comments*", share=share, seed=seed, times=0, reads=reads)
        self.sim.fault("reorder", method="GET", path="*/comments", share=2 * share, seed=seed, times=0)


def percentile(counts: Sequence[int], share: float) -> int:
    """The smallest count that so many are not above."""
    return sorted(counts)[max(0, -(-int(share * 100) * len(counts) // 100) - 1)]
