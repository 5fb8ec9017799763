#!/usr/bin/env python3
"""Runs the service in the foreground: puts its parts together, and stops cleanly on SIGTERM."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from pathlib import Path

import atomic
import config
import library
import release
from api import Api, Server
from metrics import Metrics
from worker import Worker

HERE = Path(__file__).resolve().parent


def log_to(file: Path) -> None:
    """Append the log to `file`; each line is written out at once, for those who follow it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    line = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    line.converter = time.gmtime
    handler.setFormatter(line)
    log.addHandler(handler)
    log.setLevel(logging.INFO)


log = logging.getLogger("mobius-dhash")


def build(root: Path, port: int, window: float | None) -> Server:
    """The server over the project in `root`, listening already."""
    settings = config.load(root)
    current = release.load(root / "current")
    metrics = Metrics(
        settings.window_seconds if window is None else window,
        settings.low_confidence_below,
        settings.reviews_per_second,
    )
    worker = Worker(root, library.load(root / "library.json"), current, metrics)
    return Server(port, Api(root, current, worker, metrics))


def serve(server: Server) -> None:
    """Answer requests until SIGTERM or SIGINT, then let those under way finish."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # In a thread of its own, since `shutdown` waits for the loop and so must not be called from it.
    loop = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    loop.start()
    stop.wait()
    server.shutdown()
    loop.join()
    server.server_close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=HERE, help="project directory")
    parser.add_argument("--port", type=int, default=0, help="0: chosen by the system")
    parser.add_argument("--port-file", type=Path, help="gets the real port; default: run/port in the project")
    parser.add_argument("--window", type=float, help="seconds over which the metrics look back")
    options = parser.parse_args()
    root: Path = options.root.resolve()
    port_file: Path = options.port_file or root / "run" / "port"

    try:
        log_to(root / "logs" / "service.log")
        server = build(root, options.port, options.window)
        port_file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(port_file, f"{server.server_port}\n".encode())
    except (config.ConfigError, library.LibraryError, release.ReleaseError) as error:
        print(f"service: {error}", file=sys.stderr)
        return 1
    except (OSError, OverflowError) as error:  # the port is taken, or is no port at all
        print(f"service: cannot listen on port {options.port}: {error}", file=sys.stderr)
        return 1

    about = server.api.release
    log.info("release %s %s listens on port %d", about.name, about.version, server.server_port)
    serve(server)
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
