"""The simulator command: a GitHub on loopback for as long as it runs."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dhash_guard.simulator import Options, run
from dhash_guard.system import this_machine


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 lets the system choose.")
@click.option("--state", type=click.Path(path_type=Path), metavar="FILE", help="What is there at the start: JSON or YAML.")
@click.option("--ready-file", type=click.Path(path_type=Path), metavar="FILE", help="Gets the address; gone when it ends.")
def simulator(port: int, state: Path | None, ready_file: Path | None) -> int:
    """Serve a GitHub on loopback until INT or TERM; the address is the result."""
    run(Options(port=port, state=state, ready_file=ready_file), this_machine(dict(os.environ)), click.echo)
    return 0
