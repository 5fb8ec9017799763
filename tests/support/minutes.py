"""What a watch costs on hosted runners: jobs on a simulated clock, billed as GitHub bills, and how soon a fault is seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

MINUTE = 60.0

SETUP = 45.0
"""Seconds that a job is given for what it does before the command: its machine, checkout, Python, the state."""

Command = Callable[[float], tuple[int, float]]
"""Runs the command at this moment (UTC seconds): its exit code, and how many seconds it took."""


@frozen(kw_only=True)
class Job:
    """One job that ran: seconds are since the watch began, setup included."""

    began: float
    ended: float
    code: int

    @property
    def billed(self) -> int:
        """Minutes.

        "GitHub rounds the minutes and partial minutes each job uses up to the nearest whole minute."
        https://docs.github.com/en/billing/reference/actions-runner-pricing
        """
        return math.ceil((self.ended - self.began) / MINUTE)


@frozen
class Cost:
    """What became of one watch."""

    jobs: tuple[Job, ...]

    @property
    def billed(self) -> int:
        return sum(job.billed for job in self.jobs)

    @property
    def seen_at(self) -> float | None:
        """When the first job said that something is wrong, in seconds since the watch began."""
        return next((job.ended for job in self.jobs if job.code), None)


@frozen(kw_only=True)
class Checkpoints:
    """The matrix of a workflow's job: at which minutes, and whether one that fails ends those that still wait."""

    minutes: tuple[int, ...]
    fail_fast: bool
    environment: str

    @classmethod
    def of(cls, workflow: Path, job: str) -> Checkpoints:
        """As the workflow's own file has it; fail-fast is GitHub's default."""
        found: dict[str, Any] = yaml.safe_load(workflow.read_text("utf-8"))["jobs"][job]
        strategy = found["strategy"]
        (minutes,) = strategy["matrix"].values()
        return cls(
            minutes=tuple(minutes), fail_fast=strategy.get("fail-fast", True) is True, environment=found["environment"]
        )


def ran(start: float, at: float, command: Command) -> Job:
    """A job that a runner takes `at` seconds after the start of the watch."""
    code, seconds = command(start + at + SETUP)
    return Job(began=at, ended=at + SETUP + seconds, code=code)


def at_checkpoints(plan: Checkpoints, start: float, command: Command) -> Cost:
    """Each job waits behind its timer, which bills nothing; one that fails ends those that wait, and they bill nothing.

    "Wait time will not count towards your billable time."
    https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments
    """
    jobs: list[Job] = []
    for minutes in plan.minutes:
        jobs.append(ran(start, minutes * MINUTE, command))
        if jobs[-1].code and plan.fail_fast:
            break
    return Cost(tuple(jobs))


def table(rows: Sequence[tuple[int | None, Cost, Cost]]) -> str:
    """Markdown: for the minute in which a fault begins (None: never), the cost at checkpoints and of a whole watch."""
    lines = [
        "| fault begins | `checkpoint`: seen after | billed minutes | `watch`: seen after | billed minutes |",
        "|---|---|---|---|---|",
    ]
    for fault, short, whole in rows:
        begins = "never" if fault is None else f"minute {fault}"
        cells = (begins, _after(short, fault), str(short.billed), _after(whole, fault), str(whole.billed))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _after(cost: Cost, fault: int | None) -> str:
    if fault is None or cost.seen_at is None:
        return "–"
    seconds = round(cost.seen_at - fault * MINUTE)
    return f"{seconds // 60} min {seconds % 60:02} s"
