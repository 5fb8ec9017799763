"""A source on a machine whose network answers as the test says, and whose clock stands still."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import evolve

from dhash_guard.records.sample import Counts
from dhash_guard.signals.source import Place
from dhash_guard.system.http import Answer, NoAnswer
from dhash_guard.system.machine import this_machine

NOW = 1_700_000_000.0


class Stopped:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Canned:
    """Answers with each of these in turn, then for ever with the last; remembers what was asked."""

    def __init__(self, *answers: Answer | NoAnswer) -> None:
        self.answers = list(answers)
        self.headers: Any = None
        self.urls: list[str] = []

    def request(
        self, method: str, url: str, *, timeout: float, headers: Any = None, json_body: Any = None
    ) -> Answer | NoAnswer:
        self.headers = headers
        self.urls.append(url)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def queries(self) -> list[dict[str, str]]:
        """The parameters of every request."""
        return [{key: value[0] for key, value in parse_qs(urlsplit(url).query).items()} for url in self.urls]


def answer(body: Any, status: int = 200, content_type: str = "") -> Answer | NoAnswer:
    """An answer with these bytes or this JSON; what is no answer stays what it is."""
    if isinstance(body, NoAnswer):
        return body
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={"content-type": content_type}, body=content, seconds=0.1)


def place(web: Canned, environ: Mapping[str, str] | None = None, so_far: Mapping[str, Counts] | None = None) -> Place:
    """A place whose network is canned and whose time is NOW."""
    machine = evolve(this_machine(environ or {}), http=web, clock=Stopped())
    return Place(base_url="http://x", root=Path(), machine=machine, so_far=so_far or {})
