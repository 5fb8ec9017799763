"""The command line: finds the command, runs it, and turns every way of ending into one exit code."""

from __future__ import annotations

import codecs
import gc
import importlib
import io
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dhash_guard import __version__
from dhash_guard.errors import Bug, CannotTell, GuardError, OutsideSilent, UsageProblem

if TYPE_CHECKING:
    from dhash_guard.cli.surface import Surface

_PURPOSES = {
    "Before a release": {
        "check": "premerge:check",
        "premerge": "premerge:premerge",
        "security": "premerge:security",
        "plan": "plan:plan",
        "approvals": "approvals:approvals",
        "protection": "protection:protection",
        "gate": "watch:gate",
    },
    "Release": {
        "deploy": "release:deploy",
        "migrate": "release:migrate",
        "service": "release:service",
        "lock": "lock:lock",
    },
    "Watch": {
        "health": "watch:health",
        "smoke": "watch:smoke",
        "queue": "queue:queue",
        "monitor": "watch:monitor",
        "gates": "gates:gates",
    },
    "Go back": {
        "backup": "stores:backup",
        "rollback": "rollback:rollback",
    },
    "Day by day": {
        "maintain": "maintain:maintain",
        "checklist": "checklist:checklist",
        "logs": "logs:logs",
        "notify": "notify:notify",
    },
    "Configuration and records": {
        "config": "config:config",
        "evidence": "evidence:evidence",
        "report": "evidence:report",
        "simulator": "simulator:simulator",
    },
}
"""Every command and where it is, by what it is for, as the help lists them."""

_COMMANDS = {name: place for commands in _PURPOSES.values() for name, place in commands.items()}


class LazyGroup(click.Group):
    """Imports a command's module only when that command is asked for: `--version` must not pay for all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(f"dhash_guard.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for purpose, commands in _PURPOSES.items():
            with formatter.section(purpose):
                found = ((name, self.get_command(ctx, name)) for name in commands)
                rows = [(name, command.get_short_help_str(limit=200)) for name, command in found if command is not None]
                formatter.write_dl(rows, col_max=12)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dhash-guard")
def program() -> None:
    """Puts a guard around a deployment: evidence before, judgement after, a verified way back.

    Exit codes: 0 go · 1 no-go · 2 usage or configuration · 3 cannot tell · 4 integrity · 5 rolled back and verified ·
    6 a person is needed · 7 something outside did not answer · 8 locked or frozen · 70 a bug.
    """
    # Only here a command is about to run: `--version` pays for neither the handler nor the room it lives in.
    from dhash_guard.system.interrupt import install

    install()


def main() -> NoReturn:
    """Run the program and exit with the code of the table in the help."""
    gc.set_threshold(20_000)  # loading makes much that stays; looking through it again and again costs a tenth
    for stream in (sys.stdout, sys.stderr):
        _unambiguous(stream)
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # a terminal that has gone; Python would try once more, and end with a code of its own
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _unambiguous(stream: object) -> None:
    """Write UTF-8 to files and pipes, where Windows would take its code page; a terminal keeps its own, with escapes.

    A comment or a report that is piped into a file is the same everywhere, and no sign of ours ends a verb as a bug.
    """
    if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def run(arguments: Sequence[str], surface: Surface | None = None) -> int:
    """Run one command line; the record, or the error without one, also goes to `surface`."""
    tell = _Teller("--json" in arguments, surface)
    try:
        code = program.main([*arguments], prog_name="dhash-guard", standalone_mode=False, obj=surface)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as problem:
        problem.show(sys.stderr)
        return tell.quietly(UsageProblem(problem.format_message()))
    except GuardError as problem:
        return tell.loudly(problem)
    except _interruptions():
        with suppress(OSError):  # a terminal that has gone
            click.echo("aborted; the next command finishes what was begun", err=True)
        return tell.quietly(CannotTell("aborted", cure="The next command finishes what was begun."))
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OutsideSilent.exit_code
    except OSError as problem:
        from dhash_guard.system.files import access_cure

        where, cure = str(problem.filename or ""), access_cure(problem)
        return tell.loudly(OutsideSilent(f"{problem.strerror or problem}", where=where, cure=cure))
    except Exception as problem:  # noqa: BLE001  # the last line of defence: a bug has an exit code of its own
        import traceback

        traceback.print_exc()
        click.echo("This is a bug in dhash-guard; please report it with the lines above.", err=True)
        return tell.quietly(Bug(f"{type(problem).__name__}: {problem}"))


def _interruptions() -> tuple[type[BaseException], ...]:
    from dhash_guard.system.interrupt import Interrupted

    return click.Abort, KeyboardInterrupt, Interrupted


class _Teller:
    """Says how a run without a record ended, with --json as data on stdout, and answers with its exit code."""

    def __init__(self, as_json: bool, surface: Surface | None) -> None:
        self._as_json = as_json
        self._surface = surface

    def quietly(self, problem: GuardError) -> int:
        """Machines only: people have been told."""
        if self._as_json:
            facts: dict[str, Any] = {"error": problem.code, "exit_code": problem.exit_code, "what": _clean(problem.what)}
            with suppress(OSError):  # the reader may have gone, which changes nothing of how it ended
                click.echo(json.dumps(facts | {"where": problem.where, "cure": problem.cure}, ensure_ascii=False))
        if self._surface is not None:
            self._surface.fail(problem)
        return problem.exit_code

    def loudly(self, problem: GuardError) -> int:
        """The error for people on stderr, and for machines."""
        with suppress(OSError):  # a terminal that has gone
            click.echo(f"error: {_clean(str(problem))}", err=True)
        return self.quietly(problem)


def _clean(text: str) -> str:
    from dhash_guard.system.redaction import Redactor

    return Redactor.of(os.environ).text(text)
