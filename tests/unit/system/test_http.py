"""Requests have an end: in time, in size, and in where they may lead."""

from __future__ import annotations

import socket
import threading
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
