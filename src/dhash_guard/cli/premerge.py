"""The commands before a merge: check, security and premerge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dhash_guard.cli.hub import open_hub
from dhash_guard.cli.invocation import Invocation, Tag, common, named
from dhash_guard.cli.surface import current
from dhash_guard.errors import UsageProblem
from dhash_guard.rollout.check import check as checking
from dhash_guard.rollout.premerge import premerge as rehearsing
from dhash_guard.rollout.premerge import scan

if TYPE_CHECKING:
    from dhash_guard.records.context import RunContext


@click.command()
@common
@named("--tag", type=Tag(), help="The release that is to be deployed: its tag has to be there, and its checks green.")
def check(call: Invocation, tag: str | None) -> int:
    """Find everything that would stop a deployment, all of it in one run."""
    run = call.open("check", tag=tag or "")
    return call.finish(run, checking(run, tag or ""))


@click.command()
@common
def security(call: Invocation) -> int:
    """Judge what the vulnerability scanners report: that leg of the rehearsal alone, for a job of its own."""
    run = call.open("security")
    return call.finish(run, scan(run))


@click.command()
@common
@named("--leg", default="local", show_default=True, help="The name of this part of the matrix, such as ubuntu-latest.")
@named("--expected", default="", metavar="NAMES", help="Comma-separated: every part that has to report.")
@click.option("--skip", multiple=True, metavar="NAME", help="Leave a leg out; may be given more than once.")
@named("--tag", type=Tag(), default="rehearsal", show_default=True, help="The release whose deployment is planned.")
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
@click.option(
    "--close",
    "closing",
    is_flag=True,
    help="Run no leg: in the event of a pull request that was closed, say so in its comment, which stays as it is then.",
)
@named("--jobs", default="", metavar="RESULT", help="With --gate: what GitHub says of the legs' jobs, needs.JOB.result.")
@named(
    "--also", default="", metavar="RESULTS", help="With --gate: comma-separated, the same of other jobs that must succeed."
)
def premerge(
    call: Invocation,
    leg: str,
    expected: str,
    skip: tuple[str, ...],
    tag: str,
    folder: Path | None,
    left: Path | None,
    closing: bool,
    jobs: str,
    also: str,
) -> int:
    """Rehearse a deployment: check, backup proof, deployment and migration dry-run, smoke, security, logging."""
    names, others = _names(expected), _names(also)
    if (left is not None) + (folder is not None) + closing > 1:
        raise UsageProblem("--gate, --publish and --close are different things", cure="Give one of them.")
    if left is not None:
        return _publish(call, left, names)
    if closing:
        return _close(call)
    run = call.open("premerge", tag=tag)
    if folder is not None:
        from dhash_guard.rollout.forked import gathered
        from dhash_guard.rollout.matrix_gate import gate_matrix

        code = call.finish(run, gate_matrix(run, folder, expected=names, jobs=jobs, others=others))
        current().rehearsed(*gathered(run, folder, names))
        return code
    evidence, report = rehearsing(run, leg=leg, skipped=skip, tag=tag)
    code = call.finish(run, evidence)
    current().rehearsed([report], list(dict.fromkeys([*run.configuration.premerge.systems, *names])))
    call.say(f"result-{report.leg}.json: {report.result}")
    return code


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _close(call: Invocation) -> int:
    from dhash_guard.rollout.closing import close_comments, closed

    number = closed(*_event(call))
    if isinstance(number, str):
        call.show(f"nothing to do: {number}", {"outcome": "nothing", "reason": number})
        return 0
    if call.machine.dry:
        call.show(f"would close the comment on pull request {number}", {"outcome": "planned", "number": number})
        return 0
    api = open_hub(call.machine)
    done = close_comments(call.machine, api, number)
    if isinstance(done, str):
        call.show(f"nothing to do: {done}", {"outcome": "nothing", "reason": done})
        return 0
    for note in (note for one in done for note in one.notes):
        call.say(note)
    data = {"outcome": done[0].outcome.value, "urls": [one.url for one in done], "requests": api.requests_made}
    lines = [f"{one.outcome.value}: {one.url}" for one in done]
    call.show("\n".join([*lines, f"({api.requests_made} requests)"]), data)
    return 0


def _event(call: Invocation) -> tuple[RunContext, Mapping[str, Any]]:
    from dhash_guard.github.context import read_context

    environ = call.machine.environ
    path = environ.get("GITHUB_EVENT_PATH", "")
    return read_context(environ), json.loads(Path(path).read_bytes()) if path else {}


def _publish(call: Invocation, folder: Path, expected: Sequence[str]) -> int:
    from dhash_guard.rollout.forked import finished, publish_legs

    ended = finished(*_event(call))
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
