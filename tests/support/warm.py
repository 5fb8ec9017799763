"""The installed program, in a fork of a process that has loaded it: the same without the quarter of a second of a start.

A call is a process of its own with its own streams, folder and environment, as of `subprocess.run`. The first call of every
verb is a whole start all the same, so that nothing is there only because another verb imported it. With `make full`,
without `fork`, and with settings that Python reads once, every call is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.forks import Finished, Forks, load, serve

_READ_ONCE = ("PYTHON", "LC_", "LANG", "TZ", "TMPDIR")


class Starter:
    """Starts `program` in an environment like `environ`."""

    def __init__(self, program: Path, environ: dict[str, str]) -> None:
        self._program = program
        self._read = _read_once(environ)
        self._forks = Forks(Path(__file__), environ)
        self._known: set[tuple[str, ...]] = set()
        self._warm = hasattr(os, "fork") and not os.environ.get("DHASH_GUARD_FULL")

    def run(self, arguments: tuple[str, ...], *, cwd: Path, env: Mapping[str, str], timeout: float) -> Finished:
        """The finished process; raise subprocess.TimeoutExpired as `subprocess.run` does."""
        verb = tuple(word for word in arguments[:2] if not word.startswith("-"))
        known = verb in self._known
        self._known.add(verb)
        command = [str(self._program), *arguments]
        if self._warm and known and _read_once(env) == self._read:
            return self._forks.ask({"command": command, "folder": str(cwd), "environ": dict(env)}, timeout=timeout)
        return subprocess.run(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )


def _read_once(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(_READ_ONCE)}


def carry_out(order: dict[str, Any]) -> int:
    """Be the program."""
    from dhash_guard.cli import main

    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = order["command"]
    try:
        main()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0


if __name__ == "__main__":
    load("dhash_guard", "github", "jinja2", "requests", "s3fs")
    serve(carry_out)
