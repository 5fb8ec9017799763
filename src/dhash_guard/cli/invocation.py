"""What every command is given: the options they all share, the machine, the configuration, and a way to speak."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import define, evolve

from dhash_guard.cli.hub import open_hub, reachable, requests_made
from dhash_guard.cli.progress import Bar, Line
from dhash_guard.cli.surface import current
from dhash_guard.config import Configuration, Overrides, load
from dhash_guard.config.find import find
from dhash_guard.errors import GuardError, UsageProblem
from dhash_guard.records.codec import to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Tick
from dhash_guard.records.units import Seconds, parse_duration
from dhash_guard.report.escape import terminal
from dhash_guard.rollout.checkout import refuse_strangers
from dhash_guard.rollout.publish import publish
from dhash_guard.rollout.run import Guarded, finish_restores, open_run
from dhash_guard.system import Machine, this_machine

if TYPE_CHECKING:
    from dhash_guard.github.api import GithubApi


_ASKING = (
    "check", "gate", "deploy", "migrate", "monitor", "rollback", "rollback --list",
    "lock show", "lock take", "lock release", "maintain daily",
)  # fmt: skip
"""Verbs that ask GitHub, or tell it how a deployment stands."""

_REGARDLESS = ("monitor", "rollback", "rollback --list")
"""Verbs that no trouble with GitHub may keep from looking after the service."""


class NamedOption(click.Option):
    """An option that names a thing, and so may also come as DHASH_GUARD_<NAME>; an empty variable counts as not given."""

    def __init__(self, declarations: Sequence[str], **attributes: Any) -> None:
        long = next(declared for declared in declarations if declared.startswith("--"))
        attributes.setdefault("envvar", "DHASH_GUARD_" + long[2:].split("/")[0].upper().replace("-", "_"))
        super().__init__(list(declarations), **attributes)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        return value if value and value.strip() else None


def named(*declarations: str, **attributes: Any) -> Callable[[Any], Any]:
    """`click.option` for options that name things."""
    return click.option(*declarations, cls=NamedOption, **attributes)


class Duration(click.ParamType[Seconds]):
    """Seconds, or `60m`, `1h30m`, `250ms`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Seconds:
        if isinstance(value, float):
            return Seconds(value)
        try:
            return parse_duration(str(value))
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


class Tag(click.ParamType[str]):
    """The name of a release; none that is empty, as an unset variable would be, or that a command takes for an option."""

    name = "tag"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        tag = str(value)
        if not tag.strip() or tag.startswith("-"):
            self.fail(f"{tag!r} is no name of a release. Leave the option out, or give one.", param, ctx)
        return tag


class OutFile(click.ParamType[Path]):
    """A file that will be written: refused before any work is done where that cannot be."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(value)
        if path.is_dir():
            self.fail(f"{path} is a directory. Name a file in it.", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no directory {path.parent}. Make it, or name another file.", param, ctx)
        if not os.access(path.parent, os.W_OK):
            self.fail(f"nothing can be written in {path.parent}. Name another file.", param, ctx)
        return path


@define
class Invocation:
    """One call of the program."""

    machine: Machine
    env: str | None
    config: Path | None
    json: bool
    verbose: bool
    quiet: bool
    target: str | None = None

    def load(self, overrides: Overrides = Overrides(), *, finish: bool = True) -> Configuration:
        """The configuration for the chosen environment; with `finish`, what an interrupted restore left is put right."""
        found = find(self.config, Path.cwd())
        refuse_strangers(self.machine, [Path.cwd(), found.root], [found.path])
        configuration = load(self.config, Path.cwd(), self.machine.environ, self.env, self.target, overrides=overrides)
        if configuration.layout.templates is not None:
            refuse_strangers(self.machine, [Path.cwd(), found.root], [configuration.layout.templates])
        for note in configuration.notes:
            self.say(note)
        if finish:
            finish_restores(self.machine, configuration, self.say)
        return configuration

    def open(self, verb: str, *, tag: str = "", reason: str = "", overrides: Overrides = Overrides()) -> Guarded:
        """Begin a run of `verb`; whoever changes a release, or asks for leave to, is given GitHub where it can be asked."""
        configuration = self.load(overrides)
        return open_run(
            self.machine, configuration, verb, self.say, tag=tag, reason=reason, verbose=self.verbose, hub=self._hub(verb)
        )

    def _hub(self, verb: str) -> GithubApi | None:
        if verb not in _ASKING or not reachable(self.machine):
            return None
        try:
            return open_hub(self.machine)
        except GuardError as problem:
            if verb not in _REGARDLESS:
                raise
            self.say(f"warning: going on without GitHub: {problem}")
            return None

    def say(self, text: str) -> None:
        """A message for the person who waits, on stderr."""
        if not self.quiet:
            self._clear()
            # Line by line, because what gates, files and services are called comes from outside and may steer a terminal.
            for line in text.split("\n"):
                indent = line[: len(line) - len(line.lstrip(" "))]
                with suppress(OSError):  # a reader that has gone must not stop a rollback
                    click.echo(indent + terminal(line), err=True)

    def show(self, text: str, data: Any) -> None:
        """A result, on stdout: text for people, or with --json its data."""
        self._clear()
        click.echo(json.dumps(data, ensure_ascii=False, indent=2) if self.json else text)

    def _clear(self) -> None:
        """Leave nothing of the progress line, which not all work ends by itself."""
        if isinstance(self.machine.progress, Bar):
            self.machine.progress.line.clear()

    def finish(
        self, run: Guarded, evidence: Evidence, ticks: Sequence[Tick] = (), *, more: Mapping[str, Any] | None = None
    ) -> int:
        """Publish the run's report, print its story, and return its exit code; `more` stands beside the record in --json."""
        story = publish(run, evidence, ticks)
        plan = [
            f"would {change.verb} {change.subject}"
            for change in self.machine.plan or []
            if ".dhash-guard" not in change.subject
        ]
        data = to_data(evidence) | dict(more or {})
        if self.machine.dry:
            data["plan"] = to_data(self.machine.plan)
            story = [*story, *(["Plan (nothing was changed):", *plan] if plan else [])]
        self.show("\n".join(story), data)
        current().publish(evidence, ticks, run.folder, run.configuration.layout.templates)
        return evidence.exit_code

    def typed(self, name: str, given: str | None) -> bool:
        """Whether the environment's name was typed to confirm; raise UsageProblem where another one was."""
        if given is not None and given != name:
            raise UsageProblem(
                f"--confirm {given!r}, but this is about {name!r}; nothing was touched", cure="Type the environment's name."
            )
        return given is not None

    def confirm(self, question: str, *, answered: bool) -> None:
        """Ask; raise UsageProblem where nobody can answer or the answer is no."""
        if answered or self.machine.dry:
            return
        if not sys.stdin.isatty():
            raise UsageProblem(
                f"{question} Nobody is here to answer", cure="Say it with --force, or run this on a terminal."
            )
        if not click.confirm(question, default=False, err=True):
            raise UsageProblem("not confirmed; nothing was touched")


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command; the command gets an `Invocation` as its first argument."""

    @wraps(command)
    def called(
        env: str | None,
        target: str | None,
        config: Path | None,
        dry_run: bool,
        as_json: bool,
        verbose: bool,
        quiet: bool,
        **rest: Any,
    ) -> Any:
        machine = evolve(this_machine(dict(os.environ)), progress=Bar(Line(quiet)))
        invocation = Invocation(machine.rehearsing() if dry_run else machine, env, config, as_json, verbose, quiet, target)
        try:
            code = command(invocation, **rest)
        finally:
            if verbose and (asked := requests_made()):
                invocation.say(f"requests to GitHub: {asked}")
        sys.exit(code or 0)

    options = [
        named("--env", "--environment", "env", metavar="NAME", help="The environment; default_environment where left out."),
        named("--target", metavar="NAME", help="The target, where the environment has several."),
        named("--config", type=click.Path(path_type=Path), metavar="FILE", help="The configuration file."),
        click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option("-v", "--verbose", is_flag=True, help="Say every line of the log as well."),
        click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result."),
    ]
    for option in reversed(options):
        called = option(called)
    return called
