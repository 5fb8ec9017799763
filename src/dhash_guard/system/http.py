"""Asks a web server one thing, politely: a limit on the whole time and size, TLS verified, redirects within the origin."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from attrs import frozen

from dhash_guard.system.limit import Limit

BODY_CAP = 4_000_000
"""Bytes of an answer that are read at most; a larger answer is a failure, not a part."""

_REDIRECTS = 5


class Trouble(Enum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_LARGE = "too-large"
    REDIRECT = "redirect"


@frozen(kw_only=True)
class Answer:
    """A complete answer; header names are lower case, `seconds` is from request to last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


@frozen
class NoAnswer:
    """No complete answer came, and why."""

    trouble: Trouble
    detail: str
    seconds: float = 0.0


class Http(Protocol):
    """Sends one request; `timeout` (seconds) covers everything, and trouble is a value, never an exception."""

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
    ) -> Answer | NoAnswer: ...


class RequestsHttp:
    """HTTP through `requests`, imported at the first use because it costs more than the rest of the start-up."""

    def __init__(self) -> None:
        self._session: Any = None
        self._limits = threading.local()

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
    ) -> Answer | NoAnswer:
        import requests
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        if self._session is None:
            self._session = self._open()
        began = time.monotonic()
        limit = self._limits.of_this_request = Limit(timeout)
        try:
            with limit:
                return self._follow(method, url, began, timeout, dict(headers or {}), json_body)
        except requests.Timeout:
            return NoAnswer(Trouble.TIMEOUT, f"no answer within {timeout:g} s", time.monotonic() - began)
        except ReadTimeoutError:
            return NoAnswer(Trouble.TIMEOUT, f"answer not complete within {timeout:g} s", time.monotonic() - began)
        except (requests.RequestException, HTTPError, ValueError) as problem:  # ValueError: an address that is none
            if limit.passed:
                return NoAnswer(Trouble.TIMEOUT, f"answer not complete within {timeout:g} s", time.monotonic() - began)
            return NoAnswer(Trouble.UNREACHABLE, _root_cause(problem), time.monotonic() - began)

    def _open(self) -> Any:
        """A session whose connections are given up when the limit of their request has passed."""
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
        from urllib3.connection import HTTPConnection, HTTPSConnection

        limits = self._limits

        class Plain(HTTPConnection):
            def getresponse(self) -> Any:
                limits.of_this_request.watch(self.sock)
                return super().getresponse()

        class Secure(HTTPSConnection):
            def getresponse(self) -> Any:
                limits.of_this_request.watch(self.sock)
                return super().getresponse()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        pools = {"http": PlainPool, "https": SecurePool}

        class Adapter(HTTPAdapter):
            def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
                super().init_poolmanager(*arguments, **options)
                self.poolmanager.pool_classes_by_scheme = pools

            def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
                manager = super().proxy_manager_for(*arguments, **options)
                manager.pool_classes_by_scheme = pools
                return manager

        session = requests.Session()
        # Without this, credentials of ~/.netrc would travel to whatever address the configuration names.
        session.auth = lambda prepared: prepared
        session.headers["User-Agent"] = "dhash-guard"
        session.mount("http://", Adapter())
        session.mount("https://", Adapter())
        return session

    def _follow(
        self, method: str, url: str, began: float, timeout: float, headers: dict[str, str], json_body: Any
    ) -> Answer | NoAnswer:
        for _ in range(_REDIRECTS):
            left = timeout - (time.monotonic() - began)
            if left <= 0:
                return NoAnswer(Trouble.TIMEOUT, f"no answer within {timeout:g} s", time.monotonic() - began)
            with self._session.request(
                method, url, headers=headers, json=json_body, timeout=left, stream=True, allow_redirects=False
            ) as reply:
                if reply.status_code in (301, 302, 303, 307, 308) and "location" in reply.headers:
                    target = urljoin(url, reply.headers["location"])
                    if _origin(target) != _origin(url):
                        return NoAnswer(
                            Trouble.REDIRECT, f"redirected to another origin, {_origin(target)}", time.monotonic() - began
                        )
                    url = target
                    continue
                return _read(reply, began, timeout)
        return NoAnswer(Trouble.REDIRECT, f"more than {_REDIRECTS} redirects", time.monotonic() - began)


def _read(reply: Any, began: float, timeout: float) -> Answer | NoAnswer:
    body = bytearray()
    # read1 hands over what has come; anything that waits for a full chunk would let a trickle outlast the limit.
    while chunk := reply.raw.read1(65536, decode_content=True):
        body += chunk
        if len(body) > BODY_CAP:
            return NoAnswer(Trouble.TOO_LARGE, f"answer larger than {BODY_CAP} bytes", time.monotonic() - began)
        if time.monotonic() - began > timeout:  # a server that trickles resets requests' own timer for ever
            break
    if time.monotonic() - began > timeout:
        return NoAnswer(Trouble.TIMEOUT, f"answer not complete within {timeout:g} s", time.monotonic() - began)
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Answer(status=reply.status_code, headers=headers, body=bytes(body), seconds=time.monotonic() - began)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _root_cause(problem: BaseException) -> str:
    """The innermost reason without object addresses: `Connection refused`, not urllib3's whole chain."""
    seen: set[int] = set()
    cause: BaseException = problem
    while id(cause) not in seen:
        seen.add(id(cause))
        inner = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in cause.args if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        cause = inner
    if (doubt := getattr(cause, "verify_message", None)) is not None:
        return f"certificate not trusted: {doubt}"
    return getattr(cause, "strerror", None) or type(cause).__name__
