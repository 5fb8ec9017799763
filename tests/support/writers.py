"""Many writers at once in a time of their own: a seeded scheduler, one request at a time, against the simulator's model."""

from __future__ import annotations

import heapq
import json
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dhash_guard.github.transport import Send
from dhash_guard.simulator import FaultKind, Simulator
from dhash_guard.simulator.hub import Request

START = 1_800_000_000.0
BASE = "http://127.0.0.1:1"

Latency = Callable[[random.Random, str, str], tuple[float, float]]
"""Seconds until a request takes effect, and from there until its answer is there; by method and path."""


def usual(rng: random.Random, method: str, path: str) -> tuple[float, float]:
    """What GitHub takes from a runner: a third of a second there and back, and now and then two seconds."""
    slow = 2.0 if rng.random() < 0.02 else 1.0
    return slow * rng.uniform(0.05, 0.25), slow * rng.uniform(0.05, 0.25)


class Schedule:
    """Lets exactly one writer run at a time, the one whose moment comes first; equal seeds give equal stories."""

    def __init__(self, seed: int = 0, latency: Latency = usual, at: float = START) -> None:
        self.random = random.Random(seed)
        self.latency = latency
        self.at = at
        self._due: list[tuple[float, int, threading.Semaphore]] = []
        self._count = 0
        self._paused = threading.Semaphore(0)

    def now(self) -> float:
        return self.at

    def run(self, jobs: Sequence[tuple[float, Callable[[], None]]]) -> None:
        """Begin each job so many seconds from now; return when all have ended. What one raises is raised here."""
        problems: list[BaseException] = []

        def work(job: Callable[[], None], may: threading.Semaphore) -> None:
            may.acquire()
            try:
                job()
            except BaseException as problem:  # noqa: BLE001  # a thread's failure is the test's
                problems.append(problem)
            finally:
                self._paused.release()

        for begins, job in jobs:
            may = threading.Semaphore(0)
            self._wake(begins, may)
            threading.Thread(target=work, args=(job, may), daemon=True).start()
        while self._due:
            self.at, _, may = heapq.heappop(self._due)
            may.release()
            assert self._paused.acquire(timeout=10), "a writer neither waits nor ends"
        if problems:
            raise problems[0]

    def wait(self, seconds: float) -> None:
        """What a writer calls: others run until its moment has come."""
        may = threading.Semaphore(0)
        self._wake(seconds, may)
        self._paused.release()
        may.acquire()

    def _wake(self, seconds: float, may: threading.Semaphore) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.at + max(seconds, 0.0), self._count, may))

    @property
    def clock(self) -> Ticking:
        return Ticking(self)

    def send(self, sim: Simulator, token: str) -> Send:
        """The network of one writer: each request takes its time, to the simulator and back."""

        def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], str]:
            there, back = self.latency(self.random, method, path)
            self.wait(there)
            reply = answer(sim, token, method, path, headers, body)
            self.wait(back)
            return reply

        return send


class Ticking:
    """The time of a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def now(self) -> float:
        return self._schedule.at

    def monotonic(self) -> float:
        return self._schedule.at

    def sleep(self, seconds: float) -> None:
        self._schedule.wait(seconds)


def answer(
    sim: Simulator, token: str, method: str, path: str, headers: dict[str, str], body: Any
) -> tuple[int, dict[str, str], str]:
    """What the simulator answers, without a socket between; a connection that it would break is an OSError."""
    parts = urlsplit(path)
    reply, fault = sim.answer(
        Request(
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={"user-agent": "test", "authorization": f"Bearer {token}"} | {k.lower(): v for k, v in headers.items()},
            body=json.dumps(body).encode() if body is not None else b"",
        )
    )
    if fault is not None and fault.kind in (FaultKind.RESET, FaultKind.TIMEOUT):
        raise ConnectionResetError("the connection was reset")
    text = "" if reply.data is None else json.dumps(reply.data)
    text = text[: len(text) // 2] if fault is not None and fault.kind is FaultKind.TRUNCATED else text
    return reply.status, {name.lower(): value for name, value in reply.headers.items()}, text
