"""The command line: finds the command, runs it, and turns every way of ending into one exit code."""

from __future__ import annotations

import codecs
import importlib
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dhash_guard import __version__
from dhash_guard.errors import Bug, CannotTell, GuardError, OutsideSilent, UsageProblem

if TYPE_CHECKING:
    from dhash_guard.cli.surface import Surface

_COMMANDS = {
    "approvals": "approvals:approvals",
    "backup": "stores:backup",
    "check": "premerge:check",
    "checklist": "checklist:checklist",
    "config": "config:config",
    "deploy": "release:deploy",
    "evidence": "evidence:evidence",
    "gate": "watch:gate",
    "gates": "gates:gates",
    "health": "watch:health",
    "lock": "lock:lock",
    "logs": "logs:logs",
    "maintain": "maintain:maintain",
    "migrate": "release:migrate",
    "monitor": "watch:monitor",
    "notify": "notify:notify",
    "plan": "plan:plan",
    "premerge": "premerge:premerge",
    "protection": "protection:protection",
    "queue": "queue:queue",
    "report": "evidence:report",
    "rollback": "rollback:rollback",
    "security": "premerge:security",
    "service": "release:service",
    "simulator": "simulator:simulator",
    "smoke": "watch:smoke",
}


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
    for stream in (sys.stdout, sys.stderr):
        _unambiguous(stream)
    sys.exit(run(sys.argv[1:]))


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
        click.echo("aborted; the next command finishes what was begun", err=True)
        return tell.quietly(CannotTell("aborted", cure="The next command finishes what was begun."))
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OutsideSilent.exit_code
    except OSError as problem:
        return tell.loudly(OutsideSilent(f"{problem.strerror or problem}", where=str(problem.filename or "")))
    except Exception as problem:  # noqa: BLE001  # the last line of defence: a bug has an exit code of its own
        import traceback

        traceback.print_exc()
        click.echo("This is a bug in dhash-guard; please report it with the lines above.", err=True)
        return tell.quietly(Bug(f"{type(problem).__name__}: {problem}"))


def _interruptions() -> tuple[type[BaseException], ...]:
    from dhash_guard.system.interrupt import Interrupted

    return click.Abort, KeyboardInterrupt, Interrupted


class _Teller:
    """Says how a run without a record ended, and answers with its exit code."""

    def __init__(self, as_json: bool, surface: Surface | None) -> None:
        self._as_json = as_json
        self._surface = surface

    def quietly(self, problem: GuardError) -> int:
        """Only the surface: people have been told."""
        if self._surface is not None:
            self._surface.fail(problem)
        return problem.exit_code

    def loudly(self, problem: GuardError) -> int:
        """The error for people on stderr; with --json also as data on stdout."""
        from dhash_guard.system.redaction import Redactor

        clean = Redactor.of(os.environ).text
        click.echo(f"error: {clean(str(problem))}", err=True)
        if self._as_json:
            facts: dict[str, Any] = {"error": problem.code, "exit_code": problem.exit_code, "what": clean(problem.what)}
            click.echo(json.dumps(facts | {"where": problem.where, "cure": problem.cure}, ensure_ascii=False))
        return self.quietly(problem)
