"""Uses a laid-out project of examples/mobius-dhash as its users do: by its scripts and over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mobius-dhash"

COUNT = 20
"""Pictures of a test project: one full round of the light and dark tables."""


UNSET = ("DHASH_PORT", "PYTHONDONTWRITEBYTECODE")
"""What a developer may have set, and what would change or hide what the scripts do."""


def eventually(condition: Callable[[], object]) -> None:
    """Wait, by asking again and again, until the condition holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 10 seconds"
        time.sleep(0.02)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Project:
    """A laid-out project, used as its users would: by its scripts and over HTTP."""

    root: Path

    def run(self, script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, str(self.root / script), *arguments]
        env = {name: value for name, value in os.environ.items() if name not in UNSET} | environ
        return subprocess.run(call, cwd=self.root, env=env, capture_output=True, text=True, timeout=30, check=False)

    def ok(self, script: str, *arguments: str) -> str:
        done = self.run(script, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def port(self) -> int:
        return int((self.root / "run" / "port").read_text())

    @property
    def pid(self) -> int:
        return int((self.root / "run" / "service.pid").read_text())

    def ask(self, method: str, path: str, body: str | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, headers, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        reply = self.ask("GET", path)
        assert reply.status == 200
        return reply.json

    def hash(self, component: str) -> Reply:
        return self.ask("POST", "/api/dhash/hash", json.dumps({"component": component}))

    def components(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads((self.root / "library.json").read_bytes())["components"]
        return listed
