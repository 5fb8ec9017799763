"""The simulator as a test holds it: seeded in Python, served on ports that the system chooses, asked what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from attrs import evolve

from dhash_guard.simulator import admin
from dhash_guard.simulator.call import Reply
from dhash_guard.simulator.completion import complete
from dhash_guard.simulator.document import Document
from dhash_guard.simulator.faults import Fault, FaultKind, Faults
from dhash_guard.simulator.hub import Entry, Hub, Request
from dhash_guard.simulator.seeding import Seeding
from dhash_guard.simulator.server import Server
from dhash_guard.simulator.state import Comment, Repository, Status
from dhash_guard.simulator.storage import Storage
from dhash_guard.system.clock import SystemClock

DEFAULT_REPOSITORY = "mobius/dhash-service"


class Simulator(Seeding):
    """A GitHub of one's own: `with Simulator().serving() as sim:`, and `sim.url` is its API.

    Without a document there is one private, empty repository. `repository` is the one that the `add_…` methods fill.
    """

    def __init__(
        self,
        document: Document | None = None,
        *,
        repository: str = "",
        now: Callable[[], float] = SystemClock().now,
        port: int = 0,
        enterprise: bool = False,
    ) -> None:
        """With `enterprise` the API stands where Enterprise Server has it: `/api/v3` and `/api/graphql`."""
        made = document or Document()
        name = repository or next(iter(made.world.repositories), DEFAULT_REPOSITORY)
        super().__init__(Hub(made.world, Faults(made.faults), now), name)
        self._port = port
        self._below = "/api/v3" if enterprise else ""
        complete(name, self.world.repositories.setdefault(name, Repository()), now())

    @contextmanager
    def serving(self) -> Iterator[Self]:
        """Serve until the block ends."""
        storage = Storage(self._hub)
        files, api = Server(storage.answer), Server(self.answer, self._port)
        storage.url, self._hub.blobs, self._hub.base = files.url, storage.sign, api.url + self._below
        with files.serving(), api.serving():
            yield self

    @property
    def url(self) -> str:
        """The address of the API as answers name it; set it to that of a proxy which stands in front."""
        return self._hub.base

    @url.setter
    def url(self, address: str) -> None:
        self._hub.base = address

    @property
    def log(self) -> tuple[Entry, ...]:
        """Every request so far, without those to `/_simulator/`."""
        return tuple(self._hub.log)

    @property
    def unknown_routes(self) -> list[str]:
        """Requests that the simulator does not serve: a test asserts that there are none."""
        return self._hub.unknown_routes()

    def comments(self, number: int) -> list[Comment]:
        """The comments as they are, whatever lists still show."""
        with self._hub.lock:
            return [comment for comment in self.repository.comments if comment.issue == number]

    def statuses(self, sha: str) -> list[Status]:
        """The statuses of a commit, oldest first."""
        with self._hub.lock:
            return [status for status in self.repository.statuses if status.sha == sha]

    def fault(self, kind: FaultKind | str, **facts: Any) -> None:
        """Arm a fault: `sim.fault("status", method="GET", path="*/comments", status=502, times=2)`."""
        with self._hub.lock:
            self._hub.faults.add([Fault(kind=FaultKind(kind), **facts)])

    def clear_faults(self) -> None:
        """Disarm every fault."""
        with self._hub.lock:
            self._hub.faults.clear()

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """Answer one request as the server would, and name the fault that its connection would meet."""
        if request.path.startswith(admin.PREFIX):
            return admin.answer(self._hub, request), None
        if self._below:
            request = evolve(request, path=_of_enterprise(request.path, self._below))
        return self._hub.answer(request)


def _of_enterprise(path: str, below: str) -> str:
    """The path as github.com has it; one that Enterprise Server does not have stays unknown."""
    if path == "/api/graphql":
        return "/graphql"
    return path.removeprefix(below) if path.startswith(f"{below}/") and path != f"{below}/graphql" else f"/unknown{path}"
