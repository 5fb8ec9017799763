"""A small release on a runner whose commands die at chosen steps; judged from files, hashes and GitHub's records alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import yaml
from attrs import frozen

from dhash_guard.simulator import Simulator
from dhash_guard.simulator.state import Deployment
from support.forks import Forks
from support.git import commit, on_github
from support.loopback import Loopback, body
from support.project import BASE, clean_environment

_KILLER = Forks(Path(__file__).with_name("release_killer.py"))
TESTS = Path(__file__).parents[1]

LATER = 120.0
"""Seconds after a command began in which it has ended: what comes next begins then."""
AFTER_THE_LEASE = 4000.0
"""Seconds after which no lease holds any more, not even the longer one of a rollback."""

DEPLOY = """\
set -e
echo "$1" > version.txt
test -z "$HALF" || { kill -KILL $PPID; exit 1; }
echo "{\\"schema\\": \\"$1\\"}" > library.json
"""
"""The project's own command; with HALF whoever runs it is gone in its middle, and so is it."""

LEAST = {"health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 2, "action": "rollback"}}
LEAST["p95"] = {"signal": "p95", "fail_above": "2000ms", "consecutive": 2, "action": "rollback"}

Tree = tuple[bytes, ...]


@frozen
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    errors: str
    steps: tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        return self.code == -9


@frozen
class Snapshot:
    """A project, what GitHub knows, and the variables of the run that works on them."""

    disk: Path
    world: bytes
    env: dict[str, str]


class Releases:
    """One project at a time on one machine, its service, and GitHub; each can be set back to how it was."""

    def __init__(self, work: Path, service: Loopback, elsewhere: Loopback, github: Simulator) -> None:
        self.work = work
        self.root = self.looked_at = work / "here"
        self.github = github
        service.routes["/health"] = lambda: body({"status": "unhealthy" if "bad" in self.version else "healthy"})
        service.routes["/metrics"] = lambda: body({"p95": 9000.0 if "slow" in self.version else 100.0, "rate": 0.0})
        elsewhere.say("/health", {"status": "healthy"})
        elsewhere.say("/metrics", {"p95": 100.0, "rate": 0.0})
        self._prepare(service.url, elsewhere.url)

    @classmethod
    @contextmanager
    def on(cls, work: Path) -> Iterator[Self]:
        """Everything that it needs, until the block ends."""
        with (
            Loopback().serving() as service,
            Loopback().serving() as elsewhere,
            Simulator(repository="octo/service").serving() as github,
        ):
            releases = cls(work, service, elsewhere, github)
            yield releases
            assert github.unknown_routes == []

    @property
    def version(self) -> str:
        """What the service runs: the release on the disk that is looked at."""
        return (self.looked_at / "version.txt").read_text()

    def _prepare(self, service: str, elsewhere: str) -> None:
        production = json.loads(json.dumps(BASE["environments"]["production"]))
        production |= {
            "base_url": service,
            "gates": LEAST,
            "monitor": {"duration": "3s", "interval": "1s", "baseline": 1},
            "deploy": {"run": ["sh", "deploy.sh", "{tag}"], "settle": "0s"},
            "requires": {"monitored": {"environment": "staging", "verdict": "healthy", "within": "7d"}},
        }
        staging = production | {"kind": "staging", "base_url": elsewhere, "deploy": {"run": ["true"], "settle": "0s"}}
        del staging["requires"]
        mirror = production | {"requires": {"monitored": {"environment": "production", "verdict": "healthy"}}}
        environments = {"production": production, "staging": staging, "mirror": mirror}
        settings = BASE | {"environments": environments, "trust": {"tier": "local"}, "default_environment": "production"}
        self.root.mkdir(parents=True)
        (self.root / "dhash-guard.yml").write_text(yaml.safe_dump(json.loads(json.dumps(settings))))
        (self.root / "deploy.sh").write_text(DEPLOY)
        (self.root / "version.txt").write_text("none\n")
        (self.root / "library.json").write_text('{"schema": "none"}\n')

    def here(self, at: str = "A release") -> dict[str, str]:
        """Commit what there is and call it that; the variables of a run on that commit."""
        env = clean_environment() | on_github(self.github, sha := commit(self.root, at))
        self.github.repository.tags[at] = sha
        shutil.rmtree(self.root / ".git/hooks", ignore_errors=True)  # examples, which only take time to copy
        return env

    def ask(
        self,
        arguments: Sequence[str],
        env: dict[str, str],
        ahead: float = 0.0,
        *,
        root: Path | None = None,
        at: int = 0,
        when: str = "before",
        cancel: bool = False,
    ) -> Done:
        """Run a command in a process of its own, which dies `when` at step `at` where that is not 0."""
        names = self.work / "names"
        names.unlink(missing_ok=True)
        order = {"root": str(root or self.root), "env": env, "arguments": arguments, "ahead": ahead, "at": at, "when": when}
        done = _KILLER.ask(order | {"cancel": cancel, "names": str(names)})
        steps = tuple(names.read_text("utf-8").splitlines()) if names.exists() else ()
        return Done(done.returncode, done.stdout, done.stderr, steps)

    def snapshot(self, name: str, env: dict[str, str]) -> Snapshot:
        """How everything stands now."""
        kept = self.work / name
        shutil.copytree(self.root, kept, symlinks=True)
        return Snapshot(kept, self._of_simulator("GET", "state"), env)

    def restore(self, snapshot: Snapshot) -> None:
        """Set disk and GitHub back."""
        self.looked_at = self.root
        shutil.rmtree(self.root)
        shutil.copytree(snapshot.disk, self.root, symlinks=True)
        self._of_simulator("PUT", "state", snapshot.world)

    def elsewhere(self, snapshot: Snapshot) -> Path:
        """Another machine with the same checkout, evidence and backups, that never held anything."""
        other = self.work / "there"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(snapshot.disk, other, symlinks=True)
        shutil.rmtree(other / ".dhash-guard/shared", ignore_errors=True)
        return other

    def _of_simulator(self, method: str, what: str, data: bytes | None = None) -> bytes:
        asked = urllib.request.Request(f"{self.github.url}/_simulator/{what}", method=method, data=data)
        with urllib.request.urlopen(asked) as answer:
            content: bytes = answer.read()
            return content

    def holder(self) -> Any:
        """Who holds production, as the ref says it; None where nobody does."""
        try:
            there = self._of_github("git/ref/dhash-guard%2Fproduction")["object"]["sha"]
        except urllib.error.HTTPError as problem:
            assert problem.code == 404
            return None
        return json.loads(b64decode(self._of_github(f"contents/state.json?ref={there}")["content"]))["holder"]

    def _of_github(self, path: str) -> Any:
        asked = urllib.request.Request(
            f"{self.github.url}/repos/{self.github.name}/{path}",
            headers={"Authorization": "token t-write", "User-Agent": "a test"},
        )
        with urllib.request.urlopen(asked) as answer:
            return json.loads(answer.read())

    def tree(self, root: Path | None = None) -> Tree:
        """The bytes of what a release changes."""
        return tuple(((root or self.root) / name).read_bytes() for name in ("version.txt", "library.json"))

    def record(self) -> Any:
        """The record of production's deployment; None where there is none."""
        path = self.root / ".dhash-guard/deployments/production.json"
        return json.loads(path.read_bytes()) if path.exists() else None

    def sealed(self) -> list[Any]:
        """Every piece of evidence of either machine whose bytes a whole line of its ledger names."""
        found = []
        for root in {self.root, self.looked_at}:
            ledger = root / ".dhash-guard/ledger.jsonl"
            lines = ledger.read_bytes().splitlines(keepends=True) if ledger.exists() else []
            named = {json.loads(line)["evidence"] for line in lines if line.endswith(b"\n")}
            files = [path.read_bytes() for path in root.glob(".dhash-guard/runs/*/*/evidence.json")]
            found += [json.loads(content) for content in files if hashlib.sha256(content).hexdigest() in named]
        return found

    def healthy(self) -> set[str]:
        """The deployments that sealed evidence of a watch calls healthy."""
        return {
            one["deployment"]
            for one in self.sealed()
            if one["run"]["verb"] == "monitor" and one["deployment"] and one["verdict"]["status"] == "healthy"
        }

    def rolled_back(self) -> set[str]:
        """The runs whose sealed evidence says that a rollback was proven well."""
        well = ("rolled-back", "rolled-back-verified")
        return {one["run"]["id"] for one in self.sealed() if one["exit_code"] == 5 or one["result"] in well}

    def successes(self) -> set[int]:
        """The deployments that GitHub calls a success."""
        return {one.deployment for one in self.github.repository.deployment_statuses if one.state == "success"}

    def _made(self) -> list[Deployment]:
        """GitHub's records of production, oldest first."""
        return [one for one in self.github.repository.deployments if one.environment == "production"]

    def _state(self, made: int) -> str:
        states = [one.state for one in self.github.repository.deployment_statuses if one.deployment == made]
        return states[-1] if states else ""

    @staticmethod
    def _said(made: Deployment) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(made.payload) if isinstance(made.payload, str) else dict(made.payload)
        return said

    def violations(self, known: set[int]) -> list[str]:
        """What reads as healthy and is not proven so; `known` are the successes of before."""
        wrong, healthy, back = [], self.healthy(), self.rolled_back()
        record = self.record()
        if record is not None and record["state"] == "healthy" and record["id"] not in healthy:
            wrong.append("the record is healthy without evidence")
        newest = next(reversed(self._made()), None)
        live = newest is not None and self._state(newest.id) == "success"
        if newest is not None and live and self._said(newest)["tag"] not in self.version:
            wrong.append("GitHub calls something live that does not stand there")
        for made in self._made():
            if made.id not in self.successes() - known:
                continue
            said = self._said(made)
            if made.task == "dhash-guard:rollback" and said["run"] not in back:
                wrong.append("GitHub calls a rollback a success without evidence")
            if made.task != "dhash-guard:rollback" and said["deployment"] not in healthy:
                wrong.append("GitHub calls a deployment a success without evidence")
        if any(one.state == "success" and one.context == "dhash-guard/gate" for one in self.github.repository.statuses):
            wrong.append("a gate is green that nobody asked")
        return wrong
