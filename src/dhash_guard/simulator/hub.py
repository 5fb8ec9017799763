"""Decides the answer to one request at a time (fault, identity, quota, route, permission, body, handler) and notes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, frozen

from dhash_guard.simulator import door, routes
from dhash_guard.simulator.call import Call, Refusal, Reply
from dhash_guard.simulator.faults import Fault, FaultKind, Faults, answer_of
from dhash_guard.simulator.lag import Lags
from dhash_guard.simulator.quota import Quota
from dhash_guard.simulator.state import World
from dhash_guard.simulator.tokens import Token

_BEFORE = {FaultKind.STATUS, FaultKind.TOO_MANY, FaultKind.PRIMARY_LIMIT, FaultKind.SECONDARY_LIMIT}
_UNHEARD = {FaultKind.TIMEOUT, FaultKind.RESET}


@frozen(kw_only=True)
class Request:
    """A request as it came: the path still encoded, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@frozen(kw_only=True)
class Entry:
    """One line of the log; `status` is None where no answer arrived, `route` is empty where nothing is served."""

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    route: str
    identity: str
    status: int | None
    fault: str
    body: Any


class Hub:
    """The world and what it remembers between requests."""

    def __init__(self, world: World, faults: Faults, now: Callable[[], float]) -> None:
        self.world = world
        self.faults = faults
        self.log: list[Entry] = []
        self.base = ""
        self.lock = threading.RLock()
        self.now = now
        self.blobs: Callable[[str], str] = lambda path: path
        self._lags = Lags()
        self._quota = Quota()

    def replace(self, world: World) -> None:
        """Begin again with another world; the log goes on."""
        self.world, self._lags, self._quota = world, Lags(), Quota()

    def unknown_routes(self) -> list[str]:
        """What was asked for and is not served."""
        return [f"{entry.method} {entry.path}" for entry in self.log if not entry.route]

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """What to answer, and the fault that the connection itself must meet."""
        with self.lock:
            fault = self.faults.strike(request.method, request.path)
            found = routes.find(request.method, request.path)
            at, text = self.now(), door.credential(request.headers)
            reply = self._reply(request, found, fault, at)
            token = self.world.tokens.get(text)
            self._note(request, found[0].template if found and reply.served else "", token, reply, fault)
            more = {"X-GitHub-Request-Id": f"SIM:{len(self.log)}"} | self._quota.headers(text, token, at)
            return evolve(reply, headers=more | dict(reply.headers)), fault

    def _reply(
        self, request: Request, found: tuple[routes.Route, Mapping[str, str]] | None, fault: Fault | None, at: float
    ) -> Reply:
        try:
            if fault is not None and fault.kind in _UNHEARD:
                return Reply(status=0)
            if fault is not None and fault.kind in _BEFORE and (said := answer_of(fault, at)):
                raise said
            reply = self._serve(request, found, fault, at)
        except Refusal as refusal:
            return refusal.reply
        said = answer_of(fault, at) if fault is not None and fault.kind is FaultKind.LOST_ANSWER else None
        return said.reply if said else reply

    def _serve(
        self, request: Request, found: tuple[routes.Route, Mapping[str, str]] | None, fault: Fault | None, at: float
    ) -> Reply:
        if "user-agent" not in request.headers:
            raise Refusal(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."
            )
        token = door.identify(self.world, request.headers)
        text = door.credential(request.headers)
        if found is None:
            raise Refusal(404, "Not Found")
        route, params = found
        if route.template == "/rate_limit":
            return Reply(data=self._quota.overview(text, token, at))
        self._quota.take(text, token, at)
        door.admit(self.world, route, params, token)
        return route.answer(
            Call(
                world=self.world,
                lags=self._lags,
                base=self.base,
                blobs=self.blobs,
                path=request.path,
                params=params,
                query=request.query,
                body=_fields(request.body),
                token=token,
                at=at,
                lag=fault.lag if fault is not None else 0,
                backwards=fault is not None and fault.kind is FaultKind.REORDER,
            )
        )

    def _note(self, request: Request, template: str, token: Token | None, reply: Reply, fault: Fault | None) -> None:
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:
            body = request.body.decode("utf-8", "replace")
        self.log.append(
            Entry(
                number=len(self.log) + 1,
                method=request.method,
                path=request.path,
                query=request.query,
                route=template,
                identity=token.login if token else "",
                status=reply.status or None,
                fault=fault.kind.value if fault else "",
                body=body,
            )
        )


def _fields(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        fields = json.loads(body)
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(fields, dict):
        raise Refusal(400, "Body should be a JSON object")
    return fields
