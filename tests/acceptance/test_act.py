"""The action as its users run it: under act, from the assembled tree, against a GitHub that answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dhash_guard.simulator import Simulator
from support.acting import REPOSITORY, ROOT, SYSTEMS, Consumer, pull_request
from support.programs import program

pytestmark = pytest.mark.xdist_group("act")  # one act at a time: it is several processes by itself

CONFIGURATION = """\
version: 1
service: dhash
environments:
  production:
    backup: {components: {database: {paths: [library.json]}}}
    deploy: {run: [./deploy.sh, "{tag}"], plan: [./deploy.sh, "{tag}", --plan]}
    check: {files: [library.json]}
premerge: {legs: [check, backup, deploy]}
"""

WORKFLOW = """\
name: pre-merge
on: pull_request
permissions: {}
jobs:
  validation:
    permissions:
      contents: read
      pull-requests: write
    uses: mobius/dhash-guard/.github/workflows/premerge-validation.yml@v1
"""


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as sim:
        yield sim
        assert sim.unknown_routes == []


@pytest.fixture
def consumer(tmp_path: Path, release: Path) -> Consumer:
    one = Consumer(tmp_path / "service", release)
    one.write(".github/dhash-guard.yml", CONFIGURATION)
    one.write(".github/workflows/pre-merge.yml", WORKFLOW)
    one.write("library.json", '{"schema": 1}\n')
    one.write("deploy.sh", "#!/bin/sh\necho would switch to $1\n")
    (one.root / "deploy.sh").chmod(0o755)
    return one


def written(github: Simulator) -> int:
    """How often something was written; a GraphQL query is a POST that reads."""
    return sum(entry.method in ("POST", "PATCH", "DELETE") and entry.path != "/graphql" for entry in github.log)


def test_pre_merge_leaves_exactly_one_comment(consumer: Consumer, github: Simulator) -> None:
    sha = consumer.commit()
    github.add_pull_request(number=7, head_sha=sha)
    first = consumer.act("pull_request", pull_request(7, sha), github.url)
    assert first.code == 0, first.log
    (comment,) = github.comments(7)
    assert "✅ Ready to merge" in comment.body
    assert all(f"`{system}`" in comment.body for system in SYSTEMS)
    assert f"3 of 3 systems passed · `{sha[:7]}`" in comment.body
    for system in SYSTEMS:
        kept = consumer.kept / f"premerge-{system}"
        assert json.loads((kept / f"result-{system}.json").read_bytes())["result"] == "proceed"

    assert "3 systems, 3 legs each" in first.log, "the gate over the matrix"

    writes = written(github)
    assert consumer.act("pull_request", pull_request(7, sha), github.url).code == 0
    assert [one.id for one in github.comments(7)] == [comment.id]
    assert written(github) == writes, "unchanged is not written"

    (consumer.root / "library.json").unlink()
    sha = consumer.commit("the library is gone")
    github.repository.pull_requests.clear()
    github.add_pull_request(number=7, head_sha=sha)
    refused = consumer.act("pull_request", pull_request(7, sha), github.url)
    assert refused.code == 1
    assert "ubuntu-latest check: failed" in refused.log
    (edited,) = github.comments(7)
    assert edited.id == comment.id
    assert "❌ Not ready" in edited.body
    assert "library.json" in edited.body


def test_nothing_but_loopback_is_contacted(release: Path) -> None:
    """The same in a network namespace without a route: a connection to anywhere else would fail the run."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a network namespace: run as root")
    unshare, ip = program("unshare", "util-linux"), program("ip", "iproute2")
    test = "tests/acceptance/test_act.py::test_pre_merge_leaves_exactly_one_comment"
    script = f'{ip} link set lo up && test "$({ip} route | wc -l)" = 0 && exec {sys.executable} -m pytest -n 0 -q {test}'
    env = {**os.environ, "DHASH_GUARD_RELEASE": str(release)}
    done = subprocess.run(
        [unshare, "-n", "sh", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


GUARDED = """\
name: release
on: workflow_dispatch
permissions: {}
jobs:
  release:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with: {persist-credentials: false}
      - {name: Start, shell: bash, run: "python scripts/service.py start"}
      - name: Work
        shell: bash
        run: |
          nohup python load.py --url "$DHASH_URL" --rate 8 --duration 240 > /dev/null 2>&1 &
          echo $! > run/load.pid
          sleep 2
      - uses: mobius/dhash-guard@v1
        with: {command: deploy, environment: demo, tag: good, args: "--backup-first\\n--force"}
      - uses: mobius/dhash-guard@v1
        with: {command: monitor, environment: demo}
      - uses: mobius/dhash-guard@v1
        with: {command: deploy, environment: demo, tag: bad, args: "--backup-first\\n--force"}
      - id: watch
        continue-on-error: true
        uses: mobius/dhash-guard@v1
        with: {command: monitor, environment: demo}
      - name: What was decided
        shell: bash
        env:
          TOLD: ${{ steps.watch.outcome }} ${{ steps.watch.outputs.decision }} ${{ steps.watch.outputs.reason-code }}
          CODE: ${{ steps.watch.outputs.exit-code }}
          EVIDENCE: ${{ steps.watch.outputs.evidence-path }}
        run: |
          echo "$TOLD $CODE" > "$KEPT/decided"
          cp "$EVIDENCE" "$KEPT/evidence.json"
          readlink current > "$KEPT/current"
      - name: Stop
        if: always()
        shell: bash
        run: kill "$(cat run/load.pid)"; python scripts/service.py stop
"""


def test_a_guarded_deployment_of_a_bad_release_ends_rolled_back(tmp_path: Path, github: Simulator, release: Path) -> None:
    pytest.importorskip("PIL", reason="the example needs Pillow: pip install 'dhash-guard[demo]'")
    root = tmp_path / "service"
    setup = [sys.executable, "examples/mobius-dhash/scripts/setup.py", "--root", str(root), "--count", "24"]
    subprocess.run(setup, cwd=ROOT, check=True, capture_output=True)
    consumer = Consumer(root, release)
    settings = (root / ".github/dhash-guard.yml").read_text()
    quick = settings.replace("duration: 20s", "duration: 6s").replace("over: 5s", "over: 3s")
    demo = quick.rindex("rollback: {automatic: true}")
    consumer.write(".github/dhash-guard.yml", quick[:demo] + "rollback: {automatic: true, apart: 200ms}\n")
    consumer.write(".github/workflows/release.yml", GUARDED)
    consumer.commit()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {"DHASH_PORT": str(port), "DHASH_URL": f"http://127.0.0.1:{port}"}
    done = consumer.act("workflow_dispatch", {"inputs": {}}, github.url, env=env)
    assert (consumer.kept / "decided").exists(), done.log
    assert (consumer.kept / "decided").read_text() == "failure roll_back limit-crossed 5\n", done.log
    assert (consumer.kept / "current").read_text() == "releases/good\n"
    evidence = json.loads((consumer.kept / "evidence.json").read_bytes())
    assert evidence["restoration"]["identical"] is True
    assert done.code == 0, done.log


def test_the_selftest_passes_where_it_must_and_fails_where_it_must(tmp_path: Path, release: Path) -> None:
    """selftest.yml from a checkout of this commit: there is no assembled tree, so the first step installs the locked set."""
    root = tmp_path / "main"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(root)], check=True)
    consumer = Consumer(root, release)
    done = consumer.act("push", {"ref": "refs/heads/main"}, "http://127.0.0.1:9", workflow=".github/workflows/selftest.yml")
    assert done.code == 0, done.log
    assert done.log.count("an unknown command: failure 2") == 3
