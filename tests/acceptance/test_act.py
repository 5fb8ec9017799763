"""The action as its users run it: under act, from the assembled tree, against a GitHub that answers.

act gives every label of a runner to this machine: what the three systems do otherwise is the matrix's of ci.yml to prove.
"""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from dhash_guard.simulator import Simulator
from support.acting import REPOSITORY, ROOT, SYSTEMS, Consumer, merge_group, pull_request, run_ended
from support.programs import program

MOST_RUNS = 12
"""Times that act is started in one run of the whole suite: each takes several seconds and both cores."""

FORK = "mallory/service"

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
on: [pull_request, merge_group]
permissions: {}
jobs:
  validation:
    permissions:
      contents: read
      pull-requests: write
    uses: mobius/dhash-guard/.github/workflows/premerge-validation.yml@v1
"""


ALONE = """\
    with:
      systems: '["windows-latest"]'
      expected: windows-latest
"""
"""One system where its number is not the point: act copies the action for every job."""

PUBLISH = """\
name: publish-comment
on:
  workflow_run:
    workflows: [pre-merge]
    types: [completed]
permissions: {}
jobs:
  comment:
    permissions:
      contents: read
      pull-requests: write
      actions: read
    uses: mobius/dhash-guard/.github/workflows/publish-comment.yml@v1
    with:
      expected: windows-latest
"""


def test_act_is_started_at_most_twelve_times() -> None:
    """Counted in the text of every acceptance test: each start is written once, in no loop and no parametrized test."""
    found = {path.name: _starts(ast.parse(path.read_text("utf-8"))) for path in Path(__file__).parent.glob("test_*.py")}
    assert 8 <= sum(found.values()) <= MOST_RUNS, {name: count for name, count in found.items() if count}


def _starts(module: ast.Module) -> int:
    """How often the tests of a file start act, by themselves or by a method that its classes have for it."""
    methods = [one for kind in module.body if isinstance(kind, ast.ClassDef) for one in kind.body]
    names = {"act"} | {one.name for one in methods if isinstance(one, ast.FunctionDef) and _calls(one, {"act"})}
    tests = [one for one in module.body if isinstance(one, ast.FunctionDef)]
    for test in (one for one in tests if _calls(one, names)):
        loops = [one for one in ast.walk(test) if isinstance(one, (ast.For, ast.While, ast.comprehension))]
        assert not any(_calls(one, names) for one in loops), test.name
        assert not any("parametrize" in ast.unparse(one) for one in test.decorator_list), test.name
    return sum(_calls(test, names) for test in tests)


def _calls(inside: ast.AST, names: Collection[str]) -> int:
    called = [one.func for one in ast.walk(inside) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    return sum(one.attr in names and ast.unparse(one.value) != "subprocess" for one in called)


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


def without_a_network(test: str, release: Path) -> bool:
    """As root, run the test in a network namespace that knows loopback alone; whether that was done.

    A connection to anywhere else fails there, and the run with it. The one who runs inside is given the release.
    """
    if os.geteuid() != 0 or "DHASH_GUARD_RELEASE" in os.environ:
        return False
    unshare, ip = program("unshare", "util-linux"), program("ip", "iproute2")
    script = f'{ip} link set lo up && test "$({ip} route | wc -l)" = 0 && exec {sys.executable} -m pytest -n 0 -q {test}'
    env = {**os.environ, "DHASH_GUARD_RELEASE": str(release)}
    done = subprocess.run(
        [unshare, "-n", "sh", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    return True


def test_pre_merge_leaves_exactly_one_comment_and_contacts_nothing_but_loopback(
    consumer: Consumer, github: Simulator, release: Path, request: pytest.FixtureRequest
) -> None:
    if without_a_network(f"{Path(__file__).relative_to(ROOT)}::{request.node.originalname}", release):
        return
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


def test_a_forks_run_fails_for_no_right_and_a_later_one_writes_its_comment(consumer: Consumer, github: Simulator) -> None:
    """The read-only token of a fork: results and no comment; then publish-comment.yml, which believes them nothing."""
    consumer.write(".github/workflows/pre-merge.yml", WORKFLOW + ALONE)
    consumer.write(".github/workflows/publish.yml", PUBLISH)
    consumer.commit()
    consumer.switch("change")
    sha = consumer.commit("theirs")
    github.add_pull_request(number=7, head_sha=sha, head_ref="change", head_repository=FORK, author="mallory")
    github.add_pull_request(number=9, head_sha="b" * 40, head_ref="better", author="ada")
    theirs = {"sha": sha, "ref": "change", "repo": {"full_name": FORK}}
    rehearsed = consumer.act("pull_request", pull_request(7, sha, head=theirs), github.url, token="t-read")
    assert rehearsed.code == 0, rehearsed.log
    assert github.comments(7) == []
    assert "fork" in rehearsed.log, "the log says why there is no comment"
    left = consumer.kept / "premerge-windows-latest"
    assert json.loads((left / "result-windows-latest.json").read_bytes())["result"] == "proceed"

    (left / "pull_request").write_text("9")
    (left / "result-evil.json").write_text('{"leg": "evil"}')
    consumer.switch("main")
    published = consumer.act("workflow_run", run_ended(4242, sha, FORK, "change"), github.url)
    assert published.code == 0, published.log
    (comment,) = github.comments(7)
    assert f"1 of 1 system passed · `{sha[:7]}`" in comment.body
    assert "- [x]" not in comment.body, "what a stranger's run says of itself ticks no box"
    assert "evil" not in comment.body
    assert github.comments(9) == []


def test_a_merge_group_is_answered_for_and_writes_nothing(consumer: Consumer, github: Simulator) -> None:
    """Every leg rehearses what the queue made, and the gate asks by the configuration that the group stands on."""
    consumer.write(".github/workflows/pre-merge.yml", WORKFLOW + ALONE)
    base = consumer.commit()
    github.add_pull_request(number=7, head_sha="a" * 40)
    consumer.write(
        ".github/dhash-guard.yml", CONFIGURATION.replace("[check, backup, deploy]", "[check, backup, deploy, logging]")
    )
    sha = consumer.commit("the queue's merge of pull request 7")
    done = consumer.act("merge_group", merge_group(7, sha, base), github.url)
    assert done.code == 0, done.log
    result = json.loads((consumer.kept / "premerge-windows-latest/result-windows-latest.json").read_bytes())
    assert (result["head"], len(result["stages"])) == (sha, 4)
    assert "1 system, 3 legs each" in done.log, "the gate asks for the legs of the base"
    assert (written(github), github.comments(7)) == (0, [])


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
    github.add_branch("main", sha=consumer.commit())
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
    origin = ["git", "remote", "set-url", "origin", f"https://github.com/{REPOSITORY}"]
    subprocess.run(origin, cwd=root, check=True)
    consumer = Consumer(root, release)
    payload = {"ref": "refs/heads/main", "after": "f" * 40, "repository": {"full_name": REPOSITORY}}
    done = consumer.act("push", payload, "http://127.0.0.1:9", workflow=".github/workflows/selftest.yml")
    assert done.code == 0, done.log
    assert done.log.count("an unknown command: failure 2") == 3
