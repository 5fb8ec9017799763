"""A loopback web service for tests: its answers are set by the test while the program under test asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes]
Route = Callable[[], Answer]


def body(data: Any, status: int = 200) -> Answer:
    """JSON as an answer."""
    return status, json.dumps(data).encode()


class Loopback:
    """`routes` maps a path to a function that gives the answer of this moment; unknown paths are 404."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                status, content = outer.routes.get(self.path, lambda: (404, b"{}"))()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_HEAD = do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def say(self, path: str, data: Any, status: int = 200) -> None:
        """Answer `path` with this JSON from now on."""
        self.routes[path] = lambda: body(data, status)

    def script(self, path: str, answers: list[Answer]) -> None:
        """Answer with each of these in turn, then for ever with the last."""
        left = list(answers)
        self.routes[path] = lambda: left.pop(0) if len(left) > 1 else left[0]

    @contextmanager
    def serving(self) -> Iterator[Loopback]:
        """Serve in a thread."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
