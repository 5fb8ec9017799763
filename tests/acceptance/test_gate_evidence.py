"""Whose evidence opens production: the gate on a runner, asking the simulator for runs, jobs and artifacts."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from dhash_guard.records.canonical import canonical
from dhash_guard.records.statement import artifact_name
from dhash_guard.simulator import Simulator
from dhash_guard.simulator.people import stable_id
from dhash_guard.simulator.state import moment
from support.acting import REPOSITORY
from support.loopback import Loopback
from support.project import Project, Result

WORKFLOW = ".github/workflows/deploy.yml"
KEY = {"DHASH_GUARD_EVIDENCE_KEY": "a key that no pull request sees, 32 bytes"}
GIT = ["git", "-c", "user.name=o", "-c", "user.email=o@example.com"]
RUN = 4242
EARLIER = moment(time.time() - 7200)


@pytest.fixture
def hub() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as served:
        yield served
        assert served.unknown_routes == []


@define
class Runner:
    """Jobs on machines that forget: what one made reaches the next as an artifact alone."""

    project: Project
    url: str = ""
    made: dict[str, str] = field(factory=dict)
    """The files of the watch that is uploaded."""
    degraded: dict[str, str] = field(factory=dict)
    commit: str = ""
    tree: str = ""
    hub: Simulator = field(default=None)

    def git(self, *words: str) -> str:
        done = subprocess.run([*GIT, *words], cwd=self.project.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commits(self, text: str, *words: str) -> None:
        self.git("commit", "-qm", text, *words)
        self.commit, self.tree = self.git("rev-parse", "HEAD"), self.git("rev-parse", "HEAD^{tree}")

    def guard(self, *arguments: str, **env: str) -> Result:
        known = {
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": self.url, "GITHUB_TOKEN": "t-write",
            "GITHUB_REPOSITORY_ID": str(stable_id("repository", REPOSITORY)), "GITHUB_RUN_ID": str(RUN),
            "GITHUB_RUN_ATTEMPT": "1", "GITHUB_EVENT_NAME": "push", "GITHUB_JOB": "staging", "GITHUB_SHA": self.commit,
            "GITHUB_WORKFLOW_SHA": self.commit, "GITHUB_WORKFLOW_REF": f"{REPOSITORY}/{WORKFLOW}@refs/heads/main",
            "GITHUB_EVENT_PATH": str(self.event()),
        }  # fmt: skip
        return self.project.guard(*arguments, env=known | env)

    def event(self) -> Path:
        path = self.project.root.parent / "event.json"
        payload = {"after": self.commit, "ref": "refs/heads/main", "repository": {"full_name": REPOSITORY}}
        path.write_text(json.dumps(payload))
        return path

    def watch(self, **env: str) -> dict[str, str]:
        """Staging is watched in one job, which has a key; its disk is gone afterwards."""
        done = self.guard("monitor", "--env", "staging", "--no-rollback", GITHUB_TOKEN="", **KEY | env)
        assert done.code in (0, 1), done.err
        return self.taken("staging")

    def taken(self, environment: str) -> dict[str, str]:
        folder = max((self.project.root / f".dhash-guard/runs/{environment}").iterdir())
        made = {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.is_file()}
        shutil.rmtree(self.project.root / ".dhash-guard")
        return made

    def leave(
        self, part: str = "staging", *, archive: bytes = b"", run: dict[str, Any] | None = None,
        job: dict[str, Any] | None = None, attempt: int = 1, **facts: Any,
    ) -> None:  # fmt: skip
        """The run, its job and its artifact, as GitHub would tell of them."""
        told = {"id": RUN, "path": WORKFLOW, "event": "push", "head_sha": self.commit, "tree": self.tree, "conclusion": None}
        made = self.hub.add_run(**told | {"status": "in_progress"} | (run or {}))
        ended = {"completed_at": made.created_at} if (job or {}).get("status", "completed") == "completed" else {}
        self.hub.add_job(made.id, "staging", attempt=made.attempt, started_at=made.created_at, **ended | (job or {}))
        name = facts.pop("name", artifact_name(part, made.head_sha, attempt))
        self.hub.add_artifact(made.id, name, {} if archive else self.made, archive=archive, **facts)

    def gate(self, **env: str) -> Result:
        return self.guard("gate", "--env", "production", **env)


def prepared(root: Path, service: Loopback) -> Runner:
    """A project with a commit whose staging is to be watched before production."""
    one = Runner(Project(root, service))
    settings = one.project.settings["environments"]
    settings["staging"] = copy.deepcopy(settings["production"]) | {"kind": "staging"}
    settings["staging"]["gates"]["p95"]["consecutive"] = 1  # a busy machine may look only twice
    settings["production"]["requires"] = {"monitored": {"environment": "staging", "verdict": "healthy", "within": "1h"}}
    one.project.settings["trust"] = {"workflows": [WORKFLOW], "key_env": "DHASH_GUARD_EVIDENCE_KEY"}
    one.project.write()
    (root / ".gitignore").write_text(".dhash-guard/\nmonitor_logs/\ndhash-guard.yml\n")
    for words in (["init", "-q"], ["add", "-A"]):
        one.git(*words)
    one.commits("one")
    return one


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """One healthy watch and one degraded one, for every test that only asks who made them."""
    with Loopback().serving() as service:
        one = prepared(tmp_path_factory.mktemp("watched") / "project", service)
        one.made = one.watch()
        service.say("/metrics", {"p95": 9000, "rate": 0.01})
        one.degraded = one.watch()
        assert '"status":"degraded"' in one.degraded["evidence.json"]
        yield one


@pytest.fixture
def runner(watched: Runner, hub: Simulator) -> Iterator[Runner]:
    """On a disk that is new each time."""
    settings = copy.deepcopy(watched.project.settings)
    yield evolve(watched, hub=hub, url=hub.url)
    watched.project.settings = settings
    watched.project.write()
    shutil.rmtree(watched.project.root / ".dhash-guard", ignore_errors=True)


@pytest.fixture
def fresh(tmp_path: Path, service: Loopback, hub: Simulator) -> Runner:
    """With a project that the test may change."""
    return evolve(prepared(tmp_path / "project", service), hub=hub, url=hub.url)


def zipped(files: dict[str, str], change: Callable[[zipfile.ZipFile], None] = lambda archive: None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        change(archive)
    return buffer.getvalue()


def test_the_watch_of_a_trusted_run_opens_production(runner: Runner) -> None:
    assert runner.gate().code == 3, "nothing was watched"
    runner.leave()
    before = len(runner.hub.log)
    done = runner.gate()
    assert done.code == 0, done.out + done.err
    assert len(runner.hub.log) - before <= 6
    (stage,) = runner.project.evidence()["stages"]
    (monitored,) = [finding for finding in stage["findings"] if finding["check"] == "monitored"]
    digest = hashlib.sha256(runner.made["evidence.json"].encode()).hexdigest()
    for words in ("healthy", "asked: staging healthy, younger than 1h", f"runs/{RUN} attempt 1, run, {digest[:12]}"):
        assert words in monitored["text"]


def test_the_records_of_several_commands_may_lie_in_one_artifact(runner: Runner) -> None:
    watched = {f"staging/2/{name}": text for name, text in runner.made.items()}
    older = {f"staging/1/{name}": text for name, text in edited(runner.degraded, "run", "ended_at", value=1.0).items()}
    deployed = edited(runner.made, "run", "verb", value="deploy")["evidence.json"]
    elsewhere = edited(runner.made, "run", "environment", value="production")["evidence.json"]
    runner.made = watched | older | {"staging/3/evidence.json": deployed, "production/1/evidence.json": elsewhere}
    runner.leave()
    done = runner.gate()
    assert done.code == 0, done.out + done.err


def test_the_latest_run_speaks_not_the_best(runner: Runner) -> None:
    runner.leave(run={"created_at": EARLIER}, created_at=EARLIER)
    runner.made = runner.degraded
    runner.leave(run={"id": RUN + 1})
    assert runner.gate().code == 1


IMPOSTORS: list[tuple[str, int, dict[str, Any]]] = [
    ("foreign-head-repository", 3, {"run": {"head_repository": "mallory/service"}}),
    ("untrusted-workflow", 3, {"run": {"path": ".github/workflows/other.yml"}}),
    ("wrong-event", 3, {"run": {"event": "pull_request_target"}}),
    ("wrong-event", 3, {"run": {"event": "pull_request"}}),
    ("superseded-attempt", 3, {"run": {"attempt": 2}}),
    ("job-not-successful", 1, {"job": {"conclusion": "failure"}}),
    ("job-not-successful", 1, {"job": {"conclusion": "cancelled"}}),
    ("job-not-successful", 1, {"job": {"status": "in_progress", "conclusion": None}}),
    ("too-old", 1, {"created_at": EARLIER, "run": {"created_at": EARLIER}}),
    ("digest-mismatch", 4, {"digest": "0" * 64}),
    ("has expired", 3, {"expired": True}),
    ("no artifact holds", 3, {"name": "dhash-guard-evidence-production-aaaaaaaaaaaa-1"}),
]


@pytest.mark.parametrize(("why", "code", "facts"), IMPOSTORS, ids=[f"{one[0]}-{n}" for n, one in enumerate(IMPOSTORS)])
def test_a_run_that_is_not_the_right_one(runner: Runner, why: str, code: int, facts: dict[str, Any]) -> None:
    runner.leave(**facts)
    done = runner.gate()
    assert (done.code, why in done.out) == (code, True), done.out + done.err


def edited(made: dict[str, str], *path: str, value: Any, name: str = "evidence.json") -> dict[str, str]:
    """The files with one value written over, in canonical form."""
    data = json.loads(made[name])
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made | {name: canonical(data).decode()}


@pytest.mark.parametrize(
    ("path", "value", "why", "code"),
    [
        (("run", "environment"), "production", "wrong-environment", 3),
        (("run", "verb"), "deploy", "wrong-verb", 3),
        (("run", "commit"), "f" * 40, "contradicts-evidence", 4),
        (("configuration",), "f" * 64, "wrong-configuration", 3),
        (("verdict", "status"), "healthy", "lead to another verdict", 4),
        (("samples", "count"), 1, "malformed", 4),
        (("judged", "recorded"), True, "judged a log", 3),
        (("schema_version",), "1", "malformed", 4),
    ],
    ids=lambda one: "-".join(one) if isinstance(one, tuple) else "",
)
def test_what_a_trusted_run_uploaded_is_computed_again(
    runner: Runner, path: tuple[str, ...], value: Any, why: str, code: int
) -> None:
    runner.made = edited(runner.degraded if path == ("verdict", "status") else runner.made, *path, value=value)
    if path == ("run", "commit"):
        runner.made = edited(runner.made, "run", "tree", value="f" * 40)
    runner.leave()
    done = runner.gate()
    assert (done.code, why in done.out) == (code, True), done.out + done.err


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("samples.json")
    entry.external_attr = 0o120777 << 16
    archive.writestr(entry, "/etc/passwd")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda archive: archive.writestr("../evidence.json", "{}"), "leaves the archive"),
        (lambda archive: archive.writestr("/evidence.json", "{}"), "leaves the archive"),
        (lambda archive: archive.writestr("c:/evidence.json", "{}"), "leaves the archive"),
        (lambda archive: archive.writestr("Evidence.json", "{}"), "a name twice"),
        (lambda archive: archive.writestr("bomb.json", b"0" * 40_000_000), "too well to be believed"),
        (lambda archive: [archive.writestr(f"{n}.json", "") for n in range(2001)], "members"),
        (link, "no plain file"),
    ],
    ids=["dots", "root", "drive", "twice", "bomb", "many", "link"],
)  # fmt: skip
def test_no_odd_archive_is_believed(runner: Runner, change: Callable[[zipfile.ZipFile], None], why: str) -> None:
    runner.leave(archive=zipped(runner.made, change))
    done = runner.gate()
    assert (done.code, why in done.out) == (4, True), done.out + done.err
    assert not list(runner.project.root.rglob("bomb*"))


def test_no_zip_at_all(runner: Runner) -> None:
    runner.leave(archive=b"PK\x03\x04 nothing of the kind")
    assert runner.gate().code == 4


def test_evidence_of_another_commit(fresh: Runner) -> None:
    fresh.made = fresh.watch()
    fresh.leave()
    fresh.commits("two", "--allow-empty")
    assert fresh.gate().code == 3, "GitHub knows no run of this commit"
    (fresh.project.root / "library.json").write_text('{"schema": 2}\n')
    fresh.commits("three", "-a")
    fresh.leave(run={"id": RUN + 1})
    done = fresh.gate()
    assert (done.code, "contradicts-evidence" in done.out) == (4, True), done.out


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "path": "*/actions/runs", "status": 403},
        {"kind": "status", "path": "*/artifacts", "status": 404},
        {"kind": "primary-limit", "path": "*/jobs", "retry_after": 3000},
    ],
    ids=["forbidden", "gone", "limited"],
)
def test_where_github_does_not_tell_nothing_is_known(runner: Runner, fault: dict[str, Any]) -> None:
    runner.leave()
    runner.hub.fault(**fault, times=0)
    done = runner.gate()
    assert done.code == 3, done.out + done.err


def test_the_ledger_of_a_machine_is_not_enough_in_a_job_unless_it_is_said(fresh: Runner) -> None:
    assert fresh.guard("monitor", "--env", "staging", GITHUB_TOKEN="").code == 0
    assert fresh.gate().code == 3
    fresh.project.settings["trust"]["tier"] = "local"
    fresh.project.write()
    assert fresh.gate().code == 0, "a machine of one's own keeps its disk"
    assert fresh.gate(GITHUB_ACTIONS="", GITHUB_TOKEN="").code == 0


def test_where_the_ledger_knows_nothing_artifacts_are_asked(runner: Runner) -> None:
    runner.project.settings["trust"]["tier"] = "local"
    runner.project.write()
    runner.leave()
    done = runner.gate()
    assert done.code == 0, done.out + done.err


@pytest.fixture
def keyed(runner: Runner) -> Runner:
    runner.project.settings["trust"]["tier"] = "keyed"
    runner.project.write()
    return runner


def test_keyed_evidence_opens_production(keyed: Runner) -> None:
    keyed.leave()
    done = keyed.gate(**KEY)
    assert done.code == 0, done.out + done.err
    assert ", keyed, " in done.out + json.dumps(keyed.project.evidence())
    no_key = keyed.gate()
    assert (no_key.code, "is not here" in no_key.out) == (3, True)
    other = keyed.gate(**KEY | {"DHASH_GUARD_EVIDENCE_KEY": "x" * 40})
    assert (other.code, "bad-mac" in other.out) == (4, True)
    short = keyed.gate(**KEY | {"DHASH_GUARD_EVIDENCE_KEY": "x"})
    assert (short.code, "fewer than 32 bytes" in short.err) == (2, True), short.err


@pytest.mark.parametrize(
    ("change", "why", "code"),
    [
        (lambda made: {k: v for k, v in made.items() if "statement" not in k}, "downgraded-tier", 3),
        (lambda made: edited(made, "statement", "run", value=1, name="evidence.statement.json"), "bad-mac", 4),
        (lambda made: edited(made, "statement", "key", value="old", name="evidence.statement.json"), "unknown-key", 3),
        (lambda made: made | {"evidence.statement.json": "{}"}, "malformed", 4),
        (lambda made: edited(made, "run", "actor", value="mallory"), "digest-mismatch", 4),
    ],
    ids=["without", "field", "key", "empty", "evidence"],
)
def test_keyed_evidence_that_was_touched(
    keyed: Runner, change: Callable[[dict[str, str]], dict[str, str]], why: str, code: int
) -> None:
    keyed.made = change(keyed.made)
    keyed.leave()
    done = keyed.gate(**KEY)
    assert (done.code, why in done.out) == (code, True), done.out + done.err


def test_a_statement_of_another_run_does_not_count_in_this_one(keyed: Runner) -> None:
    keyed.leave(run={"id": RUN + 1})
    done = keyed.gate(**KEY)
    assert (done.code, "wrong-run" in done.out) == (3, True), done.out


def vouchers(runner: Runner) -> list[Path]:
    return list((runner.project.root / ".dhash-guard").rglob("evidence.statement.json"))


def test_nothing_is_vouched_for_before_the_merge(fresh: Runner) -> None:
    assert fresh.guard("premerge", "--env", "staging", **KEY).code in (0, 1, 3)
    head = {"sha": fresh.commit, "ref": "c", "repo": {"full_name": REPOSITORY, "id": 1}}
    pull = {"number": 7, "state": "open", "head": head, "base": head | {"ref": "main"}}
    event = fresh.project.root.parent / "pull.json"
    event.write_text(json.dumps({"pull_request": pull, "repository": head["repo"], "action": "opened"}))
    env = KEY | {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event), "GITHUB_TOKEN": ""}
    assert fresh.guard("monitor", "--env", "staging", "--no-rollback", **env).code == 0
    assert vouchers(fresh) == []


def test_no_command_of_the_project_sees_the_key(fresh: Runner) -> None:
    deploy = "import os, pathlib; pathlib.Path('seen').write_text(repr(dict(os.environ)))"
    (fresh.project.root / "deploy.py").write_text(deploy)
    done = fresh.project.guard("deploy", "--env", "staging", "--tag", "v7", "--force", env=KEY)
    assert done.code == 0, done.err
    (statement,) = vouchers(fresh)
    assert json.loads(statement.read_bytes())["statement"]["target"] == "v7"
    secret = KEY["DHASH_GUARD_EVIDENCE_KEY"].encode()
    written = [path for path in fresh.project.root.rglob("*") if path.is_file() and ".git" not in path.parts]
    assert not [path for path in written if secret in path.read_bytes()]


def test_keyed_evidence_on_a_machine_without_github(fresh: Runner) -> None:
    fresh.project.settings["trust"]["tier"] = "keyed"
    fresh.project.write()
    guard = fresh.project.guard
    assert guard("monitor", "--env", "staging", env=KEY).code == 0
    assert guard("gate", "--env", "production", env=KEY).code == 0
    assert guard("gate", "--env", "production").code == 3
    (statement,) = fresh.project.root.glob(".dhash-guard/runs/staging/*/evidence.statement.json")
    statement.write_bytes(statement.read_bytes().replace(b'"staging"', b'"stagin6"', 1))
    done = guard("gate", "--env", "production", env=KEY)
    assert (done.code, "bad-mac" in done.out) == (4, True), done.out
    statement.unlink()
    assert guard("gate", "--env", "production", env=KEY).code == 3


def test_what_was_watched_is_the_release_that_may_be_deployed(fresh: Runner) -> None:
    guard = fresh.project.guard
    fresh.project.settings["trust"] = {}
    fresh.project.write()
    assert guard("deploy", "--env", "staging", "--tag", "v7", "--force").code == 0
    assert guard("monitor", "--env", "staging").code == 0
    fresh.git("checkout", "--quiet", "--", ".")
    done = guard("deploy", "--env", "production", "--tag", "v8", "--force")
    assert (done.code, "wrong-target" in done.out + done.err) == (3, True), done.out + done.err
    done = guard("deploy", "--env", "production", "--tag", "v7", "--force")
    assert done.code == 0, done.out + done.err


def test_altered_local_evidence_is_told_as_such(fresh: Runner) -> None:
    guard = fresh.project.guard
    assert guard("monitor", "--env", "staging").code == 0
    (evidence,) = fresh.project.root.glob(".dhash-guard/runs/staging/*/evidence.json")
    evidence.write_bytes(evidence.read_bytes().replace(b"healthy", b"hea1thy", 1))
    done = guard("gate", "--env", "production")
    assert (done.code, "digest-mismatch" in done.out) == (4, True), done.out + done.err
    assert fresh.project.evidence()["result"] == "damaged"


def test_a_rehearsal_is_found_at_the_head_of_the_pull_request(fresh: Runner) -> None:
    fresh.project.environment["requires"] = {"premerge": "proceed"}
    fresh.project.settings["premerge"] = {"legs": ["check"]}
    fresh.project.settings["trust"] = {"workflows": [".github/workflows/premerge.yml"]}
    fresh.project.write()
    assert fresh.guard("premerge", "--env", "production").code == 0
    fresh.made, head = fresh.taken("production"), fresh.commit
    facts = {"path": ".github/workflows/premerge.yml", "event": "pull_request"}
    fresh.leave("production", run=facts)
    assert fresh.gate().code == 0
    fresh.commits("squashed", "--allow-empty")
    fresh.hub.add_pull_request(number=7, head_sha=head, state="closed", merged=True, merge_commit_sha=fresh.commit)
    done = fresh.gate()
    assert done.code == 0, done.out + done.err
    (fresh.project.root / "library.json").write_text('{"schema": 2}\n')
    fresh.commits("more than was rehearsed", "-a")
    fresh.hub.change_pull_request(7, merge_commit_sha=fresh.commit)
    done = fresh.gate()
    assert (done.code, "wrong-commit" in done.out) == (3, True), done.out


@pytest.mark.parametrize(
    ("trust", "words"),
    [
        ({"tier": "sigstore"}, "local, run, keyed"),
        ({"tier": "keyed"}, "needs a key"),
        ({"key_env": "PATH"}, "must be DHASH_GUARD_EVIDENCE_KEY"),
        ({"key_id": "a b"}, "no name for a key"),
        ({"workflows": ["deploy.yml"]}, "is no workflow"),
        ({"events": ["pull_requests"]}, "did you mean pull_request"),
        ({"max_age": "0s"}, "longer than nothing"),
        ({"teir": "run"}, "did you mean tier"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_trust_that_means_nothing_is_refused(project: Project, trust: dict[str, Any], words: str) -> None:
    project.settings["trust"] = trust
    project.write()
    done = project.guard("config", "check")
    assert (done.code, words in done.err) == (2, True), done.err
