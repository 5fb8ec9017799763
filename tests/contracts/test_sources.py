"""Every source that asks over HTTP turns every kind of trouble into its own absence, and keeps its token to itself."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.records.sample import Absence, AbsenceKind, Health
from dhash_guard.records.units import Seconds, Unit
from dhash_guard.signals.health import HealthSettings, HealthSource
from dhash_guard.signals.http_json import HttpJson, ValueMapping
from dhash_guard.signals.prometheus import Prometheus, QueryMapping
from dhash_guard.signals.prometheus_text import MetricMapping, PrometheusText
from dhash_guard.signals.source import Place
from dhash_guard.system.http import BODY_CAP
from dhash_guard.system.machine import this_machine

K = AbsenceKind
TOKEN = {"TOKEN": "a-secret-that-stays-here"}
OLD = 1_500_000_000
FRESH = Seconds(120.0)

Behaviour = Callable[[socket.socket, threading.Event], None]


class Raw:
    """A server that answers byte by byte as the test wants; `heads` has what every request said."""

    def __init__(self, behave: Behaviour, context: ssl.SSLContext | None = None) -> None:
        self.behave, self.heads = behave, list[str]()
        self._context, self._stop = context, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def serving(self) -> Iterator[Raw]:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()
            self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):  # nobody came, or who came has gone
                peer, _ = self._listener.accept()
                with peer:
                    peer.settimeout(5)
                    talk = peer if self._context is None else self._context.wrap_socket(peer, server_side=True)
                    with talk:
                        self.heads.append(_head(talk))
                        self.behave(talk, self._stop)


def _head(peer: socket.socket) -> str:
    """The request up to its blank line, so that nothing unread resets the connection."""
    head = b""
    while b"\r\n\r\n" not in head and (more := peer.recv(65536)):
        head += more
    return head.decode()


def reply(body: bytes, status: int = 200, *, length: int | None = None, more: str = "") -> Behaviour:
    """A whole answer; one that promises more than it sends where `length` says so."""
    head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body) if length is None else length}\r\n{more}\r\n".encode()
    return lambda peer, _: peer.sendall(head + body)


def trickle(first: bytes, again: bytes) -> Behaviour:
    """Something every tenth of a second, for longer than anyone should wait."""

    def behave(peer: socket.socket, stop: threading.Event) -> None:
        peer.sendall(first)
        for _ in range(100):
            if stop.wait(0.1):
                break
            peer.sendall(again)

    return behave


KINDS: dict[str, Callable[[str], Any]] = {
    "http-json": lambda url: HttpJson(
        kind="http-json",
        url=f"{url}/metrics",
        values={"v": ValueMapping(at="v", unit=Unit.COUNT)},
        timeout=Seconds(10.0),
        token_env="TOKEN",
        time_at="at",
        fresh=FRESH,
    ),
    "prometheus-text": lambda url: PrometheusText(
        kind="prometheus-text",
        url=f"{url}/metrics",
        values={"v": MetricMapping(metric="v", unit=Unit.COUNT)},
        timeout=Seconds(10.0),
        token_env="TOKEN",
        fresh=FRESH,
    ),
    "prometheus": lambda url: Prometheus(
        kind="prometheus",
        url=url,
        values={"v": QueryMapping(query="v", unit=Unit.COUNT)},
        timeout=Seconds(10.0),
        token_env="TOKEN",
    ),
}


def look(kind: str, url: str, **changes: Any) -> Any:
    """What one look at this address yields."""
    place = Place(base_url="http://127.0.0.1:9", root=Path(), machine=this_machine(TOKEN))
    return evolve(KINDS[kind](url), **changes).open("s", place).sample()["v"]


def at(kind: str, behave: Behaviour, context: ssl.SSLContext | None = None, **changes: Any) -> Any:
    with Raw(behave, context).serving() as server:
        return look(kind, server.url, **changes)


def body(kind: str, value: Any, when: float | None = None) -> bytes:
    """A right answer of this kind with this value, None for no such value, made now or at another time."""
    now = time.time() if when is None else when
    if kind == "http-json":
        return json.dumps({"at": now} | ({} if value is None else {"v": value})).encode()
    if kind == "prometheus-text":
        return f"{'other' if value is None else 'v'} {value or 0} {int(now * 1000)}\n".encode()
    result = [] if value is None else [{"metric": {}, "value": [now, str(value)]}]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_answer(kind: str) -> None:
    assert at(kind, reply(body(kind, 7))) == 7.0


EVERY: dict[str, tuple[Behaviour, AbsenceKind]] = {
    "not found": (reply(b"{}", 404), K.HTTP_STATUS),
    "unauthorised": (reply(b"{}", 401), K.HTTP_STATUS),
    "failing": (reply(b"oops", 500), K.HTTP_STATUS),
    "no content": (reply(b"", 204), K.HTTP_STATUS),
    "not the format": (reply(b"<html>\nmaintenance\n</html>\n"), K.NOT_JSON),
    "not even text": (reply(b"\xff\xfe\x00\n"), K.NOT_JSON),
    "too large": (reply(b"#" * BODY_CAP + b"\n\n"), K.NOT_JSON),
    "not HTTP": (lambda peer, _: peer.sendall(b"SSH-2.0-OpenSSH\r\n"), K.UNREACHABLE),
    "hung up": (lambda peer, _: None, K.UNREACHABLE),
    "cut short": (reply(b'{"v": 1}\n', length=4000), K.UNREACHABLE),
    "cut in a chunk": (
        lambda peer, _: peer.sendall(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nv 1\n\r\n"),
        K.UNREACHABLE,
    ),
    "silence": (trickle(b"", b""), K.TIMEOUT),
    "headers for ever": (trickle(b"HTTP/1.1 200 x\r\n", b"X-More: 1\r\n"), K.TIMEOUT),
    "a header for ever": (trickle(b"HTTP/1.1 200 x\r\nX-More: ", b"1"), K.TIMEOUT),
    "interim answers for ever": (trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), K.TIMEOUT),
    "a body for ever": (trickle(b"HTTP/1.1 200 x\r\n\r\n", b" "), K.TIMEOUT),
    "a redirect elsewhere": (reply(b"", 302, more="Location: http://127.0.0.2:1/\r\n"), K.HTTP_STATUS),
    "a redirect to another port": (reply(b"", 307, more="Location: //127.0.0.1:1/\r\n"), K.HTTP_STATUS),
    "a redirect in a circle": (reply(b"", 301, more="Location: /again\r\nConnection: close\r\n"), K.HTTP_STATUS),
}


def patience(expected: AbsenceKind) -> Seconds:
    """Short only where the end of it is what the test waits for."""
    return Seconds(0.3 if expected is K.TIMEOUT else 10.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("behave", "expected"), EVERY.values(), ids=EVERY.keys())
def test_every_trouble_is_its_own_absence(kind: str, behave: Behaviour, expected: AbsenceKind) -> None:
    value = at(kind, behave, timeout=patience(expected))
    assert isinstance(value, Absence), value
    assert (value.kind, bool(value.detail)) == (expected, True), value


VALUES: list[tuple[str, Any, AbsenceKind]] = [
    ("http-json", None, K.MISSING_PATH),
    ("prometheus-text", None, K.MISSING_PATH),
    ("prometheus", None, K.EMPTY),
    ("http-json", "7", K.NOT_A_NUMBER),
    ("http-json", float("nan"), K.NOT_A_NUMBER),
    ("prometheus-text", "NaN", K.NOT_A_NUMBER),
    ("prometheus", "NaN", K.NOT_A_NUMBER),
    ("prometheus-text", "+Inf", K.OUT_OF_RANGE),
    ("prometheus", "+Inf", K.OUT_OF_RANGE),
    ("http-json", -1, K.OUT_OF_RANGE),
    ("prometheus-text", -1, K.OUT_OF_RANGE),
    ("prometheus", -1, K.OUT_OF_RANGE),
]


@pytest.mark.parametrize(("kind", "value", "expected"), VALUES)
def test_every_wrong_value_is_its_own_absence(kind: str, value: Any, expected: AbsenceKind) -> None:
    seen = at(kind, reply(body(kind, value)))
    assert isinstance(seen, Absence), seen
    assert seen.kind is expected


@pytest.mark.parametrize("kind", ["http-json", "prometheus-text"])
def test_an_old_answer_is_stale(kind: str) -> None:
    seen = at(kind, reply(body(kind, 7, OLD)))
    assert isinstance(seen, Absence), seen
    assert seen.kind is K.STALE


@pytest.mark.parametrize(
    ("kind", "expected"), [("http-json", K.EMPTY), ("prometheus-text", K.EMPTY), ("prometheus", K.NOT_JSON)]
)
def test_an_answer_without_a_body(kind: str, expected: AbsenceKind) -> None:
    assert at(kind, reply(b"")).kind is expected


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there(kind: str) -> None:
    assert look(kind, "http://127.0.0.1:9") == Absence(K.UNREACHABLE, "Connection refused")


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's context with a certificate that nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    since = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(since).not_valid_after(since.replace(year=2120))
    certificate = builder.sign(key, hashes.SHA256())
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_nobody_vouches_for_is_refused(kind: str, self_signed: ssl.SSLContext) -> None:
    with Raw(reply(body(kind, 7)), self_signed).serving() as server:
        seen = look(kind, server.url)
        assert seen == Absence(K.UNREACHABLE, "certificate not trusted: self-signed certificate")
        assert server.heads == [], "nothing was said to it, no token above all"


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_goes_nowhere_else(kind: str) -> None:
    with Raw(reply(body(kind, 7))).serving() as other:
        with Raw(reply(b"", 302, more=f"Location: {other.url}/metrics\r\n")).serving() as server:
            assert look(kind, server.url).kind is K.HTTP_STATUS
            assert f"Authorization: Bearer {TOKEN['TOKEN']}" in server.heads[0]
        assert other.heads == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_within_the_origin_is_followed(kind: str) -> None:
    def behave(peer: socket.socket, stop: threading.Event) -> None:
        moved = reply(b"", 302, more="Location: /moved\r\nConnection: close\r\n")
        (reply(body(kind, 7)) if "/moved" in server.heads[-1] else moved)(peer, stop)

    with Raw(behave).serving() as server:
        assert look(kind, server.url) == 7.0
        assert len(server.heads) == 2


@pytest.mark.parametrize(("behave", "expected"), EVERY.values(), ids=EVERY.keys())
def test_the_health_probe_is_unhealthy_in_every_trouble(behave: Behaviour, expected: AbsenceKind) -> None:
    with Raw(behave).serving() as server:
        seen = HealthSource(HealthSettings(timeout=patience(expected)), server.url, this_machine({}).http).sample()
    assert seen["health"] is Health.UNHEALTHY
    if isinstance(latency := seen["health.latency"], Absence):
        assert latency.kind is expected
