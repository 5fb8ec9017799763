"""An S3 server on loopback, and a proxy in front of it that cuts, lies, forgets and refuses where a test wants it."""

from __future__ import annotations

import http.client
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import frozen

CREDENTIALS = {"STORE_KEY": "testing", "STORE_SECRET": "testing-secret"}


def require_s3() -> None:
    """Skip (in CI: fail) where the server or the client is not installed."""
    for name in ("moto.server", "s3fs"):
        try:
            importlib.import_module(name)
        except ImportError as problem:
            text = f"{problem.name} is missing: pip install 'moto[server]' 'dhash-guard[s3]'"
            if os.environ.get("CI") == "true":
                pytest.fail(text)
            pytest.skip(text)


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a moto server."""
    require_s3()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = importlib.import_module("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class Client:
    """Looks at the server directly, past every proxy; knows nothing of the program under test."""

    def __init__(self, url: str, bucket: str, **create: Any) -> None:
        boto3: Any = importlib.import_module("boto3")
        self.bucket = bucket
        self.s3 = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
        )
        self.s3.create_bucket(Bucket=bucket, **create)

    def keys(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def read(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def write(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def open_uploads(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])]


class Fault(Enum):
    """What the proxy does to a request."""

    CUT_BEFORE = "cut before the server saw it"
    CUT_AFTER = "done, but the answer is lost"
    ERROR_500 = "500"
    ERROR_503 = "503"
    FORBIDDEN = "403"
    SLOW = "slow"
    TRUNCATED = "half of the answer"
    WRONG_BYTES = "another byte in the answer"
    WRONG_BODY = "another byte stored"
    LOST_BODY = "said to be stored, and is not"
    STALE_LIST = "the list of before"
    NO_CONDITION = "the condition is not looked at"


@frozen
class Request:
    """A request as the proxy sees it; `number` counts from 1."""

    number: int
    method: str
    path: str

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and "list-type" in self.path

    @property
    def key(self) -> str:
        return urlsplit(self.path).path


Plan = Callable[[Request], Fault | None]


class Proxy:
    """Forwards to the server; `plan` decides what happens to each request, `hits` has what was done to which.

    A request that is `held` waits for its event first.
    """

    def __init__(self, target: str) -> None:
        self.plan: Plan = lambda _: None
        self.seen: list[Request] = []
        self.hits: list[tuple[Request, Fault]] = []
        self.slow = 30.0
        self.held: Callable[[Request], threading.Event | None] = lambda _: None
        self._lists: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}
        self._target = urlsplit(target).netloc
        self._lock = threading.Lock()
        self._stop = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._handle(self)

            do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start_over(self, plan: Plan) -> None:
        """Count from 1 again, under another plan."""
        with self._lock:
            self.plan, self.seen, self.hits = plan, [], []

    @contextmanager
    def serving(self) -> Iterator[Proxy]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._lock:
            request = Request(len(self.seen) + 1, handler.command, handler.path)
            self.seen.append(request)
            fault = self.plan(request)
            if fault is not None:
                self.hits.append((request, fault))
        handler.close_connection = True
        until = self._stop if fault is Fault.SLOW else self.held(request)
        if until is not None:
            until.wait(self.slow)
        if fault in (Fault.CUT_BEFORE, Fault.SLOW):
            return
        if fault in (Fault.ERROR_500, Fault.ERROR_503, Fault.FORBIDDEN):
            self._refuse(handler, fault)
            return
        if fault is Fault.LOST_BODY:
            self._send(handler, 200, [("ETag", '"0123456789abcdef0123456789abcdef"')], b"")
            return
        if fault is Fault.WRONG_BODY and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        status, headers, content = self._forward(handler, body, conditional=fault is not Fault.NO_CONDITION)
        if request.is_list:
            before = self._lists.get(handler.path)
            self._lists[handler.path] = (status, headers, content)
            if fault is Fault.STALE_LIST and before is not None:
                status, headers, content = before
        if fault is Fault.CUT_AFTER:
            return
        if fault is Fault.WRONG_BYTES and content:
            content = bytes([content[0] ^ 1]) + content[1:]
        self._send(handler, status, headers, content, half=fault is Fault.TRUNCATED)

    def _forward(
        self, handler: BaseHTTPRequestHandler, body: bytes, *, conditional: bool
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        dropped = {"connection", "expect"} | (set() if conditional else {"if-none-match"})
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in dropped}
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.request(handler.command, handler.path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _refuse(self, handler: BaseHTTPRequestHandler, fault: Fault) -> None:
        code = {Fault.ERROR_500: "InternalError", Fault.ERROR_503: "SlowDown", Fault.FORBIDDEN: "AccessDenied"}[fault]
        text = f"<Error><Code>{code}</Code><Message>{fault.value}</Message></Error>".encode()
        self._send(handler, int(fault.value), [("Content-Type", "application/xml")], text)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes,
        *,
        half: bool = False,
    ) -> None:
        handler.send_response_only(status)
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(content)))
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", length if handler.command == "HEAD" else str(len(content)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content[: len(content) // 2] if half else content)


def unused_address() -> str:
    """A loopback address where nobody listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Look until it is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
