"""Runs whole processes in turn and keeps their seconds; a contender that fails is left out and says why."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_FOREIGN = ("PYTHON", "GITHUB_", "DHASH_GUARD_", "RESTIC_", "BORG_", "ZIP")


def nothing() -> None:
    """What most contenders need before and after them."""


@dataclass(frozen=True)
class Contender:
    """A shell command to be timed in `folder`; `before` and `after` are not timed."""

    name: str
    command: str
    folder: Path
    before: Callable[[], None] = nothing
    after: Callable[[], None] = nothing
    variables: Mapping[str, str] = field(default_factory=dict)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's, without what would change how the contenders work."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | dict(variables)


def run(contender: Contender) -> float:
    """Seconds of the whole command; raise RuntimeError with its last words where it fails."""
    contender.before()
    os.sync()
    began = time.perf_counter()
    ended = subprocess.run(
        ["sh", "-c", contender.command],
        cwd=contender.folder,
        env=environment(contender.variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if ended.returncode:
        words = (ended.stderr or ended.stdout).decode(errors="replace").strip()[-400:]
        raise RuntimeError(f"{contender.name} failed with exit code {ended.returncode}: …{words}")
    contender.after()
    return seconds


def interleaved(groups: list[list[Contender]], rounds: int) -> dict[str, list[float]]:
    """Seconds per contender, one round after the other; who fails once has no seconds at all.

    Every round begins each group with another one, as what ran just before can slow a process down.
    """
    times: dict[str, list[float]] = {contender.name: [] for group in groups for contender in group}
    for number in range(rounds):
        for contender in [one for group in groups for one in rotated(group, number)]:
            if contender.name not in times:
                continue
            say(f"round {number + 1} of {rounds}: {contender.name}")
            try:
                times[contender.name].append(run(contender))
            except RuntimeError as problem:
                del times[contender.name]
                say(str(problem))
    return times


def rotated(group: list[Contender], places: int) -> list[Contender]:
    """The same ones, beginning so many places later."""
    start = places % len(group) if group else 0
    return group[start:] + group[:start]


def say(text: str) -> None:
    """Progress and problems go to stderr, so that stdout is the tables alone."""
    print(text, file=sys.stderr, flush=True)


def show(times: Mapping[str, list[float]]) -> None:
    """The table of seconds."""
    print("| seconds of the whole process | minimum | median |\n|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {min(seconds):.2f} | {statistics.median(seconds):.2f} |")
