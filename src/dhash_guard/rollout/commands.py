"""Runs the project's own commands with their placeholders filled, and turns their failure into ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dhash_guard.errors import NoGo, OutsideSilent, UsageProblem
from dhash_guard.rollout.run import Guarded
from dhash_guard.system.process import Finished

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def filled(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Replace `{name}` in every argument, each value staying inside its argument; raise UsageProblem for a missing one."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not values.get(name):
            raise UsageProblem(f"{' '.join(command)}: nothing given for {{{name}}}", cure=f"Give --{name}.")
        return values[name]

    return [_PLACEHOLDER.sub(value, argument) for argument in command]


def run_command(
    run: Guarded, command: Sequence[str], values: Mapping[str, str], *, timeout: float, changes: bool = True
) -> Finished:
    """Run one command of the project; raise NoGo where it fails and OutsideSilent where it never ends."""
    known = {"env": run.environment, "commit": run.facts.commit, **values}
    finished = run.machine.processes.run(
        filled(command, known), cwd=run.configuration.layout.root, timeout=timeout, changes=changes
    )
    for name, text in (("output", finished.output), ("errors", finished.errors)):
        if text.strip():
            run.log.line("info", f"{finished.command[0]} {name}: {text.strip()[-4000:]}")
    if finished.timed_out:
        raise OutsideSilent(finished.explain())
    if not finished.ok:
        raise NoGo(finished.explain())
    return finished
