"""Answers `/_simulator/…`: what tests may see and change, which GitHub itself has nothing like."""

from __future__ import annotations

import json
from typing import Any

from dhash_guard.simulator.call import Refusal, Reply
from dhash_guard.simulator.document import document, structure, to_json
from dhash_guard.simulator.faults import Fault
from dhash_guard.simulator.hub import Hub, Request

PREFIX = "/_simulator/"
_LOCAL_NAMES = ("127.0.0.1", "localhost")


def answer(hub: Hub, request: Request) -> Reply:
    """The log, the state, or a change of either."""
    try:
        # A web page may make a browser ask loopback under a name of its own; such a request is not from here.
        if request.headers.get("host", "").rsplit(":", 1)[0] not in _LOCAL_NAMES:
            raise Refusal(403, "Only for 127.0.0.1 and localhost")
        with hub.lock:
            return _answer(hub, request)
    except Refusal as refusal:
        return refusal.reply


def _answer(hub: Hub, request: Request) -> Reply:
    match request.method, request.path.removeprefix(PREFIX):
        case "GET", "log":
            return _json({"requests": hub.log, "unknown_routes": hub.unknown_routes()})
        case "DELETE", "log":
            hub.log.clear()
            return Reply(status=204)
        case "GET", "state":
            return _json(hub.world)
        case "PUT", "state":
            made = _read(request, lambda data: document(data, hub.now()))
            hub.replace(made.world)
            hub.faults.clear()
            hub.faults.add(made.faults)
            return Reply(status=204)
        case "POST", "faults":
            hub.faults.add(_read(request, lambda data: structure(tuple[Fault, ...], data)))
            return Reply(status=204)
        case "DELETE", "faults":
            hub.faults.clear()
            return Reply(status=204)
        case _:
            raise Refusal(404, "The simulator has log, state and faults here")


def _json(record: Any) -> Reply:
    return Reply(data=json.loads(to_json(record)))


def _read(request: Request, reader: Any) -> Any:
    try:
        return reader(json.loads(request.body))
    except ValueError as problem:
        raise Refusal(422, str(problem)) from None
