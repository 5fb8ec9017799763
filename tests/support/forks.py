"""Programs that are loaded once and carry out every order in a fork of their own: loading takes longer than most orders.

The program calls `serve` with what it does; a test asks it through `Forks`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

TESTS = Path(__file__).parents[1]

Finished = subprocess.CompletedProcess[str]


class Forks:
    """A Python program that serves, started when it is first asked, and as often as orders come at the same time."""

    def __init__(self, program: Path, environ: dict[str, str] | None = None) -> None:
        self._program = program
        self._environ = os.environ if environ is None else environ
        self._idle: list[subprocess.Popen[str]] = []

    def ask(self, order: Any, *, timeout: float = 600) -> Finished:
        """How the fork that carries out this order ended; raise subprocess.TimeoutExpired where it had to be killed."""
        server = self._free()
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        late = threading.Event()
        number = int(server.stdout.readline())

        def kill() -> None:
            late.set()
            os.kill(number, SIGKILL)

        timer = threading.Timer(timeout, kill)
        timer.start()
        answer = json.loads(server.stdout.readline())
        timer.cancel()
        self._idle.append(server)
        if late.is_set():
            raise subprocess.TimeoutExpired(str(order), timeout, answer["out"], answer["errors"])
        return subprocess.CompletedProcess(order, answer["code"], answer["out"], answer["errors"])

    def _free(self) -> subprocess.Popen[str]:
        try:
            return self._idle.pop()
        except IndexError:
            return subprocess.Popen(
                [sys.executable, str(self._program)],
                env={**self._environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])},
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )


def serve(carry_out: Callable[[Any], int]) -> None:
    """Carry out one order after the other; a fork that dies takes nothing with it."""
    gc.freeze()
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors, Path(os.devnull).open() as nothing:
            number = os.fork()
            if number == 0:
                for standard, file in enumerate((nothing, out, errors)):
                    os.dup2(file.fileno(), standard)
                _end(carry_out, json.loads(line))
            _say(number)
            _, status = os.waitpid(number, 0)
            out.seek(0)
            errors.seek(0)
            _say({"code": os.waitstatus_to_exitcode(status), "out": out.read(), "errors": errors.read()})


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _end(carry_out: Callable[[Any], int], order: Any) -> None:
    """Carry out an order and end as Python ends, but for taking down all that was loaded, which takes long."""
    code = 1
    try:
        code = carry_out(order)
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001 - whatever it is, the caller is told
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def load(package: str, *libraries: str) -> None:
    """Import all modules of a package, and libraries that it imports when it needs them."""
    whole = importlib.import_module(package)
    for module in pkgutil.walk_packages(whole.__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for library in libraries:
        importlib.import_module(library)
