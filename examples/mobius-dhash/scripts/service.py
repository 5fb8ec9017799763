#!/usr/bin/env python3
"""Starts, stops and finds the project's service, by its pid file and its command line."""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # a run must not litter the project with __pycache__
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import atomic
import config

PROJECT = Path(__file__).resolve().parent.parent
TIMEOUT = 10.0
"""Seconds the service has to answer after a start, or to be gone after a stop."""
POLL = 0.02


class ServiceError(Exception):
    """The command failed; the message says why."""


class Service:
    """The service of the project in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.program = self.root / "service.py"
        self.log = self.root / "logs" / "service.log"
        self.pid_file = self.root / "run" / "service.pid"
        self.port_file = self.root / "run" / "port"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one start or stop at a time, or two starts could leave a service nobody knows of."""
        if not self.program.is_file():
            raise ServiceError(f"no project in {self.root}: service.py is missing")
        self.pid_file.parent.mkdir(exist_ok=True)
        self.log.parent.mkdir(exist_ok=True)
        with (self.root / "run" / "service.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def running(self) -> int | None:
        """The pid of the running service. A stale pid file counts for nothing."""
        pid = read_number(self.pid_file)
        return pid if pid is not None and str(self.program) in command_line(pid) else None

    def port(self) -> int | None:
        """The port the service had when it last came up."""
        return read_number(self.port_file)

    def start(self, port: int) -> str:
        pid = self.running()
        if pid is not None:
            return f"already running (pid {pid}, port {self.port()})"
        with self.log.open("ab") as log:
            said_before = log.tell()
            process = subprocess.Popen(
                [sys.executable, "-B", str(self.program), "--root", str(self.root), "--port", str(port)],
                cwd=self.root,
                # Nothing of the caller's is kept: no terminal, no pipe, no process group.
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        atomic.write(self.pid_file, f"{process.pid}\n".encode())
        deadline = time.monotonic() + TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            if self._answers(process.pid):
                return f"started (pid {process.pid}, port {self.port()})"
            time.sleep(POLL)
        reason = f"exited with {process.poll()}" if process.poll() is not None else "does not answer"
        process.kill()
        process.wait()
        self.pid_file.unlink(missing_ok=True)
        said = self.log.read_bytes()[said_before:].decode(errors="replace").strip()
        raise ServiceError(f"not started: the service {reason}\n{said or '(it logged nothing)'}")

    def stop(self) -> str:
        pid = self.running()
        if pid is None:
            self.pid_file.unlink(missing_ok=True)
            return "not running"
        for number, how in ((signal.SIGTERM, "stopped"), (signal.SIGKILL, "killed, as it did not stop")):
            deadline = time.monotonic() + TIMEOUT
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # it went by itself since we looked
            except PermissionError as error:
                raise ServiceError(f"not stopped: pid {pid} belongs to another user") from error
            while time.monotonic() < deadline:
                if self.running() is None:
                    self.pid_file.unlink(missing_ok=True)
                    return f"{how} (pid {pid})"
                time.sleep(POLL)
        raise ServiceError(f"not stopped: pid {pid} survives SIGKILL")

    def _answers(self, pid: int) -> bool:
        """Whether the process `pid` answers. Another program on a port noted earlier is not it."""
        port = self.port()
        if port is None:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/health")
            health = json.loads(connection.getresponse().read())
            return isinstance(health, dict) and health.get("pid") == pid
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()


def read_number(file: Path) -> int | None:
    """The number in the file; None when there is no file, or something else in it."""
    try:
        number = int(file.read_text())
    except (OSError, ValueError):
        return None
    return number if number > 0 else None


def command_line(pid: int) -> list[str]:
    """The process's arguments; empty when it is gone, or dead and only waiting for its parent to notice."""
    try:
        if Path("/proc/self/cmdline").exists():
            # A dead process which was not yet waited for has an empty command line.
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        call = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
        shown = subprocess.run(call, capture_output=True, text=True, check=False)
        return shown.stdout.split()
    except OSError:
        return []


def wanted_port(option: int | None, service: Service) -> int:
    """--port, else DHASH_PORT, else the port of last time, else the configured one."""
    if option is not None:
        return option
    named = os.environ.get("DHASH_PORT")
    if named:
        if not (named.isascii() and named.isdigit()):
            raise ServiceError(f"DHASH_PORT is not a port number: {named!r}")
        return int(named)
    return service.port() or config.load(service.root).port


def run(command: str, service: Service, option: int | None) -> int:
    if command == "status":
        pid = service.running()
        print("service: " + ("not running" if pid is None else f"running (pid {pid}, port {service.port()})"))
        return 1 if pid is None else 0
    with service.locked():
        # Before anything is stopped: a mistaken port must not cost the running service.
        port = 0 if command == "stop" else wanted_port(option, service)
        if command in ("stop", "restart"):
            print(f"service: {service.stop()}")
        if command in ("start", "restart"):
            print(f"service: {service.start(port)}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("start", "stop", "restart", "status"))
    parser.add_argument("--root", type=Path, default=PROJECT, help="project directory")
    parser.add_argument("--port", type=int, help="default: DHASH_PORT, the last one, the configured one")
    options = parser.parse_args()
    try:
        return run(options.command, Service(options.root), options.port)
    except (ServiceError, config.ConfigError, OSError) as error:
        print(f"service: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
