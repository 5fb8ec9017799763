"""A release as its users make it, under act: staging, the gate, production, the way back by itself and by hand."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from collections.abc import Iterator
from functools import partial
from importlib.metadata import distribution
from pathlib import Path

import pytest

from dhash_guard.simulator import Simulator
from support.acting import REPOSITORY, ROOT, Acted, Consumer
from support.loopback import Loopback

pytestmark = pytest.mark.xdist_group("act")  # one act at a time: it is several processes by itself

CONFIGURATION = """\
version: 1
service: dhash
defaults:
  health: {path: /health}
  gates:
    health: {signal: health, fail_when: unhealthy, consecutive: 2, coverage: 1%, action: rollback}
  monitor: {duration: 900ms, interval: 100ms, baseline: 1}
  backup:
    components: {release: {paths: [version.txt]}}
    store: {kind: object, url: "file://${KEPT}/store"}
  deploy: {run: [sh, deploy.sh, "{tag}", "{env}"], settle: 0s}
  service_control: {stop: ["true"], start: [sh, start.sh, "{env}"]}
  rollback: {automatic: true, apart: 10ms}
environments:
  staging:
    base_url: ${SERVICE}/staging
  production:
    kind: production
    base_url: ${SERVICE}/production
    requires:
      backup: {verified: true}
      monitored: {environment: staging, verdict: healthy, within: 7d}
trust:
  workflows: [.github/workflows/release.yml]
  events: [workflow_dispatch]
"""

RELEASE = """\
name: release
on:
  workflow_dispatch:
    inputs:
      tag: {type: string, required: true}
permissions: {}
jobs:
  deploy:
    permissions: {actions: read, contents: write, deployments: write, pull-requests: read, statuses: write}
    uses: mobius/dhash-guard/.github/workflows/deploy.yml@v1
    with:
      tag: ${{ inputs.tag }}
      libraries: libraries.txt
"""

ROLLBACK = """\
name: rollback
on:
  workflow_dispatch:
    inputs:
      confirm: {type: string}
      backup: {type: string}
permissions: {}
jobs:
  rollback:
    permissions: {actions: read, contents: write, deployments: write}
    uses: mobius/dhash-guard/.github/workflows/rollback.yml@v1
    with:
      environment: production
      confirm: ${{ inputs.confirm }}
      backup: ${{ inputs.backup }}
      reason: it hurts
      libraries: libraries.txt
"""

DEPLOY = 'echo "$1" > version.txt\nsh start.sh "$2"\n'
START = 'mkdir -p "$KEPT/live" && cp version.txt "$KEPT/live/$1"\n'


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as sim:
        sim.repository.collaborators["ada"] = "write"
        yield sim
        assert sim.unknown_routes == []


def requirements(folder: Path) -> str:
    """A requirements file with hashes for what the store needs, from a wheel that is packed of the installed library."""
    found = distribution("fsspec")
    wheel = folder / f"fsspec-{found.version}-py3-none-any.whl"
    folder.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in found.files or []:
            if not str(file).endswith((".pyc", "INSTALLER", "REQUESTED", "direct_url.json")):
                archive.write(str(file.locate()), str(file))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"--no-index\n--find-links {folder}\nfsspec=={found.version} --hash=sha256:{digest}\n"


class Shop:
    """Two environments whose service runs what was started last, wherever the job's disk was."""

    def __init__(self, folder: Path, release: Path, service: Loopback, github: Simulator) -> None:
        self.consumer = Consumer(folder / "service", release)
        self.github = github
        self.env = {"SERVICE": service.url, "UPLOADING": str(ROOT / "tests/support/uploading.py")}
        (self.consumer.kept / "store").mkdir(parents=True)
        for environment in ("staging", "production"):
            service.routes[f"/{environment}/health"] = partial(self._health, environment)
        files = {"version.txt": "v0\n", "deploy.sh": DEPLOY, "start.sh": START, ".github/dhash-guard.yml": CONFIGURATION}
        files["libraries.txt"] = requirements(folder / "wheels")
        workflows = {".github/workflows/release.yml": RELEASE, ".github/workflows/rollback.yml": ROLLBACK}
        for name, text in (files | workflows).items():
            self.consumer.write(name, text)
        self.sha = self.consumer.commit()
        github.add_branch("main", sha=self.sha)
        github.add_run(head_sha=self.sha, name="ci", path=".github/workflows/ci.yml", event="push")

    def _health(self, environment: str) -> tuple[int, bytes]:
        """A release that is sour turns bad where the load is."""
        sick = environment == "production" and "sour" in self.live(environment)
        return 200, json.dumps({"status": "unhealthy" if sick else "ok"}).encode()

    def live(self, environment: str) -> str:
        path = self.consumer.kept / "live" / environment
        return path.read_text().strip() if path.exists() else "v0"

    def act(self, workflow: str, number: int, **inputs: str) -> Acted:
        if tag := inputs.get("tag"):
            subprocess.run(["git", "tag", tag], cwd=self.consumer.root, check=True)
            self.github.repository.tags[tag] = self.sha
        path = f".github/workflows/{workflow}.yml"
        self.github.add_run(id=number, path=path, head_sha=self.sha, event="workflow_dispatch", status="in_progress")
        env = self.env | {"GITHUB_RUN_ID": str(number)}
        payload = {"inputs": inputs, "repository": {"full_name": REPOSITORY}}
        return self.consumer.act("workflow_dispatch", payload, self.github.url, env=env, workflow=path, actor="ada")

    def backups(self, environment: str) -> list[str]:
        """What the store has, oldest first: the one that the workflow takes, and the deployment's own."""
        return sorted(path.name for path in (self.consumer.kept / "store").rglob(f"dhash_{environment}_*.zip"))

    def records(self, environment: str) -> list[tuple[str, str]]:
        """Task and last state of each of GitHub's deployments."""
        states = {one.deployment: one.state for one in self.github.repository.deployment_statuses}
        made = [one for one in self.github.repository.deployments if one.environment == environment]
        return [(one.task.removeprefix("dhash-guard:"), states.get(one.id, "")) for one in made]


@pytest.fixture
def shop(tmp_path: Path, release: Path, service: Loopback, github: Simulator) -> Shop:
    return Shop(tmp_path, release, service, github)


def test_a_good_release_reaches_production_and_a_person_takes_it_back(shop: Shop) -> None:
    done = shop.act("release", 5001, tag="v1")
    assert done.code == 0, done.log
    assert (shop.live("staging"), shop.live("production")) == ("v1", "v1")
    assert shop.records("staging") == shop.records("production") == [("deploy", "success")]
    assert [one.state for one in shop.github.repository.statuses if one.context == "dhash-guard/gate"] == ["success"]
    assert len(shop.github.log) <= 2 * 60 + 40, "sixty requests a deployment"

    refused = shop.act("rollback", 5002, confirm="prod")
    assert refused.code != 0
    assert shop.live("production") == "v1"
    older, newer = shop.backups("production")
    back = shop.act("rollback", 5003, confirm="production", backup=f"backups/{older}")
    assert back.code == 0, back.log
    assert f"backup=backups/{older}" in back.log
    assert f"backup=backups/{newer}" not in back.log
    assert "### Stages" in back.log, "the summary tells the story"
    assert shop.live("production") == "v0"
    assert shop.live("staging") == "v1"
    assert "it hurts" in back.log


def test_a_release_that_turns_bad_in_production_is_rolled_back_by_itself(shop: Shop) -> None:
    sour = shop.act("release", 6001, tag="sour")
    assert sour.code != 0
    assert (shop.live("staging"), shop.live("production")) == ("sour", "v0")
    assert shop.records("staging") == [("deploy", "success")]
    assert shop.records("production") == [("deploy", "failure")]
    assert shop.github.repository.deployment_statuses[-1].description.startswith("rolled back")
    assert "Degraded and rolled back" in sour.log
