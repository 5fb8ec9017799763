"""Keeps the checklist of routine maintenance in one comment on an issue, written only where it says something new."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.errors import CannotTell
from dhash_guard.github.comment import CommentResult, Outcome, upsert
from dhash_guard.github.ports import Issues
from dhash_guard.ledger import seal
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.period import Period
from dhash_guard.records.stage import Change
from dhash_guard.report.comment import marker
from dhash_guard.report.maintenance import VERB, render_maintenance
from dhash_guard.report.memory import recalled
from dhash_guard.rollout.comment import SETTLE, SKEW
from dhash_guard.rollout.run import Guarded

_ROUNDS = 8
"""Looks until nothing is missing: all four periods may fall on one morning."""


def comment_maintenance(run: Guarded, issues: Issues, number: int, period: Period, evidence: Evidence) -> CommentResult:
    """Bring the comment on issue `number` up to date; other periods' parts and people's ticks stay. Raise GithubProblem,
    CannotTell where this run may not write."""
    clock, since = run.machine.clock, 0.0
    clean = seal.redacted(evidence, run.redactor)

    def compose(bodies: Sequence[str]) -> str:
        memory = recalled(bodies, None, since)
        return render_maintenance(clean, period, memory, bodies, templates=run.configuration.layout.templates)

    def pause() -> None:
        # Another period's run may be writing: whoever comes later takes in what the other wrote.
        nonlocal since
        clock.sleep(SETTLE)
        since = clock.now() - SKEW

    since = clock.now() - SKEW
    done = upsert(issues, number, marker(VERB, run.environment), compose, clock, pause=pause, rounds=_ROUNDS)
    if done.outcome is Outcome.DEFERRED:
        raise CannotTell(
            f"the comment on issue {number} was not written: {'; '.join(done.notes)}", cure="Run it on a branch."
        )
    return done


def said(done: CommentResult, number: int) -> str:
    """What became of the comment, in a sentence."""
    notes = f"; {'; '.join(done.notes)}" if done.notes else ""
    return f"{done.outcome.value} on issue {number}: {done.url}{notes}"


def planned(run: Guarded, number: int) -> str:
    """What a dry run says, which asks nobody."""
    text = f"the comment on issue {number}"
    if run.machine.plan is not None:
        run.machine.plan.append(Change("bring up to date", text))
    return f"would bring {text} up to date"
