"""Plain HTTP to a simulator, as one token, with short words for its one repository."""

from __future__ import annotations

import json
from typing import Any, Self

import requests

from dhash_guard.simulator import Simulator

START = 1_795_230_900.0
"""2026-11-21T03:15:00Z."""


class Clock:
    """Time that moves only when it is told to."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at


class Ask:
    """`ask("GET", "pulls/7")` is about the repository; a path with a leading slash is taken as it is."""

    def __init__(self, sim: Simulator, base: str = "") -> None:
        self._sim = sim
        self._base = base or sim.url
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def __call__(self, method: str, path: str, body: Any = None, *, token: str | None = "t-write") -> requests.Response:
        url = self._base + (path if path.startswith("/") else f"/repos/{self._sim.name}/{path}".rstrip("/"))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = None if body is None else json.dumps(body)
        headers |= {} if content is None else {"Content-Type": "application/json"}
        return self._session.request(method, url, data=content, headers=headers, timeout=20, allow_redirects=False)

    def bodies(self, number: int = 7) -> list[str]:
        """What the list of comments shows now."""
        return [comment["body"] for comment in self("GET", f"issues/{number}/comments").json()]
