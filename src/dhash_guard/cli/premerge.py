"""The commands before a merge: check and premerge."""

from __future__ import annotations

import click

from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.cli.surface import current
from dhash_guard.rollout.check import check as checking
from dhash_guard.rollout.premerge import premerge as rehearsing


@click.command()
@common
def check(call: Invocation) -> int:
    """Find everything that would stop a deployment, all of it in one run."""
    run = call.open("check")
    return call.finish(run, checking(run))


@click.command()
@common
@named("--leg", default="local", show_default=True, help="The name of this part of the matrix, such as ubuntu-latest.")
@named("--expected", default="", metavar="NAMES", help="Comma-separated: every part that has to report.")
@click.option("--skip", multiple=True, metavar="NAME", help="Leave a leg out; may be given more than once.")
@named("--tag", default="rehearsal", show_default=True, help="The release whose deployment is planned.")
def premerge(call: Invocation, leg: str, expected: str, skip: tuple[str, ...], tag: str) -> int:
    """Rehearse a deployment: check, backup proof, deployment and migration dry-run, smoke."""
    run = call.open("premerge", tag=tag)
    evidence, report = rehearsing(run, leg=leg, skipped=skip, tag=tag)
    code = call.finish(run, evidence)
    current().rehearsed(report, [name.strip() for name in expected.split(",") if name.strip()])
    call.say(f"result-{report.leg}.json: {report.result}")
    return code
