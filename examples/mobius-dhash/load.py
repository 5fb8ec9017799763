#!/usr/bin/env python3
"""Asks the service for hashes at a steady rate, never more than two at a time, whether it is up or not."""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # a run must not litter the project with __pycache__

import library

MOST_AT_ONCE = 2
PATIENCE = 10.0
"""Seconds to wait for one answer."""


class Schedule:
    """Hands out whose turn it is and when: round robin, evenly spaced."""

    def __init__(self, components: list[str], rate: float, seed: int) -> None:
        # The seed moves the start and keeps the library's order: pictures of any sort are spread
        # evenly over it, so that each stretch of requests is much like any other.
        self._components = components
        self._next = Random(seed).randrange(len(components))
        self._spacing = 1 / rate
        self._due = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> tuple[str, float]:
        """The next component, and the moment (monotonic) at which to ask for it."""
        with self._lock:
            component = self._components[self._next % len(self._components)]
            self._next += 1
            # Turns missed while the service was slow are dropped: made up for, they would be a burst.
            due = max(self._due, time.monotonic() - self._spacing)
            self._due = due + self._spacing
            return component, due


class Tally:
    """Counts the outcomes by status code, or by `unreachable`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()

    def add(self, outcome: str) -> None:
        with self._lock:
            self._outcomes[outcome] += 1

    def as_dict(self) -> dict[str, int]:
        with self._lock:
            return {"requests": self._outcomes.total(), **dict(sorted(self._outcomes.items()))}


def ask(host: str, port: int, component: str) -> str:
    """POST one hash request; its status code, or `unreachable`."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        body = json.dumps({"component": component})
        connection.request("POST", "/api/dhash/hash", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return str(response.status)
    except (OSError, http.client.HTTPException):
        return "unreachable"
    finally:
        connection.close()


def run(url: str, schedule: Schedule, duration: float, stop: threading.Event) -> Tally:
    """Keep asking until `stop` is set or `duration` seconds are over (0: until `stop`)."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    tally = Tally()
    end = time.monotonic() + duration if duration else float("inf")

    def keep_asking() -> None:
        while True:
            component, due = schedule.take()
            if due >= end or stop.wait(max(0.0, due - time.monotonic())):
                return
            tally.add(ask(host, port, component))

    # As many threads as requests may overlap: the limit holds by construction.
    threads = [threading.Thread(target=keep_asking) for _ in range(MOST_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="such as http://127.0.0.1:8117")
    parser.add_argument("--rate", type=float, default=8.0, help="requests per second")
    parser.add_argument("--duration", type=float, default=60.0, help="seconds; 0: until SIGTERM")
    parser.add_argument("--seed", type=int, default=1, help="where in the library to start")
    parser.add_argument("--library", type=Path, default=Path(__file__).resolve().parent / "library.json")
    options = parser.parse_args()
    if options.rate <= 0:
        parser.error("--rate must be above 0")
    try:
        components = [each["id"] for each in library.load(options.library)["components"]]
    except library.LibraryError as error:
        parser.error(str(error))
    if not components:
        parser.error(f"{options.library}: no components")

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    schedule = Schedule(components, options.rate, options.seed)
    tally = run(options.url, schedule, options.duration, stop)
    print(json.dumps(tally.as_dict()))


if __name__ == "__main__":
    main()
