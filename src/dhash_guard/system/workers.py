"""Spreads one kind of work over the cores and hands the results back in the order of the tasks."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, count, islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from dhash_guard.system.interrupt import held_off

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.connection import Connection

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[T, memoryview], R]
"""Does one task; may fill the slab that it is given, whose bytes then travel with the result without being copied."""

_DIED = "a worker process died"

_AHEAD = 2
"""Tasks per worker that are under way at once: one being worked on and one waiting, so that no worker stands idle."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Work[T, R], tasks: Iterable[T], *, workers: int, slab: int = 0, meanwhile: Callable[[], None] | None = None
) -> Iterator[tuple[R, memoryview]]:
    """Do `work` for each of `tasks` and yield results in their order, each with the slab of `slab` bytes that it filled.

    A slab is valid until the next result is asked for. Work is done in processes where this one can fork, in threads
    elsewhere (Windows, macOS, and where threads run already), and right here where there is only one task or one worker,
    or the system has no process left.
    `meanwhile` is done once beside it. Raise what the work or `meanwhile` raised, and OSError where a worker died.
    """
    waiting = iter(tasks)
    first = list(islice(waiting, 2))
    team = _team(work, workers, slab) if len(first) == 2 and workers > 1 else None
    if team is None:
        here = memoryview(bytearray(slab)) if first else memoryview(b"")
        for task in chain(first, waiting):
            yield work(task, here), here
        if meanwhile is not None:
            meanwhile()
        return
    beside = _Beside(meanwhile) if meanwhile is not None else None
    try:
        if beside is not None:
            beside.start()  # only now: a process with threads must not fork
        yield from team.run(chain(first, waiting))
    finally:
        team.close()
        if beside is not None:
            beside.join()
    if beside is not None and beside.problem is not None:
        raise beside.problem


class _Beside(threading.Thread):
    """What is done meanwhile, and what it raised: nobody may take for done what was not."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            self._meanwhile()
        except BaseException as problem:  # noqa: BLE001 - raised again where the results are taken
            self.problem = problem


def _team(work: Work[T, R], workers: int, slab: int) -> _Forked[T, R] | _Threads[T, R] | None:
    """Those who do the work; None where the system lets us have nobody."""
    if not _may_fork():
        return _Threads(work, workers, slab)
    try:
        return _Forked(work, workers, slab)
    except OSError:
        return None


def _may_fork() -> bool:
    """Forking is only safe while no other thread may hold a lock."""
    return sys.platform == "linux" and threading.active_count() == 1


class _Forked(Generic[T, R]):
    """Worker processes that inherit `work` and share their slabs with this one: as many as the system lets us have.

    Raise OSError where it lets us have none.
    """

    def __init__(self, work: Work[T, R], workers: int, slab: int) -> None:
        from multiprocessing import Pipe

        self._shared = [[mmap.mmap(-1, max(slab, 1)) for _ in range(_AHEAD)] for _ in range(workers)]
        self._slabs = [[memoryview(each) for each in own] for own in self._shared]
        self._pipes: list[Connection] = []
        self._pids: list[int] = []
        refused: OSError | None = None
        try:
            with held_off():  # what comes in the middle of a fork, Python cannot raise
                try:
                    for slabs in self._slabs:
                        self._hire(work, slabs, *Pipe())
                except OSError as problem:  # the system has no more processes for us
                    refused = problem
        except BaseException:
            self.close()
            raise
        if refused is not None and not self._pids:
            raise refused

    def _hire(self, work: Work[T, R], slabs: list[memoryview], ours: Connection, theirs: Connection) -> None:
        with theirs:
            parent = os.getpid()
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if pid == 0:  # pragma: no cover - runs in the child
                for other in (*self._pipes, ours):
                    other.close()
                _serve(work, theirs, slabs, parent)
        self._pipes.append(ours)
        self._pids.append(pid)

    def run(self, tasks: Iterable[T]) -> Iterator[tuple[R, memoryview]]:
        under_way: deque[int] = deque()
        given, taken = [0] * len(self._pids), [0] * len(self._pids)
        for task in tasks:
            worker = min(range(len(given)), key=lambda each: given[each] - taken[each])
            while given[worker] - taken[worker] == _AHEAD:
                yield self._take(under_way, taken)
                worker = min(range(len(given)), key=lambda each: given[each] - taken[each])
            self._send(worker, task)
            given[worker] += 1
            under_way.append(worker)
        while under_way:
            yield self._take(under_way, taken)

    def _send(self, worker: int, task: T) -> None:
        try:
            self._pipes[worker].send(task)
        except ConnectionError:
            raise OSError(_DIED) from None

    def _take(self, under_way: deque[int], taken: list[int]) -> tuple[R, memoryview]:
        worker = under_way.popleft()
        try:
            done, result = self._pipes[worker].recv()
        except (EOFError, ConnectionError):
            raise OSError(_DIED) from None
        slab = self._slabs[worker][taken[worker] % _AHEAD]
        taken[worker] += 1
        if not done:
            raise result
        return result, slab

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for pid in self._pids:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)  # whatever it still does is wanted by nobody
            with suppress(OSError):
                os.waitpid(pid, 0)


def _serve(
    work: Work[T, R], pipe: Connection, slabs: list[memoryview], parent: int
) -> None:  # pragma: no cover - runs in the child
    """The life of a worker: never returns, and ends with its parent, whose locks it would hold otherwise."""
    try:
        for kind in (signal.SIGINT, signal.SIGHUP):  # the parent is told, and decides
            signal.signal(kind, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent = 1
        ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)
        gc.disable()  # it looks through all that was inherited, and copies those pages; tasks leave no cycles
        tasks: SimpleQueue[tuple[T] | None] = _received(pipe)
        for number in count():
            if os.getppid() != parent or (given := tasks.get()) is None:
                return
            try:
                answer = (True, work(given[0], slabs[number % _AHEAD]))
            except Exception as problem:  # noqa: BLE001 - every failure belongs to the parent
                answer = (False, problem)  # type: ignore[assignment]
            pipe.send(answer)
    except (EOFError, OSError):
        pass
    finally:
        os._exit(0)


def _received(pipe: Connection) -> SimpleQueue[tuple[T] | None]:  # pragma: no cover - runs in the child
    """The tasks as they come, None behind the last: taken in while an answer waits to be read.

    Where both are larger than the pipe holds, parent and worker would wait for each other for ever otherwise.
    """
    tasks: SimpleQueue[tuple[T] | None] = SimpleQueue()

    def read() -> None:
        try:
            while True:
                tasks.put((pipe.recv(),))
        except (EOFError, OSError):
            pass
        finally:
            tasks.put(None)

    threading.Thread(target=read, daemon=True).start()
    return tasks


class _Threads(Generic[T, R]):
    """Worker threads, each task with a slab of its own."""

    def __init__(self, work: Work[T, R], workers: int, slab: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._work = work
        self._pool = ThreadPoolExecutor(workers)
        self._free = [memoryview(bytearray(slab)) for _ in range(workers * _AHEAD)]

    def run(self, tasks: Iterable[T]) -> Iterator[tuple[R, memoryview]]:
        under_way: deque[tuple[Future[R], memoryview]] = deque()
        for task in tasks:
            while not self._free:
                yield from self._take(under_way)
            slab = self._free.pop()
            under_way.append((self._pool.submit(self._work, task, slab), slab))
        while under_way:
            yield from self._take(under_way)

    def _take(self, under_way: deque[tuple[Future[R], memoryview]]) -> Iterator[tuple[R, memoryview]]:
        future, slab = under_way.popleft()
        yield future.result(), slab
        self._free.append(slab)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
