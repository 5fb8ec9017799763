"""Requests have an end: in time, in size, and in where they may lead."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from dhash_guard.system import http as web
from dhash_guard.system.http import Answer, NoAnswer, RequestsHttp, Trouble
from support.loopback import Loopback


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback().serving() as one:
        yield one


def test_an_answer(service: Loopback) -> None:
    service.say("/x", {"a": 1}, status=418)
    answer = RequestsHttp().request("GET", service.url + "/x", timeout=5)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (418, b'{"a": 1}')
    assert answer.headers["content-type"] == "application/json"


def test_nobody_there() -> None:
    answer = RequestsHttp().request("GET", "http://127.0.0.1:9/", timeout=5)
    assert isinstance(answer, NoAnswer)
    assert (answer.trouble, answer.detail) == (Trouble.UNREACHABLE, "Connection refused")


def test_too_much(service: Loopback) -> None:
    service.routes["/big"] = lambda: (200, b"x" * (web.BODY_CAP + 1))
    answer = RequestsHttp().request("GET", service.url + "/big", timeout=20)
    assert isinstance(answer, NoAnswer)
    assert answer.trouble is Trouble.TOO_LARGE


def trickling() -> Iterator[str]:
    """A server that sends a byte whenever the reader's patience is about to end, and one that redirects away."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve() -> None:
            listener.settimeout(0.1)
            while not stop.is_set():
                try:
                    peer, _ = listener.accept()
                except TimeoutError:
                    continue
                with peer:
                    request = peer.recv(65536)
                    if b"/away" in request:
                        peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:1/\r\nContent-Length: 0\r\n\r\n")
                        continue
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                    while not stop.wait(0.1):
                        try:
                            peer.sendall(b"x")
                        except OSError:
                            break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        thread.join()


@pytest.fixture
def slow() -> Iterator[str]:
    yield from trickling()


def test_a_trickle_does_not_outlast_the_limit(slow: str) -> None:
    answer = RequestsHttp().request("GET", slow + "/", timeout=0.5)
    assert isinstance(answer, NoAnswer)
    assert answer.trouble in (Trouble.TIMEOUT, Trouble.UNREACHABLE)
    assert answer.seconds < 5


def test_redirects_stay_within_the_origin(slow: str) -> None:
    answer = RequestsHttp().request("GET", slow + "/away", timeout=5)
    assert isinstance(answer, NoAnswer)
    assert answer.trouble is Trouble.REDIRECT


def babbling(first: bytes, again: bytes) -> Iterator[str]:
    """A server that does not come to the end of its headers for longer than anyone should wait."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer, contextlib.suppress(OSError):
                peer.recv(65536)
                peer.sendall(first)
                for _ in range(100):
                    if stop.wait(0.05):
                        break
                    peer.sendall(again)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-More: ", b"1"),
        (b"HTTP/1.1 ", b"2"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_headers_that_trickle_do_not_outlast_the_limit(first: bytes, again: bytes) -> None:
    babbler = babbling(first, again)
    answer = RequestsHttp().request("GET", next(babbler), timeout=0.3)
    next(babbler, None)
    assert isinstance(answer, NoAnswer)
    assert (answer.trouble, answer.seconds < 3) == (Trouble.TIMEOUT, True), answer


def test_the_limit_of_one_request_does_not_cut_the_next(service: Loopback) -> None:
    """The connection is kept; a timer left over from the first request would end the last one."""
    http = RequestsHttp()
    service.say("/x", {"a": 1})

    def late() -> tuple[int, bytes]:
        time.sleep(0.3)
        return 200, b"{}"

    service.routes["/late"] = late
    assert isinstance(http.request("GET", service.url + "/x", timeout=0.2), Answer)
    assert isinstance(http.request("GET", service.url + "/late", timeout=10), Answer)


@pytest.mark.parametrize("sent", [b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"])
def test_half_an_answer_is_none(sent: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\n" + sent)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        answer = RequestsHttp().request("GET", f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=5)
        thread.join()
    assert isinstance(answer, NoAnswer)
    assert answer.trouble is Trouble.UNREACHABLE
