"""The maintain command: the routine tasks of a day, week, month or quarter, and their checklist on an issue."""

from __future__ import annotations

from pathlib import Path

import click

from dhash_guard.cli.hub import open_hub, reachable
from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.errors import UsageProblem
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.period import Period
from dhash_guard.rollout import maintain as maintaining


@click.command()
@common
@named("--period", type=click.Choice([one.value for one in Period]), required=True, help="Whose tasks.")
@named("--issue", type=click.IntRange(min=1), metavar="N", help="Keep the checklist in one comment on this issue.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With monthly: what is known of the recorded runs, clean, or fault_at.",
)
def maintain(call: Invocation, period: str, issue: int | None, labels: Path | None) -> int:
    """Do the routine tasks of a period; each is tried, and the exit code is that of the worst.

    daily: health, newest backup, last watch, who holds the environment. weekly: backups of 7 days read back, here and in the
    store, prune, logs. monthly: gates over 30 days of recorded runs, smoke, a test message. quarterly: a restore drill.
    """
    often, outcome = Period(period), ""
    if labels is not None and often is not Period.MONTHLY:
        raise UsageProblem("--labels is for the review of the gates", cure="Give it with --period monthly.")
    if issue is not None and not call.machine.dry and not reachable(call.machine):
        raise UsageProblem(
            "--issue needs a repository and a token of GitHub",
            cure="Set GITHUB_REPOSITORY and GITHUB_TOKEN, or leave it out.",
        )
    run = call.open(f"maintain {period}")

    def tell(evidence: Evidence) -> str:
        from dhash_guard.rollout.maintain_comment import comment_maintenance, planned, said

        nonlocal outcome
        assert issue is not None
        if call.machine.dry:
            return planned(run, issue)
        done = comment_maintenance(run, run.hub or open_hub(call.machine), issue, often, evidence)
        outcome = done.outcome.value
        return said(done, issue)

    evidence = maintaining.maintain(run, often, labels, tell if issue is not None else None)
    return call.finish(run, evidence, more={"period": period, "comment": outcome or None})
