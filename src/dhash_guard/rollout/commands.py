"""Runs the project's own commands with their placeholders filled, and turns their failure into ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from dhash_guard.errors import NoGo, OutsideSilent, UsageProblem
from dhash_guard.rollout.run import Guarded
from dhash_guard.system.process import Finished

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_CURES = {
    "tag": "Give --tag.",
    "commit": "Run it in a checkout that git knows the commit of.",
    "backup": "Give --backup-first or --backup-file.",
    "input": "Give migrate.input, or `migrate --input`.",
}


def filled(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Replace `{name}` in every argument, each value staying inside its argument.

    Raise UsageProblem for one that is missing, and for one that the command would take for an option.
    """

    def value(match: re.Match[str]) -> str:
        name, given = match[1], values.get(match[1], "")
        if not given.strip():
            cure = _CURES.get(name, f"Remove {{{name}}} from the command.")
            raise UsageProblem(f"{' '.join(command)}: nothing given for {{{name}}}", cure=cure)
        if given.startswith("-"):
            raise UsageProblem(
                f"{' '.join(command)}: {given!r} for {{{name}}} would be taken for an option",
                cure="Give one that begins with no hyphen.",
            )
        return given

    return [_PLACEHOLDER.sub(value, argument) for argument in command]


def require_filled(run: Guarded, commands: Iterable[Sequence[str] | None], values: Mapping[str, str]) -> None:
    """Raise UsageProblem where one of these commands could not be run with these values; asked before anything changes."""
    for command in commands:
        filled(command or (), _known(run, values))


def run_command(
    run: Guarded, command: Sequence[str], values: Mapping[str, str], *, timeout: float, changes: bool = True
) -> Finished:
    """Run one command of the project; raise NoGo where it fails and OutsideSilent where it never ends."""
    finished = run.machine.processes.run(
        filled(command, _known(run, values)), cwd=run.configuration.layout.root, timeout=timeout, changes=changes
    )
    for name, text in (("output", finished.output), ("errors", finished.errors)):
        if text.strip():
            run.log.line("info", f"{finished.command[0]} {name}: {text.strip()[-4000:]}")
    if finished.timed_out:
        raise OutsideSilent(finished.explain())
    if not finished.ok:
        raise NoGo(finished.explain())
    return finished


def _known(run: Guarded, values: Mapping[str, str]) -> dict[str, str]:
    return {"env": run.environment, "commit": run.facts.commit, **values}
