"""Answers for a custom protection rule with what the gate says: go approves, no rejects, cannot tell only reports."""

from __future__ import annotations

from attrs import evolve, frozen

from dhash_guard.errors import Damaged, GuardError, Locked, NoGo, UsageProblem
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.github.context import read_payload
from dhash_guard.github.protection_rule import LONGEST_COMMENT, MOST_REPORTS, Asked, ProtectionRule, Ruling, asked
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.stage import Change
from dhash_guard.report.answer import answer as written
from dhash_guard.rollout.gate import conditions, go
from dhash_guard.rollout.run import Done, Guarded

_RULINGS = {
    0: Ruling.APPROVED,
    NoGo.exit_code: Ruling.REJECTED,
    Damaged.exit_code: Ruling.REJECTED,
    Locked.exit_code: Ruling.REJECTED,
}
"""Whatever else the gate may end with decides nothing: the job goes on waiting."""


@frozen(kw_only=True)
class AnswerOrders:
    """Which run waits and for which environment of GitHub; what is left out is told by the event or the runner."""

    run: int | None = None
    protected: str | None = None


def answer(run: Guarded, reviews: ReviewReader | None, orders: AnswerOrders) -> Evidence:
    """The `gate` verb with an answer: the gate's own exit code, or that of an answer that could not be given.

    Raise UsageProblem or GithubProblem, before anything is judged, where it is unknown what to answer, or where the
    commit that is judged is not the one that waits.
    """
    rule, environment = _question(run, orders)
    result, exit_code = _judged(run, reviews)
    try:
        _answered(run, rule, environment, exit_code)
    except GuardError as problem:
        return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    return run.seal(run.evidence(result=result, exit_code=exit_code))


def _question(run: Guarded, orders: AnswerOrders) -> tuple[ProtectionRule, str]:
    """The rule for the run that waits, and the environment that it waits for."""
    if run.hub is None:
        raise UsageProblem(
            "there is no GitHub to answer", cure="Give the token of the App, and GITHUB_REPOSITORY where this is no runner."
        )
    environ, context = run.machine.environ, run.hub.transport.context
    where = environ.get("GITHUB_EVENT_PATH", "")
    told = asked(context.event, read_payload(environ), context.full_name, where)
    number = orders.run or (told.run if told is not None else int(context.run_id or 0))
    if not number:
        raise UsageProblem("it is not known which run waits", cure="Give --run-id, or run this in the run itself.")
    rule = ProtectionRule(run.hub, run.machine.clock, number)
    environment = _environment(run, orders, told)
    commit = rule.commit()
    if commit != run.facts.commit:
        raise UsageProblem(
            f"run {number} waits with {commit[:12]}, but what is judged here is {run.facts.commit[:12] or 'no commit'}",
            cure=f"Check {commit[:12]} out first; no other commit can speak for it.",
        )
    return rule, environment


def _environment(run: Guarded, orders: AnswerOrders, told: Asked | None) -> str:
    """GitHub's name of what is waited for; a gate of one environment never opens another that nobody named."""
    if told is None:
        if orders.protected is None:
            raise UsageProblem(
                "it is not known which environment of GitHub is waited for", cure=f"Give --protected {run.environment}."
            )
        return orders.protected
    if orders.protected is not None and orders.protected.casefold() != told.environment.casefold():
        raise UsageProblem(
            f"--protected {orders.protected!r}, but the event asks about {told.environment[:80]!r}",
            cure="Leave --protected out, or give the name of the event.",
        )
    if orders.protected is None and told.environment.casefold() != run.environment.casefold():
        raise UsageProblem(
            f"the event asks about {told.environment[:80]!r}, but this is the gate of {run.environment}",
            cure="Give --env; or --protected as well, where this gate is meant to answer for it.",
        )
    return told.environment


def _judged(run: Guarded, reviews: ReviewReader | None) -> tuple[str, int]:
    """What the gate says: its result, and its exit code."""
    try:
        run.stage("gate", lambda: go(tuple(conditions(run, reviews))))
    except GuardError as no:
        return no.code, no.exit_code
    return "go", 0


def _answered(run: Guarded, rule: ProtectionRule, environment: str, exit_code: int) -> None:
    """Give the answer as a stage of its own; a dry run says which it would be."""
    ruling = _RULINGS.get(exit_code)
    word = ruling.value if ruling is not None else "a report that decides nothing"
    told = f"{word}, to run {rule.run} for {environment}"
    if run.machine.plan is not None:
        run.machine.plan.append(Change("answer", told))
        return
    comment = _comment(run, exit_code)

    def work() -> Done:
        if ruling is not None:
            return Done(f"{told}; {rule.decide(environment, ruling, comment).value}")
        if not rule.report(environment, comment):
            return Done(f"none: {MOST_REPORTS} reports are there already, which is all that GitHub takes; the job waits on")
        return Done(f"{told}; the job waits on")

    run.stage("answer", work)


def _comment(run: Guarded, exit_code: int) -> str:
    """The gate's stage in a few lines, with secrets masked before anything else is done to them."""
    stage, clean = run.stages[-1], run.redactor.text
    findings = [evolve(one, check=clean(one.check), text=clean(one.text)) for one in stage.findings]
    return written(exit_code, run.environment, run.facts.commit, findings, clean(stage.text), LONGEST_COMMENT)
