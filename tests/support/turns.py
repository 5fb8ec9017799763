"""Contenders that move one step at a time, in an order drawn from a seed, on a time that passes only between steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

from attrs import define, field


class Killed(BaseException):
    """The process is gone: nothing that it still had to do is done."""


@define(eq=False)
class Contender:
    """One process, with a clock that is wrong by `skew` seconds."""

    name: str
    turns: Turns
    skew: float
    wakes: float = 0.0
    killed_at: float | None = None
    over: bool = False
    problem: BaseException | None = None
    go: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))

    def step(self) -> None:
        """Let others go first, for as long as they are drawn."""
        self.turns.back.release()
        self.go.acquire()
        if self.killed_at is not None:
            raise Killed

    def now(self) -> float:
        return self.turns.time + self.skew

    def monotonic(self) -> float:
        return self.turns.time

    def sleep(self, seconds: float) -> None:
        self.wakes = self.turns.time + seconds
        self.step()


@define
class Turns:
    """Runs every contender to its end, one at a time."""

    random: Random
    time: float
    slowest: float = 2.0
    """Seconds that a step takes at most."""
    back: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    contenders: list[Contender] = field(factory=list)
    steps: int = 0

    def add(self, name: str, skew: float, work: Callable[[Contender], None]) -> Contender:
        """One more, who has not begun yet."""
        one = Contender(name=name, turns=self, skew=skew, wakes=self.time)

        def run() -> None:
            one.go.acquire()
            try:
                work(one)
            except Killed:
                pass
            except BaseException as problem:  # noqa: BLE001  # it is raised where all have ended
                one.problem = problem
            one.over = True
            self.back.release()

        threading.Thread(target=run, daemon=True, name=name).start()
        self.contenders.append(one)
        return one

    def run(self, between: Callable[[], None] = lambda: None) -> None:
        """Until nobody is left; `between` is called after every step. Raise what a contender raised."""
        while left := [one for one in self.contenders if not one.over]:
            ready = [one for one in left if one.wakes <= self.time or one.killed_at is not None]
            if not ready:
                self.time = min(one.wakes for one in left)
                continue
            one = self.random.choice(ready)
            self.time += self.random.random() * self.slowest
            self.steps += 1
            one.go.release()
            self.back.acquire()
            between()
        for one in self.contenders:
            if one.problem is not None:
                raise one.problem

    def kill(self, one: Contender) -> None:
        """It does nothing any more, whatever it was at."""
        one.killed_at = self.time
