"""Serves the simulator for people and workflows: reads the state file, says where it listens, stays until told to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from dhash_guard.errors import UsageProblem
from dhash_guard.simulator.document import read_document
from dhash_guard.simulator.simulator import Simulator
from dhash_guard.system import Machine
from dhash_guard.system.interrupt import Interrupted

_LONG = 3600.0


@frozen(kw_only=True)
class Options:
    """What the command line says: `port` 0 lets the system choose, `ready_file` gets the address once it answers."""

    port: int = 0
    state: Path | None = None
    ready_file: Path | None = None


def run(options: Options, machine: Machine, ready: Callable[[str], None]) -> None:
    """Serve until INT or TERM; `ready` is told the address. Raise UsageProblem for a bad state file or a taken port."""
    document = read_document(options.state, machine.clock.now()) if options.state else None
    simulator = Simulator(document, now=machine.clock.now, port=options.port)
    if document is None:
        simulator.add_pull_request(number=1)
    try:
        with simulator.serving():
            _announce(simulator.url, options, machine, ready)
            while True:
                machine.clock.sleep(_LONG)
    except (KeyboardInterrupt, Interrupted):
        return
    except OSError as problem:
        cure = "Give another --port, or 0 to let the system choose."
        raise UsageProblem(f"cannot serve: {problem.strerror or problem}", cure=cure) from problem
    finally:
        if options.ready_file is not None:
            machine.files.remove(options.ready_file)


def _announce(url: str, options: Options, machine: Machine, ready: Callable[[str], None]) -> None:
    ready(url)
    if options.ready_file is not None:
        machine.files.write_atomic(options.ready_file, f"{url}\n".encode())
