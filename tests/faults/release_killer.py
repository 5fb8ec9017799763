"""Runs one command of a release and kills this very process before or after its N-th step outside.

A step is a
call of the `Files` protocol, a program that is run, or a request that changes something on GitHub. Time is the system's,
`ahead` seconds further; sleeping only moves it on.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, Unpack

import click
from attrs import define, evolve, field

from dhash_guard.cli import program
from dhash_guard.cli.invocation import Invocation
from dhash_guard.errors import GuardError
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import read_context
from dhash_guard.github.patience import Patience
from dhash_guard.github.transport import Send, _requester
from dhash_guard.system import this_machine
from dhash_guard.system.interrupt import Interrupted, install
from dhash_guard.system.process import Finished, How, SystemProcesses
from faults.killer import KillingFiles, role
from support.forks import load, serve
from support.world import UnsyncedFiles

T = TypeVar("T")

CANCEL = ((0, signal.SIGINT), (6, signal.SIGTERM), (40, signal.SIGKILL))
"""How a runner cancels a job, the seconds between its signals counted in steps."""
KILL = ((0, signal.SIGKILL),)

_ROLES = {
    "evidence.json": "evidence",
    "ledger.jsonl": "ledger",
    "samples.jsonl": "samples",
    "state.json": "note of the watch",
    "report.html": "report",
    ".token": "token",
    ".unreconciled.json": "note to reconcile",
    ".log": "log",
}


def role_of(path: Path | str) -> str:
    """What a path of a release is for, told by its name."""
    text = str(path)
    if "/deployments/" in text:
        return "deployment record"
    return next((said for end, said in _ROLES.items() if text.endswith(end)), role(text))


@define
class Steps:
    """Counts, and dies where it is told to: `at` 0 never does."""

    at: int
    when: str
    signals: Sequence[tuple[int, int]]
    names: list[str] = field(factory=list)
    _process: int = field(factory=os.getpid)

    def take(self, action: Callable[[], T], name: str) -> T:
        """One step."""
        if os.getpid() != self._process:  # a worker, which is no step of the command's own
            return action()
        self.names.append(name)
        self._strike("before")
        result = action()
        self._strike("after")
        return result

    def _strike(self, when: str) -> None:
        for later, kind in self.signals:
            if self.at and (len(self.names), when) == (self.at + later, self.when):
                os.write(2, f"\nstruck by {signal.Signals(kind).name}\n".encode())
                os.kill(os.getpid(), kind)


class CountedFiles(KillingFiles):
    """The disk, every call a step."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(UnsyncedFiles(), lambda step, when: False)
        self._steps = steps

    def _step(self, action: Callable[[], T], what: str, path: Path | str) -> T:
        return self._steps.take(action, f"{what} {role_of(path)}")


@define
class CountedProcesses:
    """Programs, every one a step."""

    real: SystemProcesses
    steps: Steps

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished:
        return self.steps.take(lambda: self.real.run(command, **how), f"run {' '.join(command[:2])}")


@define
class AheadClock:
    """The system's clock some seconds ahead; sleeping takes no time."""

    ahead: float

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += max(seconds, 0.0)


def counted(send: Send, steps: Steps) -> Send:
    """The network to GitHub, every request that may change something a step."""

    def sent(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], str]:
        if method in ("GET", "HEAD") or path.endswith("graphql"):
            return send(method, path, headers, body)
        parts = path.partition("?")[0].split("/")[4:]
        what = "/".join(part for part in parts if not part.isdecimal() and "%" not in part)
        return steps.take(lambda: send(method, path, headers, body), f"{method} {what}")

    return sent


@define
class Watched(Invocation):
    """An invocation whose way to GitHub is counted too."""

    steps: Steps = field(factory=lambda: Steps(0, "before", KILL))

    def _hub(self, verb: str) -> GithubApi:
        token, context = self.machine.environ["GITHUB_TOKEN"], read_context(self.machine.environ)
        send = counted(_requester(token, context.api_url, Patience()), self.steps)
        return GithubApi(token, context, self.machine.clock, send=send)


def run(arguments: Sequence[str], steps: Steps, ahead: float) -> int:
    """The command's exit code, by the program's own rules; what falls through them is a bug."""
    install()
    machine = evolve(
        this_machine(dict(os.environ)),
        clock=AheadClock(ahead),
        files=CountedFiles(steps),
        processes=CountedProcesses(SystemProcesses(dict(os.environ)), steps),
        workers=1,
    )
    command = program.get_command(click.Context(program), arguments[0])
    assert command is not None and command.callback is not None
    try:
        with command.make_context(arguments[0], [*arguments[1:]]) as context:
            given = dict(context.params)
            del given["dry_run"]
            common = {name: given.pop(name) for name in ("env", "config", "verbose", "quiet", "target")}
            call = Watched(machine=machine, json=given.pop("as_json"), steps=steps, **common)
            return int(command.callback.__wrapped__(call, **given) or 0)  # type: ignore[attr-defined]
    except GuardError as problem:
        sys.stderr.write(f"error: {problem}\n")
        return problem.exit_code
    except (click.Abort, KeyboardInterrupt, Interrupted):
        return 3
    except Exception:  # noqa: BLE001 - as the program itself does
        traceback.print_exc()
        return 70


def carry_out(order: dict[str, Any]) -> int:
    """One order, in the process that it may kill; the names of its steps go to `names`."""
    os.chdir(order["root"])
    os.environ.clear()
    os.environ.update(order["env"])
    steps = Steps(order["at"], order["when"], CANCEL if order["cancel"] else KILL)
    code = run(order["arguments"], steps, order["ahead"])
    if order["names"]:
        Path(order["names"]).write_text("\n".join(steps.names), "utf-8")
    return code


if __name__ == "__main__":
    load("dhash_guard", "github", "requests")
    serve(carry_out)
