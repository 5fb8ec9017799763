"""Cuts a connection off when the time of its request is up."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any


class Limit:
    """Ends what one request still waits for when its time is up: headers that trickle would reset every other timer."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._watched: Any = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(seconds, 0.0), self._pass)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        # Under the lock, so that a connection that goes back to the pool is not cut off afterwards.
        with self._lock:
            self._watched = None
        self._timer.cancel()

    def watch(self, connection: Any) -> None:
        with self._lock:
            self._watched = connection
            self._cut()

    def _pass(self) -> None:
        with self._lock:
            self.passed = True
            self._cut()

    def _cut(self) -> None:
        if self.passed and self._watched is not None:
            with suppress(OSError, ValueError):
                # Of the plain socket, because the one of TLS would wait for the other side to agree.
                socket.socket.shutdown(self._watched, socket.SHUT_RDWR)
