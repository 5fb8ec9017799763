"""The queue commands: status and export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dhash_guard.cli.invocation import Duration, Invocation, common, named
from dhash_guard.gates.drainage import ENOUGH
from dhash_guard.records.codec import to_data
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import queue as queueing


class Share(click.ParamType[float]):
    """A fraction 0–1, written 0.7 or 70%."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            found = -1.0
        if not 0 <= found <= 1:
            self.fail(f"{text!r} is no share; write 0.7 or 70%", param, ctx)
        return found


@click.group()
def queue() -> None:
    """Look at the service's queue."""


@queue.command()
@common
@named(
    "--samples",
    type=click.IntRange(min=1),
    default=ENOUGH,
    show_default=True,
    help=f"How many looks; a growing backlog takes {ENOUGH} to be told, a direction takes 2.",
)
@named("--interval", type=Duration(), default=2.0, show_default="2s", help="Time between looks.")
def status(call: Invocation, samples: int, interval: Seconds) -> int:
    """Say the backlog, how fast it is processed, and whether it drains: 0 it does, 1 it grows, 3 cannot tell."""
    run = call.open("queue status")
    evidence, looked = queueing.status(run, samples=samples, interval=interval)
    return call.finish(run, evidence, more={"queue": queueing.as_data(looked) if looked is not None else None})


@queue.command()
@common
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "html"]),
    default="json",
    show_default=True,
    help="What is written.",
)
@click.option(
    "--threshold",
    type=Share(),
    metavar="X",
    help="Only entries less confident than this, 0.7 or 70%; default: queue.export.below.",
)
@click.option(
    "--include-images", "images", is_flag=True, help="Fetch the entries' images from the service, and put them in."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file, replaced as a whole; default: a new one in exports/.",
)
def export(call: Invocation, form: str, threshold: float | None, images: bool, out: Path | None) -> int:
    """Write down what waits in the low-confidence queue: 0 written, 3 cannot tell."""
    from dhash_guard.report.queue_export import Form
    from dhash_guard.rollout import queue_export as exporting

    run = call.open("queue export")
    wish = exporting.Wish(form=Form(form), below=threshold, images=images, out=out)
    evidence, done = exporting.export(run, wish)
    return call.finish(run, evidence, more={"export": to_data(done) if done is not None else None})
