"""The commands that look back: evidence show and verify, report."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from dhash_guard.cli.invocation import Invocation, OutFile, common
from dhash_guard.config import Configuration
from dhash_guard.errors import CannotTell, UsageProblem
from dhash_guard.ledger import chain
from dhash_guard.ledger import verify as proving
from dhash_guard.records.codec import to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Tick
from dhash_guard.rollout.publish import render
from dhash_guard.signals import recorded


@click.group()
def evidence() -> None:
    """Look at the record of a run, and check that nobody changed it."""


@evidence.command()
@common
@click.argument("run", required=False)
def show(call: Invocation, run: str | None) -> int:
    """Print the evidence of a run (a run id or a file; default: the latest of the environment)."""
    path = _find(call, run)
    record = proving.load(path)
    call.show("\n".join([*render(record, _ticks(path, record), "text").splitlines(), f"file: {path}"]), to_data(record))
    return 0


@evidence.command()
@common
@click.argument("run", required=False)
def verify(call: Invocation, run: str | None) -> int:
    """Recompute every hash and the verdict; exit 4 names the first thing that differs."""
    configuration = call.load()
    proof = proving.verify(configuration.layout, _find(call, run, configuration))
    text = (
        f"✓ {proof.run}: sha256 {proof.evidence}, ledger entry {proof.entry}, "
        f"{proof.ticks} ticks lead again to: {proof.verdict}"
    )
    call.show(text, to_data(proof))
    return 0


@click.command()
@common
@click.option("--evidence", "path", type=click.Path(path_type=Path), help="An evidence file; default: the latest run.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html", "comment", "summary"]),
    help="The form of the report; default: text on a terminal, else html.",
)
@click.option("--out", "output", type=OutFile(), help="Where to write; default: stdout.")
def report(call: Invocation, path: Path | None, form: str | None, output: Path | None) -> int:
    """Render a report again from its evidence, offline. With --json: `format`, and the `report` as it is or the `file`."""
    found = _given(path) if path is not None else _find(call, None)
    record = proving.load(found)
    form = form or ("text" if output is None and sys.stdout.isatty() else "html")
    text = render(record, _ticks(found, record), form)
    if output is None:
        call.show(text, {"format": form, "report": text})
        return 0
    call.machine.files.write_atomic(output, text.encode("utf-8"))
    call.say(f"{'would write' if call.machine.dry else 'written to'} {output}")
    if call.json:
        call.show("", {"format": form, "file": str(output)})
    return 0


def _given(path: Path) -> Path:
    """The evidence that was named: a file, or the folder of a run; raise UsageProblem where there is none."""
    evidence = path / "evidence.json" if path.is_dir() else path
    if not evidence.is_file():
        raise UsageProblem(
            "there is no such evidence file", where=str(evidence), cure="Name a file, the folder of a run, or none."
        )
    return evidence.absolute()


def _find(call: Invocation, run: str | None, configuration: Configuration | None = None) -> Path:
    """The evidence file of a run id, a path, or the latest run."""
    if run is not None and (Path(run).exists() or run.endswith(".json") or set(run) & {"/", os.sep}):
        return _given(Path(run))
    configuration = configuration or call.load()
    layout = configuration.layout
    entries = chain.read(layout.ledger)
    wanted = [e for e in entries if (e.run == run if run is not None else e.environment == configuration.name)]
    if not wanted:
        what = f"no sealed run {run!r}" if run is not None else f"no sealed run of {configuration.name}"
        raise CannotTell(what, where=str(layout.ledger))
    return layout.run(wanted[-1].environment, wanted[-1].run) / "evidence.json"


def _ticks(path: Path, record: Evidence) -> list[Tick]:
    if record.samples is None:
        return []
    file = path.parent / record.samples.file
    return list(recorded.ticks(file)) if file.exists() else []
