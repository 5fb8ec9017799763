"""The commands about gates: show, explain, and backtest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dhash_guard.cli.invocation import Invocation, common
from dhash_guard.config import Configuration
from dhash_guard.config.load import opened_and_settled
from dhash_guard.config.names import suggest
from dhash_guard.errors import CannotTell, UsageProblem
from dhash_guard.gates.backtest import Replay, summary_of
from dhash_guard.gates.settings import FAIL_LIMITS
from dhash_guard.records.codec import to_data
from dhash_guard.records.outcome import Status
from dhash_guard.records.units import format_duration
from dhash_guard.report.backtest import summary_lines
from dhash_guard.report.escape import terminal
from dhash_guard.report.explain import one_line, sentences
from dhash_guard.report.way import way_lines
from dhash_guard.report.words import GATES, clock, plural
from dhash_guard.rollout import backtest as replaying
from dhash_guard.rollout import labels as labelling
from dhash_guard.rollout import recordings
from dhash_guard.rollout.automatic import automatic_by_configuration
from dhash_guard.signals import running
from dhash_guard.signals.host import HostSignal


@click.group()
def gates() -> None:
    """Look at the gates."""


@gates.command("show")
@common
def show(call: Invocation) -> int:
    """Show the gates of an environment: limit, hold, action, and how soon a total fault is seen."""
    configuration = call.load()
    environment = configuration.environment
    added_up = running(environment.signals)
    lines = [one_line(name, gate, environment.monitor, added_up) for name, gate in environment.gates.items()]
    call.show("\n".join(lines) or f"{configuration.name} has no gates", to_data(environment.gates))
    return 0


@gates.command("explain")
@common
@click.argument("names", metavar="[GATE]...", nargs=-1)
@click.option("--recorded", type=click.Path(path_type=Path), metavar="LOG", help="Also how they went through this log.")
def explain(call: Invocation, names: tuple[str, ...], recorded: Path | None) -> int:
    """Say in sentences what gates read, when they fail, when they cannot tell, and what follows.

    LOG is a run folder, its evidence.json, or a samples.jsonl; each look is shown at which a gate's standing changed.
    """
    configuration = call.load()
    chosen = _chosen(configuration, names)
    ways = {}
    if recorded is not None:
        logs = recordings.find([recorded])
        if len(logs) != 1:
            raise UsageProblem(f"holds {plural(len(logs), 'run')}", where=str(recorded), cure="Name the folder of one run.")
        ways = {way.rule.name: way for way in replaying.way(logs[0], configuration, chosen)}
    blocks, data = [], []
    origins = _origins(call, configuration)
    for name in chosen:
        told = _sentences(configuration, name, origins[name])
        lines = [name, *(f"  {sentence}" for sentence in told)]
        entry: dict[str, Any] = {"gate": name, "sentences": told}
        if name in ways:
            lines += ["  In this log:", *(f"    {terminal(line)}" for line in way_lines(ways[name]))]
            entry |= {"steps": to_data(ways[name].steps), "left_out": ways[name].left_out}
        blocks.append("\n".join(lines))
        data.append(entry)
    call.show("\n\n".join(blocks) or f"{configuration.name} has no gates", data)
    return 0


def _chosen(configuration: Configuration, names: Sequence[str]) -> list[str]:
    known = configuration.environment.gates
    for name in names:
        if name not in known:
            raise UsageProblem(f"{name!r} is no gate of {configuration.name}; {suggest(name, known)}")
    return list(dict.fromkeys(names)) if names else list(known)


def _sentences(configuration: Configuration, name: str, source: str) -> list[str]:
    environment = configuration.environment
    gate = environment.gates[name]
    absent = {
        signal: mapping.absent.value
        for settings in environment.signals.values()
        if not isinstance(settings, HostSignal)
        for signal, mapping in settings.values.items()
    }
    return sentences(
        gate,
        environment.monitor,
        automatic=automatic_by_configuration(configuration),
        absent=absent.get(gate.signal, "unknown"),
        source=source,
        running=running(environment.signals),
    )


def _origins(call: Invocation, configuration: Configuration) -> dict[str, str]:
    """Where the limit of each gate was written: a preset, or file:line."""
    tree = opened_and_settled(call.config, Path.cwd(), call.machine.environ, configuration.name)[1].tree
    found = {}
    for name, gate in configuration.environment.gates.items():
        keys = ("fail_when", *FAIL_LIMITS, "fail_ratio")
        key = next((key for key in keys if getattr(gate, key) is not None), "signal")
        found[name] = tree.nearest(("gates", name, key)).source
    return found


@gates.command("backtest")
@common
@click.argument("logs", metavar="LOG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="FILE", help="What is known of the runs: clean, or fault_at."
)
def backtest(call: Invocation, logs: tuple[Path, ...], labels: Path | None) -> int:
    """Judge recorded runs again by the gates of a configuration, and count what would have been different.

    LOG is a run folder, its evidence.json, a samples.jsonl, or a folder that holds run folders. Changes nothing.
    """
    configuration = call.load()
    found = recordings.find(logs)
    known = labelling.labels(labels, found) if labels is not None else {}
    done, passed_over = replaying.replays(found, configuration, known)
    for why, count in Counter(one.why for one in passed_over).items():
        alone = next(one.name for one in passed_over if one.why == why)
        call.say(f"passed over: {alone} {why}" if count == 1 else f"passed over: {count} runs, each of which {why}")
    for other in done:
        if other.environment not in ("", configuration.name):
            call.say(f"warning: {other.name} is of {other.environment}, and judged by the gates of {configuration.name}")
    if not done:
        where = ", ".join(map(str, logs))
        raise CannotTell("there is nothing to replay", where=where, cure="Name a run folder or a samples.jsonl.")
    summary = summary_of(done)
    lines = [*_table(done), "", *summary_lines(summary)]
    data = {"environment": configuration.name, "replays": to_data(done), "summary": to_data(summary)}
    call.show("\n".join(terminal(line) for line in lines), data | {"passed_over": to_data(passed_over)})
    return 0


_HEAD = ("run", "then", "now", "flips", "gate", "look", "at", "delay", "label", "known from")


def _table(replays: Sequence[Replay]) -> list[str]:
    rows = [_HEAD, *(_row(replay) for replay in replays)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(replay: Replay) -> tuple[str, ...]:
    return (
        replay.name,
        _word(replay.then, replay.then_rolls_back) if replay.then is not None else "–",
        _word(replay.now.status, replay.rolls_back),
        "yes" if replay.flips else "no" if replay.then is not None else "–",
        replay.gate or "–",
        str(replay.look) if replay.look is not None else "–",
        clock(replay.at - replay.now.started_at) if replay.at is not None else "–",
        format_duration(replay.delay) if replay.delay is not None else "–",
        replay.label or "–",
        replay.known_from,
    )


def _word(status: Status, rolls_back: bool) -> str:
    return f"{GATES[status].word} (rollback)" if rolls_back else GATES[status].word
