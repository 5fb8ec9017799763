"""The commands that look and judge: monitor, health, smoke, gate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dhash_guard.cli.hub import open_hub, reachable
from dhash_guard.cli.invocation import Duration, Invocation, OutFile, common, named
from dhash_guard.cli.viewers import viewer_for
from dhash_guard.config import Overrides
from dhash_guard.config.check_addresses import url_faults
from dhash_guard.config.scalars import parse_instant
from dhash_guard.config.verbs import Instant
from dhash_guard.errors import UsageProblem
from dhash_guard.records.units import Seconds
from dhash_guard.report.junit import junit
from dhash_guard.rollout import answer as answers
from dhash_guard.rollout import collect as collecting
from dhash_guard.rollout import gate as gating
from dhash_guard.rollout import health as proving
from dhash_guard.rollout import monitor as watching
from dhash_guard.rollout import smoke as smoking

if TYPE_CHECKING:
    from dhash_guard.github.approvals import ReviewReader

COLLECTED = Path("-")
"""`--collect` without a name, which means the log of the environment."""


class Address(click.ParamType[str]):
    """An address as base_url writes it; a wrong one is never repeated, because it may carry a password."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        for fault in url_faults(str(value), base=True):
            self.fail(f"it {fault}", param, ctx)
        return str(value)


class Moment(click.ParamType[Instant]):
    """A UTC time as the configuration writes it."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Instant:
        try:
            return parse_instant(str(value))
        except ValueError as problem:
            self.fail(f"{value!r} {problem}", param, ctx)


@click.command()
@common
@named("--duration", type=Duration(), help="How long to watch: seconds, or 60m, 1h30m.")
@named("--interval", type=Duration(), help="How far apart the looks are.")
@click.option("--auto-rollback/--no-rollback", "automatic", default=None, help="Roll back by itself when a gate says so.")
@named("--backup-file", "--backup", "backup_file", metavar="BACKUP", help="What an automatic rollback goes back to.")
@click.option("--recorded", type=click.Path(path_type=Path), metavar="LOG", help="Judge a recorded samples.jsonl instead.")
@named("--since", type=Moment(), metavar="TIME", help="With mode: checkpoint: when the watch began, 2026-11-21T04:00Z.")
@click.option(
    "--collect",
    type=click.Path(path_type=Path, dir_okay=False),
    is_flag=False,
    flag_value=COLLECTED,
    metavar="[LOG]",
    help="Judge nothing: write every look to LOG, or to where a checkpoint reads it.",
)
def monitor(
    call: Invocation,
    duration: Seconds | None,
    interval: Seconds | None,
    automatic: bool | None,
    backup_file: str | None,
    recorded: Path | None,
    since: Instant | None,
    collect: Path | None,
) -> int:
    """Watch a release, decide, and go back where the verdict says so and it is safe."""
    overrides = Overrides(duration=duration, interval=interval)
    if collect is not None:
        if recorded is not None:
            raise UsageProblem("--collect writes a log and --recorded judges one", cure="Use one of them.")
        run = call.open("collect", overrides=overrides)
        return call.finish(run, collecting.collect(run, collect if collect != COLLECTED else None))
    run = call.open("monitor", overrides=overrides)
    orders = watching.WatchOrders(automatic=automatic, backup_file=backup_file, recorded=recorded, since=since)
    # A runner may offer a pseudo terminal, but what it keeps is a log: lines, not a picture that is redrawn.
    terminal = sys.stderr.isatty() and call.machine.environ.get("GITHUB_ACTIONS") != "true"
    viewer = viewer_for(run, quiet=call.quiet, terminal=terminal)
    evidence = watching.monitor(run, orders, viewer)
    return call.finish(run, evidence, viewer.ticks)


@click.command()
@common
@named(
    "--retries", type=click.IntRange(min=0), default=0, show_default=True, help="Further tries after a look that is not OK."
)
@named("--consecutive", type=click.IntRange(min=1), default=1, show_default=True, help="How many OKs in a row.")
@named("--apart", type=Duration(), default=10.0, show_default="10s", help="Time between looks.")
def health(call: Invocation, retries: int, consecutive: int, apart: Seconds) -> int:
    """Ask whether the service is healthy now."""
    run = call.open("health")
    return call.finish(run, proving.health(run, consecutive=consecutive, apart=apart, retries=retries))


@click.command()
@common
@click.option("--quick", is_flag=True, help="Only the checks marked quick.")
@named("--base-url", type=Address(), help="Another address than the environment's.")
@named("--timeout", type=Duration(), help="Per check.")
@named("--junit", "junit_file", type=OutFile(), help="Write the results as JUnit XML.")
def smoke(call: Invocation, quick: bool, base_url: str | None, timeout: Seconds | None, junit_file: Path | None) -> int:
    """Run the smoke checks."""
    run = call.open("smoke")
    evidence = smoking.smoke(run, quick=quick, address=base_url, timeout=timeout)
    if junit_file is not None:
        call.machine.files.write_atomic(junit_file, junit(evidence))
    return call.finish(run, evidence)


@click.command()
@common
@click.option(
    "--answer-protection-rule",
    "answering",
    is_flag=True,
    help="Also give the answer to GitHub, for an App's protection rule.",
)
@click.option(
    "--run-id", type=click.IntRange(min=1), metavar="ID", help="The run that waits; the event's, else the runner's own."
)
@click.option("--protected", metavar="NAME", help="The environment on GitHub that it waits for; the event's where left out.")
def gate(call: Invocation, answering: bool, run_id: int | None, protected: str | None) -> int:
    """Answer whether the environment may be deployed to: go, no-go, or cannot tell."""
    if not answering:
        if run_id is not None or protected is not None:
            raise UsageProblem("--run-id and --protected say what to answer", cure="Add --answer-protection-rule.")
        run = call.open("gate")
        return call.finish(run, gating.gate(run, _reviews(call)))
    run = call.open("gate")
    return call.finish(run, answers.answer(run, _reviews(call), answers.AnswerOrders(run=run_id, protected=protected)))


def _reviews(call: Invocation) -> ReviewReader | None:
    """Who can be asked for approvals: GitHub, where there is a token."""
    if not reachable(call.machine):
        return None
    from dhash_guard.github.approvals import ReviewReader

    return ReviewReader(open_hub(call.machine))
