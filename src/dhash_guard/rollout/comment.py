"""Brings the one comment of a pull request up to date with what this leg found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from dhash_guard.github.comment import CommentResult, Outcome, upsert
from dhash_guard.github.ports import Issues
from dhash_guard.records.context import RunContext
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import LegReport
from dhash_guard.records.sample import Tick
from dhash_guard.report.checklist import sheet_of
from dhash_guard.report.checklists import COMMIT, render_sheet
from dhash_guard.report.comment import BUDGET, Links, marker, render_comment
from dhash_guard.report.legs import commits_in, later, merged, render_legs, slim
from dhash_guard.report.memory import recalled
from dhash_guard.system import Machine

SLOT = 1.0
"""Seconds in which one leg reads the comment and writes it, while no other of its matrix does.

GitHub has no conditional write for comments, and the legs have no server: they take turns by the clock, in the order in
which the matrix names them. Looking again, a turn later, until nothing is missing is what keeps a leg whose turn was not
enough.
"""

FRAME = 60.0
"""Seconds at most until it is a leg's turn again: in a matrix of more than sixty the turns are shorter."""

SETTLE = 1.5
"""Seconds at least between a write and the look whether it stayed."""

SKEW = 10.0
"""Seconds by which this clock may be ahead of GitHub's: what people do is dated by theirs."""

_ROUNDS = 8

SUPERSEDED = "the pull request has moved on to another commit; its comment is left alone"
CLOSED = "the pull request is closed; its comment is left alone"


class _Overtaken(Exception):
    """Another commit stands in the comment where ours stood a turn ago."""


def comment_leg(
    machine: Machine,
    issues: Issues,
    context: RunContext,
    report: LegReport,
    expected: Sequence[str],
    *,
    templates: Path | None = None,
) -> CommentResult:
    """Merge `report` into the comment; many legs may do so at once and none is lost. Raise GithubProblem.

    A leg whose commit is no longer the head of the pull request, whose pull request is closed, or whose later attempt has
    reported writes nothing: it would overwrite what is true now.
    """
    return comment_legs(machine, issues, context, [report], expected, templates=templates)


def comment_legs(
    machine: Machine,
    issues: Issues,
    context: RunContext,
    reports: Sequence[LegReport],
    expected: Sequence[str],
    *,
    templates: Path | None = None,
) -> CommentResult:
    """Merge several legs at once, as the gate does that has all their results: what a leg lost comes back."""
    assert context.pull_request is not None
    number, before = context.pull_request, issues.requests_made
    names = tuple(dict.fromkeys([*expected, *(report.leg for report in reports)]))
    ours = [slim(evolve(report, commit=context.sha or report.commit), len(names)) for report in reports]
    commit, first = ours[0].commit, marker("premerge", ours[0].environment)
    links = [("the run", context.run_url)] if context.run_url.startswith("https://") else []
    clock, turns, checked, since = machine.clock, 0, 0, 0.0

    def pause() -> None:
        nonlocal turns, since
        if len(names) > 1:
            clock.sleep(until_turn(clock.now(), ours[0].leg, names, at_least=SETTLE))
        turns, since = turns + 1, clock.now() - SKEW

    def compose(bodies: Sequence[str]) -> str:
        if turns > checked and any(each != commit for each in commits_in(bodies[:1])):
            raise _Overtaken
        legs = merged(bodies, *ours)
        if len(bodies) == 1 and all(later(legs[one.leg], one) for one in ours):
            return bodies[0]  # a later attempt has reported already
        memory = recalled(bodies, None, since)
        trusted = not context.is_fork
        return render_legs(legs, expected, links=links, templates=templates, memory=memory, trusted=trusted)

    if len(ours) == 1 and len(names) > 1:
        clock.sleep(until_turn(clock.now(), ours[0].leg, names))
    note = ""
    for _ in range(_ROUNDS):
        pull, checked, since = issues.pull_request(number), turns, clock.now() - SKEW
        note = CLOSED if not pull.open else SUPERSEDED if pull.head_sha != commit else ""
        if note:
            break
        try:
            done = upsert(issues, number, first, compose, clock, pause=pause, rounds=_ROUNDS)
        except _Overtaken:
            note = SUPERSEDED
            continue
        wrote = Outcome.EDITED if turns and done.outcome is Outcome.UNCHANGED else done.outcome
        return evolve(done, outcome=wrote, requests=issues.requests_made - before)
    body = render_legs(merged([], *ours), expected, links=links, templates=templates)
    return CommentResult(outcome=Outcome.UNCHANGED, body=body, requests=issues.requests_made - before, notes=(note,))


def until_turn(now: float, leg: str, names: Sequence[str], at_least: float = 0.0) -> float:
    """Seconds from `now` (UTC epoch) until it is this leg's turn, and `at_least` so many."""
    slot = min(SLOT, FRAME / len(names))
    frame = slot * len(names)
    ready = now + at_least
    return at_least + (slot * names.index(leg) - ready) % frame


def comment_run(
    machine: Machine,
    issues: Issues,
    number: int,
    evidence: Evidence,
    ticks: Sequence[Tick],
    *,
    links: Links = (),
    templates: Path | None = None,
) -> CommentResult:
    """Bring the comment of a verb up to date, with its checklist where it has one. Raise GithubProblem."""
    first, since = marker(evidence.run.verb, evidence.run.environment), machine.clock.now() - SKEW
    sheet = sheet_of(evidence)
    if sheet is None:
        body = render_comment(evidence, ticks, links=links, templates=templates)
        return upsert(issues, number, first, body, machine.clock)
    name, proofs = sheet

    def compose(bodies: Sequence[str]) -> str:
        memory, subjects = recalled(bodies, None, since), {COMMIT: evidence.run.commit}
        boxes = render_sheet(name, memory, proofs=proofs, subjects=subjects, templates=templates).text
        below = f"\n<details><summary>Checklist</summary>\n\n{boxes}\n\n</details>\n"
        budget = max(BUDGET - len(below), 0)
        return render_comment(evidence, ticks, links=links, templates=templates, budget=budget).rstrip("\n") + "\n" + below

    return upsert(issues, number, first, compose, machine.clock)
