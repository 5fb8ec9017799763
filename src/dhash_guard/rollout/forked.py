"""Writes the comment that a fork's run could not: from its result files, as the configuration of the base judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from dhash_guard.config import Configuration
from dhash_guard.errors import CannotTell, NoGo, UsageProblem
from dhash_guard.github.api import GithubApi
from dhash_guard.github.comment import CommentResult, upsert
from dhash_guard.github.context import DEPENDABOT
from dhash_guard.github.heads import open_for
from dhash_guard.records.context import RunContext
from dhash_guard.records.leg import LegReport
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.comment import marker
from dhash_guard.report.legs import newest, render_legs, slim
from dhash_guard.report.memory import recalled
from dhash_guard.rollout.comment import SKEW
from dhash_guard.rollout.matrix import Asked, Result, judge
from dhash_guard.rollout.matrix_gate import asked_of, results
from dhash_guard.rollout.premerge import provided
from dhash_guard.rollout.run import Guarded
from dhash_guard.system import Machine

MOST_STAGES = 50
"""Stages of one result; a rehearsal has as many as there are legs."""


@frozen(kw_only=True)
class Finished:
    """The run that ended, as GitHub's own event tells it: its number and attempt, and the commit that it was about."""

    run: str
    attempt: int
    sha: str
    repository: str
    branch: str
    url: str


def finished(context: RunContext, payload: Mapping[str, Any]) -> Finished | str:
    """The run that left its comment to this one, or why there is none: another event, or legs that could write."""
    if context.event != "workflow_run" or payload.get("action") != "completed":
        return "no other run has ended"
    run = payload.get("workflow_run")
    assert isinstance(run, Mapping)  # the context was read from it
    if run.get("event") != "pull_request":
        return "the run was not for a pull request"
    actor = run.get("actor")
    if not context.is_fork and not (isinstance(actor, Mapping) and actor.get("login") == DEPENDABOT):
        return "the legs of that run could write themselves"
    number, attempt = run.get("id"), run.get("run_attempt")
    if not (isinstance(number, int) and isinstance(attempt, int)):
        raise UsageProblem("the event does not name the run that ended", where="workflow_run.id")
    return Finished(
        run=str(number),
        attempt=attempt,
        sha=context.sha,
        repository=context.head_repository,
        branch=context.head_ref,
        url=f"{context.server_url}/{context.full_name}/actions/runs/{number}",
    )


def publish_legs(
    machine: Machine,
    configuration: Configuration,
    api: GithubApi,
    ended: Finished,
    folder: Path,
    expected: Sequence[str],
) -> CommentResult | str:
    """Bring the comment up to date with the results below `folder`, which are believed in nothing but their legs.

    Where it goes is asked of GitHub. A sentence where no open pull request stands at that commit any more; raise
    CannotTell where several do, or where no result is usable, and GithubProblem.
    """
    pulls = [pull for pull in open_for(api, ended.repository, ended.branch) if pull.head_sha == ended.sha]
    if not pulls:
        return f"no open pull request is at {ended.sha[:12]}"
    if len(pulls) > 1:
        numbers = ", ".join(str(pull.number) for pull in pulls)
        raise CannotTell(f"several pull requests are at {ended.sha[:12]}: {numbers}", cure="Close all but one.")
    asked = _asked(configuration, ended, expected)
    legs, left_out = believed(list(results(folder)) if folder.is_dir() else [], asked)
    if not legs:
        raise CannotTell("; ".join(left_out), where=str(folder), cure="Look at the run itself, and run it again.")
    first, since = marker("premerge", configuration.name), machine.clock.now() - SKEW
    links = [("the run", ended.url)] if ended.url.startswith("https://") else []
    templates = configuration.layout.templates

    def compose(bodies: Sequence[str]) -> str:
        if len(bodies) == 1 and newest(bodies, ended.sha) > (int(ended.run), ended.attempt):
            return bodies[0]  # a later attempt has been told of already
        memory = recalled(bodies, None, since)
        return render_legs(legs, asked.systems, links=links, templates=templates, memory=memory, trusted=False)

    result = upsert(api, pulls[0].number, first, compose, machine.clock)
    return evolve(result, notes=(*result.notes, *left_out))


def gathered(run: Guarded, folder: Path, expected: Sequence[str]) -> tuple[list[LegReport], list[str]]:
    """The legs that the gate has judged, and all that were asked for, for a last look at the comment that they share.

    Only in a pull request of the repository itself: what a fork left is published by itself, and proves nothing.
    """
    asked = asked_of(run, expected)
    if run.machine.environ.get("GITHUB_EVENT_NAME") != "pull_request":
        return [], []
    legs, _ = believed(list(results(folder)), asked)
    return list(legs.values()), list(asked.systems)


def believed(found: Sequence[Result], asked: Asked) -> tuple[dict[str, LegReport], list[str]]:
    """The latest usable result of each system that was asked for, judged by its legs, and why others were left out."""
    legs, left_out = {}, []
    for system in asked.systems:
        usable: dict[int, LegReport] = {}
        problem = "has not reported"
        for result in (one for one in found if one.system == system):
            report = _judged(result, evolve(asked, systems=(system,), may_miss=frozenset()))
            if isinstance(report, str):
                problem = report
            elif usable.setdefault(report.attempt, report) != report:
                usable, problem = {}, "has two results of one attempt that differ"
                break
        if usable:
            legs[system] = slim(usable[max(usable)], len(asked.systems))
        else:
            left_out.append(f"{system}: {problem}")
    return legs, left_out


def _judged(result: Result, asked: Asked) -> LegReport | str:
    """The report with the answer that its legs give, whatever it says of itself; or why it says nothing of this commit."""
    if result.report is None:
        return result.problem
    if len(result.report.stages) > MOST_STAGES:
        return f"has more than {MOST_STAGES} legs"
    told = judge([result], asked)
    stale = next((one.text for one in told if one.check == result.system), "")
    if stale:
        return stale
    statuses = {one.status for one in told}
    if StageStatus.FAILED in statuses:
        answer, code = "no-go", NoGo.exit_code
    elif StageStatus.CANNOT_TELL in statuses:
        answer, code = "cannot-tell", CannotTell.exit_code
    else:
        answer, code = "proceed", 0
    return evolve(result.report, commit=asked.head, result=answer, exit_code=code)


def _asked(configuration: Configuration, ended: Finished, expected: Sequence[str]) -> Asked:
    settings = configuration.premerge
    systems = tuple(dict.fromkeys([*expected, *settings.systems]))
    if not systems:
        raise UsageProblem("no system is expected", cure="Name them in premerge.systems, or with --expected.")
    return Asked(
        service=configuration.layout.service,
        environment=configuration.name,
        systems=systems,
        legs=tuple(leg.value for leg in settings.legs if provided(configuration.environment, leg)),
        head=ended.sha,
        run=ended.run,
        attempt=ended.attempt,
        may_skip=frozenset(leg.value for leg in settings.may_skip),
        earlier_attempts=settings.earlier_attempts,
    )
