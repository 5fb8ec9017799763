"""Decides what the service answers to each HTTP request."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from metrics import Metrics, as_json, as_prometheus
from release import ExtractionError, Release
from worker import UnknownComponentError, Worker

LARGEST_BODY = 64 * 1024

log = logging.getLogger("mobius-dhash")


@dataclass(frozen=True)
class Answer:
    """What goes back to the client."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"


def json_answer(status: HTTPStatus, value: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(value).encode() + b"\n")


def error(status: HTTPStatus, message: str) -> Answer:
    return json_answer(status, {"error": message})


@dataclass(frozen=True)
class Api:
    """The answers, knowing nothing of sockets."""

    root: Path
    release: Release
    worker: Worker
    metrics: Metrics
    started: float = field(default_factory=time.monotonic)

    def get(self, path: str) -> Answer:
        routes: dict[str, Callable[[], Answer]] = {
            "/health": self.health,
            "/metrics": self.prometheus,
            "/metrics/dhash": self.dhash_metrics,
            "/api/dhash/queue/status": self.queue_status,
            "/static/": self.page,
        }
        return routes[path]() if path in routes else error(HTTPStatus.NOT_FOUND, f"nothing to GET at {path}")

    def post(self, path: str, body: bytes) -> Answer:
        if path == "/api/dhash/hash":
            return self.hash(body)
        return error(HTTPStatus.NOT_FOUND, f"nothing to POST to at {path}")

    def health(self) -> Answer:
        verdict = {"status": "healthy"}
        if self.release.unhealthy is not None:
            # Still 200: the service answers, and what it says is that it is not well.
            verdict = {"status": "unhealthy", "reason": self.release.unhealthy}
        about = {
            "version": self.release.version,
            "release": self.release.name,
            "uptime": round(time.monotonic() - self.started, 3),
            "pid": os.getpid(),
        }
        return json_answer(HTTPStatus.OK, verdict | about)

    def prometheus(self) -> Answer:
        text = as_prometheus(self.metrics.totals(), self.release.version, self.release.name)
        return Answer(HTTPStatus.OK, text.encode(), "text/plain; version=0.0.4; charset=utf-8")

    def dhash_metrics(self) -> Answer:
        return json_answer(HTTPStatus.OK, as_json(self.metrics.totals(), self.metrics.window_seconds))

    def queue_status(self) -> Answer:
        totals = self.metrics.totals()
        status = {
            "low_confidence": totals.low_confidence,
            "processed": totals.hashes,
            "pending": self.worker.pending,
        }
        return json_answer(HTTPStatus.OK, status)

    def page(self) -> Answer:
        page = (self.root / "static" / "index.html").read_bytes()
        return Answer(HTTPStatus.OK, page, "text/html; charset=utf-8")

    def hash(self, body: bytes) -> Answer:
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            return error(HTTPStatus.BAD_REQUEST, "the body is not JSON")
        name = request.get("component") if isinstance(request, dict) else None
        if not isinstance(name, str):
            return error(HTTPStatus.BAD_REQUEST, 'expected {"component": "<id or kind>"}')
        try:
            return json_answer(HTTPStatus.OK, asdict(self.worker.hash(name)))
        except UnknownComponentError as unknown:
            return error(HTTPStatus.NOT_FOUND, str(unknown))
        except ExtractionError as failed:
            return error(HTTPStatus.UNPROCESSABLE_ENTITY, str(failed))


class BadBodyError(Exception):
    """The request's body cannot be read."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Reads one request from a connection and writes the answer."""

    server: Server
    timeout = 1.0  # seconds a silent client may hold a connection, and so delay a clean stop

    def do_GET(self) -> None:
        self._answer(lambda api, path: api.get(path))

    do_HEAD = do_GET  # `_send` leaves the body out

    def do_POST(self) -> None:
        # The body is read whatever the path: closing on unread bytes could cost the client its answer.
        self._answer(lambda api, path: api.post(path, self._body()))

    def _answer(self, ask: Callable[[Api, str], Answer]) -> None:
        path = self.path.partition("?")[0]
        try:
            answer = ask(self.server.api, path)
        except BadBodyError as bad:
            answer = error(bad.status, str(bad))
        except Exception:  # a mistake, perhaps the release's, must cost one answer and not the connection
            log.exception("%s %s", self.command, path)
            answer = error(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error, see the log")
        self._send(answer)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise BadBodyError(HTTPStatus.BAD_REQUEST, "a Content-Length is needed")
        if int(length) > LARGEST_BODY:
            raise BadBodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LARGEST_BODY} bytes")
        try:
            return self.rfile.read(int(length))
        except TimeoutError as slow:
            raise BadBodyError(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time") from slow

    def _send(self, answer: Answer) -> None:
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
        except ConnectionError:
            log.info("%s went away before its answer", self.address_string())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses by itself (a garbled request, a strange method), as JSON."""
        status = HTTPStatus(code)
        self._send(error(status, message or status.phrase))

    def version_string(self) -> str:
        return "mobius-dhash"

    def log_message(self, format: str, *args: Any) -> None:
        log.info("%s %s", self.address_string(), format % args)


class Server(ThreadingHTTPServer):
    """Listens on the loopback interface only."""

    daemon_threads = False  # a clean stop lets the requests under way finish
    request_queue_size = 64

    def __init__(self, port: int, api: Api) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.api = api

    def server_bind(self) -> None:
        # Not HTTPServer's own: that looks up the host's name, which may take seconds and serves nothing.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]
