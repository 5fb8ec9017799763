"""Runs other programs: argument lists only, a time limit for the whole tree, output capped and never lost midway."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, BinaryIO, NotRequired, Protocol, TypedDict, Unpack

from attrs import frozen

OUTPUT_CAP = 1_000_000
"""Bytes kept of each output stream; the head is cut, because the end says why a program failed."""

WITHHELD = "DHASH_GUARD_EVIDENCE_KEY"
"""How the variables with keys begin that vouch for evidence: no program that is started here is given them."""

_CUT = b"[... output cut ...]\n"


@frozen(kw_only=True)
class Finished:
    """How a program ended; `problem` is empty, or says that it could not start or ran out of time."""

    command: tuple[str, ...]
    exit_code: int | None
    output: str
    errors: str
    seconds: float
    problem: str = ""
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and not self.problem

    def explain(self) -> str:
        """One line for people: what happened, and the last thing the program said."""
        said = (self.errors.strip() or self.output.strip()).splitlines()
        how = self.problem or f"exit {self.exit_code}"
        return f"{' '.join(self.command)}: {how}" + (f" ({said[-1][:300]})" if said else "")


class How(TypedDict):
    """How a program is started: where, for how many seconds at most, and whether it may change anything.

    It is given `extra_env` beside the machine's variables and reads `feed` (else nothing); with `into` its output is written
    to that file and is not in `output`.
    """

    cwd: Path
    timeout: float
    changes: bool
    extra_env: NotRequired[Mapping[str, str] | None]
    feed: NotRequired[BinaryIO | None]
    into: NotRequired[BinaryIO | None]


class Processes(Protocol):
    """Starts programs.

    A dry run plans those that change something and runs the others. A program that cannot start or overruns its time
    yields a `Finished` with a problem, never an exception.
    """

    def run(self, command: Sequence[str], **how: Unpack[How]) -> Finished: ...


class SystemProcesses:
    """Real programs, each leading a process group of its own so that its children can be ended with it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value for name, value in environ.items() if not name.upper().startswith(WITHHELD)}

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        timeout: float,
        changes: bool,
        extra_env: Mapping[str, str] | None = None,
        feed: BinaryIO | None = None,
        into: BinaryIO | None = None,
    ) -> Finished:
        argv = tuple(command)
        began = time.monotonic()
        try:
            child = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**self._environ, **(extra_env or {})},
                stdin=feed if feed is not None else subprocess.DEVNULL,
                stdout=into if into is not None else subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=os.name == "posix",
            )
        except OSError as problem:
            return Finished(
                command=argv,
                exit_code=None,
                output="",
                errors="",
                seconds=0.0,
                problem=f"could not start: {problem.strerror}",
            )
        out = _Tail(child.stdout) if into is None else None
        err = _Tail(child.stderr)
        try:
            child.wait(timeout)
            timed_out = False
        except subprocess.TimeoutExpired:
            timed_out = True
        except BaseException:
            _end(child)
            raise
        if timed_out:
            _end(child)
        # A daemon that the program left behind may hold the pipes open; its output is not ours to wait for.
        for tail in (out, err):
            if tail is not None:
                tail.finish()
        return Finished(
            command=argv,
            exit_code=None if timed_out else child.returncode,
            output=out.text() if out is not None else "",
            errors=err.text(),
            seconds=time.monotonic() - began,
            problem=f"no end after {timeout:g} s, ended by force" if timed_out else "",
            timed_out=timed_out,
        )


class _Tail:
    """Collects the last `OUTPUT_CAP` bytes of a stream in a thread."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._kept = bytearray()
        self._cut = False
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        while chunk := os.read(self._stream.fileno(), 65536):
            self._kept += chunk
            if len(self._kept) > OUTPUT_CAP:
                del self._kept[: len(self._kept) - OUTPUT_CAP]
                self._cut = True
        self._stream.close()

    def finish(self) -> None:
        """Wait for what the program wrote: a busy machine may not have read it yet. Nobody waits for a daemon's silence."""
        self._thread.join(timeout=0.5)
        for _ in range(100):
            if not self._thread.is_alive() or not self._behind():
                return
            self._thread.join(timeout=0.1)

    def _behind(self) -> bool:
        """Whether there is something to read (where the system can say so)."""
        try:
            return os.name == "posix" and bool(select.select([self._stream], [], [], 0)[0])
        except (ValueError, OSError):  # closed: all is read
            return False

    def text(self) -> str:
        kept = bytes(self._kept)
        return ((_CUT if self._cut else b"") + kept).decode("utf-8", "replace")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to stop, then insist."""
    if os.name != "posix":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(child.pid)], capture_output=True, check=False)
        child.wait()
        return
    for kind, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(child.pid, kind)
        except ProcessLookupError:
            break
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    child.wait()
