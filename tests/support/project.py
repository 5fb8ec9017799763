"""A small guarded project on disk, and the installed program run in it as an operator would."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

from support.forks import Finished
from support.loopback import Loopback
from support.warm import Starter

PROGRAM = Path(sys.executable).with_name("dhash-guard")

DEPLOY = """
import pathlib, sys
pathlib.Path("version.txt").write_text(sys.argv[1] + "\\n")
"""

# A tenth of a second between looks is more than a busy machine keeps; how much must be covered has tests of its own.
LENIENT = {"coverage": "20%", "action": "rollback", "consecutive": 3}
HEALTH_GATE = {"signal": "health", "fail_when": "unhealthy", **LENIENT}
P95_GATE = {"signal": "p95", "fail_above": "2000ms", **LENIENT}

BASE: dict[str, Any] = {
    "version": 1,
    "service": "dhash",
    "environments": {
        "production": {
            "kind": "production",
            "health": {"path": "/health", "timeout": "2s"},
            "signals": {
                "service": {
                    "kind": "http-json",
                    "path": "/metrics",
                    "timeout": "2s",
                    "values": {
                        "p95": {"at": "p95", "unit": "ms"},
                        "rate": {"at": "rate", "unit": "fraction"},
                    },
                }
            },
            "monitor": {"duration": "600ms", "interval": "100ms", "extend_by": "200ms", "baseline": 1},
            "gates": {"health": HEALTH_GATE, "p95": P95_GATE},
            "backup": {"components": {"database": {"paths": ["library.json"]}, "release": {"paths": ["version.txt"]}}},
            "deploy": {"run": [sys.executable, "deploy.py", "{tag}"], "settle": "0s"},
            "rollback": {"automatic": True, "apart": "10ms"},
        }
    },
}


@frozen
class Result:
    """How the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Project:
    """A project whose service is sick whenever version.txt says `bad`, so that only a real rollback cures it."""

    def __init__(self, root: Path, service: Loopback) -> None:
        self.root = root
        self.service = service
        self.settings = copy.deepcopy(BASE)
        self.environment["base_url"] = service.url
        root.mkdir(parents=True, exist_ok=True)
        (root / "library.json").write_text('{"schema": 1}\n')
        (root / "version.txt").write_text("good\n")
        (root / "deploy.py").write_text(DEPLOY)
        service.routes["/health"] = self._health
        service.say("/metrics", {"p95": 100.0, "rate": 0.01})
        self.write()

    def _health(self) -> tuple[int, bytes]:
        sick = "bad" in (self.root / "version.txt").read_text()
        return 200, json.dumps({"status": "unhealthy" if sick else "healthy"}).encode()

    @property
    def environment(self) -> dict[str, Any]:
        found: dict[str, Any] = self.settings["environments"]["production"]
        return found

    def write(self) -> Path:
        """Write the configuration as it is now."""
        path = self.root / "dhash-guard.yml"
        path.write_text(yaml.safe_dump(json.loads(json.dumps(self.settings)), sort_keys=False))
        return path

    def guard(self, *arguments: str, env: dict[str, str] | None = None, timeout: float = 60) -> Result:
        """Run the installed program without a terminal."""
        done = run_program(*arguments, cwd=self.root, env=clean_environment() | (env or {}), timeout=timeout)
        assert "no HTML report" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def deployed(self, tag: str = "next") -> Result:
        """Deploy with a backup; the test goes on only where that worked."""
        done = self.guard("deploy", "--tag", tag, "--backup-first", "--force")
        assert done.code == 0, done.err + done.out
        return done

    @property
    def version(self) -> str:
        return (self.root / "version.txt").read_text().strip()

    def run_folder(self) -> Path:
        """The newest run that has evidence."""
        return max((self.root / ".dhash-guard/runs/production").glob("*/evidence.json")).parent

    def evidence(self) -> Any:
        return json.loads((self.run_folder() / "evidence.json").read_bytes())


def clean_environment() -> dict[str, str]:
    """Nothing of the machine's own settings but what a program needs to start."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR")}


_STARTER = Starter(PROGRAM, clean_environment())


def run_program(*arguments: str, cwd: Path, env: dict[str, str], timeout: float = 60) -> Finished:
    """Run the installed program to its end, without a terminal."""
    return _STARTER.run(arguments, cwd=cwd, env=env, timeout=timeout)
