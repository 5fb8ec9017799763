"""The commands before a merge: check and premerge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from dhash_guard.cli.hub import open_hub
from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.cli.surface import current
from dhash_guard.errors import UsageProblem
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
@click.option(
    "--gate",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Run no leg: answer for the whole matrix from the result files below this folder.",
)
@click.option(
    "--publish",
    "left",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Run no leg: in workflow_run, write the comment of the fork's run that ended, from its results below this folder.",
)
@named("--jobs", default="", metavar="RESULT", help="With --gate: what GitHub says of the legs' jobs, needs.JOB.result.")
def premerge(
    call: Invocation,
    leg: str,
    expected: str,
    skip: tuple[str, ...],
    tag: str,
    folder: Path | None,
    left: Path | None,
    jobs: str,
) -> int:
    """Rehearse a deployment: check, backup proof, deployment and migration dry-run, smoke, security, logging."""
    names = [name.strip() for name in expected.split(",") if name.strip()]
    if left is not None and folder is not None:
        raise UsageProblem("--gate and --publish are two things", cure="Give one of them.")
    if left is not None:
        return _publish(call, left, names)
    run = call.open("premerge", tag=tag)
    if folder is not None:
        from dhash_guard.rollout.matrix_gate import gate_matrix

        return call.finish(run, gate_matrix(run, folder, expected=names, jobs=jobs))
    evidence, report = rehearsing(run, leg=leg, skipped=skip, tag=tag)
    code = call.finish(run, evidence)
    current().rehearsed(report, names)
    call.say(f"result-{report.leg}.json: {report.result}")
    return code


def _publish(call: Invocation, folder: Path, expected: Sequence[str]) -> int:
    from dhash_guard.github.context import read_context
    from dhash_guard.rollout.forked import finished, publish_legs

    environ = call.machine.environ
    path = environ.get("GITHUB_EVENT_PATH", "")
    ended = finished(read_context(environ), json.loads(Path(path).read_bytes()) if path else {})
    if isinstance(ended, str):
        call.show(f"nothing to do: {ended}", {"outcome": "nothing", "reason": ended})
        return 0
    if call.machine.dry:
        call.show(f"would publish what run {ended.run} left", {"outcome": "planned", "run": ended.run})
        return 0
    api = open_hub(call.machine)
    done = publish_legs(call.machine, call.load(), api, ended, folder, expected)
    if isinstance(done, str):
        call.show(f"nothing to do: {done}", {"outcome": "nothing", "reason": done})
        return 0
    for note in done.notes:
        call.say(note)
    data = {"outcome": done.outcome.value, "url": done.url, "requests": api.requests_made, "notes": list(done.notes)}
    call.show(f"{done.outcome.value}: {done.url} ({api.requests_made} requests)", data)
    return 0
