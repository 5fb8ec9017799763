"""The commands about the configuration: config check, import, show, and schema."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dhash_guard.cli.invocation import Invocation, common
from dhash_guard.config import check_all
from dhash_guard.config.export import schema_text
from dhash_guard.config.show import show as show_text
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from dhash_guard.records.codec import to_data


@click.group()
def config() -> None:
    """Check and show the configuration."""


@config.command()
@common
def check(call: Invocation) -> int:
    """Check every environment; everything that is wrong is said at once."""
    results = check_all(call.config, Path.cwd(), call.machine.environ)
    wrong = [problem for result in results for problem in result.problems]
    if wrong:
        raise ConfigurationProblem(list(dict.fromkeys(wrong)))
    lines = [f"✓ {result.environment}" + "".join(f"\n  note: {note}" for note in result.notes) for result in results]
    call.show("\n".join(lines), to_data(results))
    return 0


@config.command()
@common
@click.option("--origin", is_flag=True, help="Say where each value came from.")
def show(call: Invocation, origin: bool) -> int:
    """Show the settled configuration of an environment."""
    text = show_text(call.config, Path.cwd(), call.machine.environ, call.env, call.target, origin=origin)
    call.show(text, to_data(call.load().environment))
    return 0


@config.command("schema")
@common
def schema_(call: Invocation) -> int:
    """Print the JSON Schema of the configuration file, for editors."""
    call.show(schema_text(), json.loads(schema_text()))
    return 0


@config.command("import")
@common
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="PATH", help="Write the configuration there, not to stdout.")
@click.option("--service", default="dhash", show_default=True, metavar="NAME", help="What the service is called.")
@click.option("--partial", is_flag=True, help="Write what can be read, and list what is refused.")
@click.option("--force", is_flag=True, help="Overwrite the file that --out names.")
def import_(call: Invocation, file: Path, out: Path | None, service: str, partial: bool, force: bool) -> int:
    """Turn the gates file of another monitor into a configuration, with an account of every value in it.

    --env names the environment of a file that names none.
    """
    from dhash_guard.config.importing.file import import_file  # a dozen modules that no other command needs
    from dhash_guard.config.importing.told import account_lines, as_data

    if out is not None:
        _check_out(out, force)
    done = import_file(file, Path.cwd(), call.machine.environ, service=service, env=call.env, partial=partial)
    if out is not None:
        call.machine.files.write_atomic(out, done.text.encode(), 0o644)
    call.say("\n".join(account_lines(done)))
    result = done.text.rstrip() if out is None else f"{'would write' if call.machine.dry else 'wrote'} {out}"
    call.show(result, as_data(done))
    return 0


def _check_out(out: Path, force: bool) -> None:
    """Raise UsageProblem where the file cannot or should not be written."""
    if out.is_dir():
        raise UsageProblem("is a directory", where=str(out), cure="Name a file in it with --out.")
    if out.exists() and not force:
        raise UsageProblem("this file is there already", where=str(out), cure="Name another with --out, or add --force.")
    if not out.parent.is_dir():
        raise UsageProblem("there is no such directory", where=str(out.parent), cure="Make it, or name another file.")
