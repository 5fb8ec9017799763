"""The plan command: which targets a release goes to, wave by wave, and which are rolled back when one degrades."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.cli.surface import current
from dhash_guard.config import arranged
from dhash_guard.config.names import suggest
from dhash_guard.errors import UsageProblem
from dhash_guard.gates.waves import MOST_TARGETS, Undo, Waves
from dhash_guard.report.words import plural
from dhash_guard.rollout import waves as waving
from dhash_guard.rollout.run import revision

_POLICIES = {
    Undo.WAVE: "its wave is rolled back",
    Undo.ALL: "its wave and all earlier ones are rolled back",
    Undo.NONE: "no other one is rolled back",
}


@click.command()
@common
@click.option("--matrix", is_flag=True, help="Print the matrices of a workflow as JSON on one line.")
@named("--undo", type=click.IntRange(min=1), metavar="WAVE", help="Also what is rolled back when a target of it degraded.")
@named(
    "--at-most",
    type=click.IntRange(min=1),
    metavar="WAVES",
    help="How many waves the workflow has jobs for; more are an error.",
)
def plan(call: Invocation, matrix: bool, undo: int | None, at_most: int | None) -> int:
    """Say which targets a release goes to, wave by wave. With --target only that one."""
    layout, waves = arranged(call.config, Path.cwd(), call.env)
    only = _only(call, waves)
    if at_most is not None and waves.count > at_most:
        raise UsageProblem(
            f"{waves.environment} has {waves.count} waves, and the workflow has jobs for {at_most}",
            cure=f"Add a job for each of waves {at_most + 1} to {waves.count}, or make fewer waves.",
        )
    undoing = None
    if undo is not None:
        if undo > waves.count:
            raise UsageProblem(f"{waves.environment} has no wave {undo}, only {plural(waves.count, 'wave')}")
        undoing = waving.undoing(layout, waves, undo, revision(call.machine, layout.root)[0], only)
        for note in undoing.notes:
            call.say(f"left alone: {note}")
        if len(undoing.targets) > MOST_TARGETS:
            raise UsageProblem(
                f"{len(undoing.targets)} targets are to be rolled back, and a matrix takes {MOST_TARGETS}",
                cure="Ask for each with --target, or write waves: {undo: wave}.",
            )
    found = waving.matrix(waves, undoing, only)
    line = json.dumps(found, separators=(",", ":"))
    current().planned(line)
    call.show(line if matrix else "\n".join(_table(waves, undoing, only)), found)
    return 0


def _only(call: Invocation, waves: Waves) -> str:
    """The one target that is asked for, by --target or because --env names its place; empty for all."""
    place = next((one for one in waves.targets if one.place == call.env and one.name), None)
    name = call.target or (place.name if place is not None else "")
    known = {one.name for one in waves.targets} - {""}
    if name and name not in known:
        raise UsageProblem(f"{waves.environment} has no target {name!r}; {suggest(name, known)}")
    if place is not None and name != place.name:
        raise UsageProblem(f"{call.env} is the target {place.name}, not {name}", cure="Leave --target out.")
    return name


def _table(waves: Waves, undoing: waving.Undoing | None, only: str) -> list[str]:
    lines = []
    for wave in range(1, waves.count + 1):
        names = [one.name or waves.environment for one in waves.of(wave) if only in ("", one.name)]
        lines += [f"wave {wave}  {', '.join(names)}"] if names else []
    if undoing is None:
        several = len(waves.targets) > 1
        return [*lines, f"when a target degrades, {_POLICIES[waves.undo]}"] if several else lines
    return [*lines, f"undo    {_names([one.name or waves.environment for one in undoing.targets])}"]


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
