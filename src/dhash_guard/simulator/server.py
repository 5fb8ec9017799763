"""Speaks HTTP on loopback: reads a request, asks who answers, sends the reply, or breaks the connection as a fault says."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dhash_guard.simulator.call import Reply
from dhash_guard.simulator.faults import LONGEST_DELAY, Fault, FaultKind
from dhash_guard.simulator.hub import Request

LOOPBACK = "127.0.0.1"
_BODY_CAP = 4_000_000

Answerer = Callable[[Request], tuple[Reply, Fault | None]]


class Server:
    """A web server on a port of 127.0.0.1, in a thread of its own."""

    def __init__(self, answer: Answerer, port: int = 0) -> None:
        self._stopping = threading.Event()
        self._http = _Threads((LOOPBACK, port), _handler(answer, self._stopping))
        self.url = f"http://{LOOPBACK}:{self._http.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the block ends; requests that a fault holds are let go."""
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join()


class _Threads(ThreadingHTTPServer):
    """One thread per connection; a client that went away is nobody's error."""

    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(answer: Answerer, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        # Header and body leave in one piece; waiting to fill a packet would only cost time.
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            reply, fault = answer(self._request())
            kind = fault.kind if fault else None
            if kind is FaultKind.TIMEOUT and fault is not None:
                stopping.wait(min(fault.seconds, LONGEST_DELAY))
                self.close_connection = True
            elif kind is FaultKind.RESET:
                _reset(self.connection)
                self.close_connection = True
            else:
                self._send(reply, half=kind is FaultKind.TRUNCATED)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

        def _request(self) -> Request:
            parts = urlsplit(self.path)
            told = self.headers.get("Content-Length") or "0"
            length = int(told) if told.isdecimal() and int(told) <= _BODY_CAP else 0
            # What was not read would be taken for the next request.
            self.close_connection = self.close_connection or told != str(length)
            return Request(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )

        def _send(self, reply: Reply, *, half: bool) -> None:
            content, kind = _bytes_of(reply.data)
            head = {"Content-Length": str(len(content))} | ({"Content-Type": kind} if content else {})
            self.send_response(reply.status)
            for name, value in (head | dict(reply.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if half else content)
            if half:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing on stderr: the log is read over HTTP."""

        wbufsize = -1

    return Handler


def _bytes_of(data: Any) -> tuple[bytes, str]:
    if data is None:
        return b"", ""
    if isinstance(data, bytes):
        return data, "application/zip"
    return json.dumps(data, ensure_ascii=False).encode(), "application/json; charset=utf-8"


def _reset(connection: socket.socket) -> None:
    """Close with a reset instead of a farewell."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The reading and writing files still hold the socket object; only its descriptor can be closed at once.
        socket.close(connection.detach())
