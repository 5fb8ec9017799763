"""Routine maintenance through the installed program: what each period finds, and the one comment with its checklist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from dhash_guard.report.memory import boxes_in
from dhash_guard.simulator import Simulator
from dhash_guard.simulator.tokens import Token
from support.acting import ROOT
from support.git import commit, on_github
from support.loopback import Loopback
from support.project import Project, Result
from support.steps import run_action, workflow

ISSUE = 12


def equip(project: Project) -> Project:
    """Give it smoke checks, a channel, and gates that a busy machine keeps up with."""
    project.environment["smoke"] = [{"name": "metrics", "get": "/metrics"}]
    project.environment["notify"] = {"channels": {"log": {"kind": "log"}}}
    for name, gate in project.environment["gates"].items():
        project.environment["gates"][name] = gate | {"coverage": "1%", "consecutive": 1}
    project.write()
    return project


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with all that maintenance looks at: a backup, a watched deployment, logs, a ledger."""
    with Loopback().serving() as service:
        project = equip(Project(tmp_path_factory.mktemp("grown") / "project", service))
        project.deployed()
        done = project.guard("monitor")
        assert done.code == 0, done.err
        return project.root


@pytest.fixture
def kept(grown: Path, tmp_path: Path, service: Loopback) -> Project:
    """A copy of it, with a service of its own."""
    shutil.copytree(grown, tmp_path / "project")
    return equip(Project(tmp_path / "project", service))


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.repository.issues.append(ISSUE)
        yield sim
        assert sim.unknown_routes == []


def maintain(project: Project, period: str, *more: str, env: dict[str, str] | None = None) -> Result:
    return project.guard("maintain", "--period", period, *more, "--json", env=env)


def stages(done: Result) -> dict[str, str]:
    return {stage["name"]: stage["status"] for stage in done.json["stages"]}


def texts(done: Result) -> dict[str, str]:
    return {stage["name"]: stage["text"] for stage in done.json["stages"]}


def archive(project: Project) -> Path:
    (found,) = (project.root / "backups").glob("*.zip")
    return found


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


# --- daily


def test_a_good_day(kept: Project) -> None:
    done = maintain(kept, "daily")
    assert done.code == 0, done.err
    assert stages(done) == dict.fromkeys(("health", "backup", "watch", "holder"), "passed")
    assert "verified 20" in texts(done)["backup"]
    assert "healthy" in texts(done)["watch"]
    assert "production is free" in texts(done)["holder"]
    assert done.json["result"] == "maintained"
    assert (kept.run_folder() / "report.html").is_file()
    assert kept.guard("evidence", "verify").code == 0


def test_without_backup_and_watch_a_day_cannot_tell(project: Project) -> None:
    done = maintain(project, "daily")
    assert done.code == 3
    assert stages(done) == {"health": "passed", "backup": "cannot-tell", "watch": "cannot-tell", "holder": "passed"}


def test_a_sick_service_keeps_nothing_else_from_being_looked_at(kept: Project) -> None:
    (kept.root / "version.txt").write_text("bad\n")
    done = maintain(kept, "daily")
    assert done.code == 1
    assert stages(done) == {"health": "failed", "backup": "passed", "watch": "passed", "holder": "passed"}


def test_an_old_backup_a_damaged_one_and_altered_evidence(kept: Project) -> None:
    kept.environment["requires"] = {"backup": {"verified": True, "younger_than": "10ms"}}
    kept.write()
    old = maintain(kept, "daily")
    assert (old.code, stages(old)["backup"]) == (1, "failed")
    assert "younger than 10ms" in texts(old)["backup"]
    folder = next(path.parent for path in kept.root.rglob("samples.jsonl"))
    (folder / "samples.jsonl").write_text((folder / "samples.jsonl").read_text().replace("0.1", "0.2", 1))
    altered = maintain(kept, "daily")
    assert (altered.code, stages(altered)["watch"]) == (4, "failed"), "integrity is worse than a no"


def test_a_degraded_watch_is_a_no_until_it_was_rolled_back(kept: Project) -> None:
    kept.environment["rollback"] = {"automatic": False, "apart": "10ms"}
    kept.write()
    kept.service.say("/metrics", {"p95": 9000.0, "rate": 0.01})
    assert kept.guard("monitor").code == 1
    kept.service.say("/metrics", {"p95": 100.0, "rate": 0.01})
    done = maintain(kept, "daily")
    assert (done.code, stages(done)["watch"]) == (1, "failed")
    assert kept.guard("rollback", "--force", "--reason", "slow").code == 0
    after = maintain(kept, "daily")
    assert (after.code, stages(after)["watch"]) == (0, "passed"), after.err
    assert "it was rolled back" in texts(after)["watch"]


def test_a_judged_log_is_no_watch_of_the_service(project: Project) -> None:
    equip(project)
    rows = [{"tick": n, "at": 1e9 + n / 10, "samples": {"health": {"health": "healthy"}, "p95": 0.1}} for n in range(7)]
    (project.root / "old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert project.guard("monitor", "--recorded", "old.jsonl", "--no-rollback").code == 0
    assert stages(maintain(project, "daily"))["watch"] == "cannot-tell"


def test_a_hold_and_a_freeze_are_told_and_are_no_fault(kept: Project) -> None:
    kept.environment["freeze"] = [{"from": "2020-01-01T00:00Z", "to": "2090-01-01T00:00Z", "reason": "holidays"}]
    kept.write()
    assert kept.guard("lock", "take", "--reason", "surgery").code == 0
    done = maintain(kept, "daily")
    assert done.code == 0, done.err
    assert "is held by" in texts(done)["holder"]
    assert "holidays" in texts(done)["holder"]


# --- weekly


def test_a_good_week(kept: Project) -> None:
    done = maintain(kept, "weekly")
    assert done.code == 0, done.err
    assert stages(done) == dict.fromkeys(("backup verify", "prune", "logging"), "passed")
    assert "1 backup of the last 7 days read whole" in texts(done)["backup verify"]


def test_a_week_removes_what_the_rules_do_not_keep_and_a_dry_run_nothing(kept: Project) -> None:
    kept.environment["backup"]["keep"] = {"last": 1}
    kept.write()
    for text in ("one", "two"):
        (kept.root / "library.json").write_text(json.dumps({"schema": text}))
        assert kept.guard("backup", "create").code == 0
    there = sorted((kept.root / "backups").glob("*.zip"))
    done = maintain(kept, "weekly", "--dry-run")
    assert done.code == 0, done.err
    assert done.json["result"] == "planned"
    assert {change["verb"] for change in done.json["plan"]} >= {"remove"}
    assert sorted((kept.root / "backups").glob("*.zip")) == there
    done = maintain(kept, "weekly")
    assert done.code == 0, done.err
    left = sorted((kept.root / "backups").glob("*.zip"))
    assert there[-1] in left
    assert len(left) < len(there)


def test_without_a_backup_a_week_cannot_tell(project: Project) -> None:
    done = maintain(project, "weekly")
    assert done.code == 3
    assert stages(done) == {"backup verify": "cannot-tell", "prune": "cannot-tell", "logging": "passed"}


def test_a_damaged_backup_is_integrity_and_the_logs_are_still_looked_at(kept: Project) -> None:
    damage(archive(kept))
    (kept.root / "monitor_logs" / "text.log").write_text("started\n")
    done = maintain(kept, "weekly")
    assert done.code == 4
    assert stages(done)["backup verify"] == "failed"
    assert stages(done)["logging"] == "failed"
    assert "text.log" in texts(done)["logging"]


def test_a_week_is_refused_the_lock_of_a_deployment_and_goes_on(kept: Project) -> None:
    lock = kept.root / ".dhash-guard/locks/production.lock"
    script = "import fcntl,sys;f=open(sys.argv[1],'a');fcntl.flock(f,2);print('held',flush=True);sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        holder.stdout.readline()
        done = maintain(kept, "weekly")
        holder.stdin.close()
    assert done.code == 8
    assert stages(done) == {"backup verify": "passed", "prune": "failed", "logging": "passed"}


@pytest.fixture
def stored(project: Project, tmp_path: Path) -> Path:
    """The folder of a store, in which the one backup of the project lies as well."""
    pytest.importorskip("fsspec", reason="the store needs fsspec: pip install 'dhash-guard[s3]'")
    folder = tmp_path / "store"
    folder.mkdir()
    project.environment["backup"]["store"] = {"kind": "object", "url": folder.as_uri()}
    project.write()
    assert project.guard("backup", "create").code == 0
    return folder


def test_the_store_is_read_back_too(project: Project, stored: Path) -> None:
    done = maintain(project, "weekly")
    assert done.code == 0, done.err
    assert list(stages(done)) == ["backup store", "backup verify", "prune", "logging"]
    assert "1 of 1 backup there, read back" in texts(done)["backup store"]
    (there,) = stored.glob("*.zip")
    damage(there)
    bad = maintain(project, "weekly")
    assert (bad.code, stages(bad)["backup store"], stages(bad)["backup verify"]) == (4, "failed", "passed")


def test_what_is_only_in_the_store_is_fetched_and_a_store_that_is_gone_is_told(project: Project, stored: Path) -> None:
    for path in (project.root / "backups").glob("*.zip*"):
        path.unlink()
    done = maintain(project, "weekly")
    assert done.code == 0, done.err
    assert archive(project).is_file()
    stored.rename(stored.with_name("elsewhere"))
    gone = maintain(project, "weekly")
    assert gone.code == 7, "a silent store is never taken for an agreeing one"
    assert stages(gone)["backup verify"] == "passed"


def test_a_store_that_has_none_of_the_week_cannot_tell(project: Project, stored: Path) -> None:
    for path in stored.glob("*.zip*"):
        path.unlink()
    done = maintain(project, "weekly")
    assert (done.code, stages(done)["backup store"]) == (3, "cannot-tell")
    assert "backup sync" in texts(done)["backup store"]


# --- monthly


def test_a_good_month(kept: Project) -> None:
    done = maintain(kept, "monthly")
    assert done.code == 0, done.err
    assert stages(done) == dict.fromkeys(("gates", "smoke", "notification"), "passed")
    assert "1 run replayed, 0 flips among 1 with a verdict." in texts(done)["gates"]
    assert "95 % between" in texts(done)["gates"]
    assert "delivered to log" in texts(done)["notification"]
    logs = "".join(path.read_text() for path in (kept.root / "monitor_logs").glob("*.log"))
    assert "A test of the channels" in logs


def test_gates_that_flip_a_verdict_are_marked_and_labels_give_false_rollbacks(project: Project) -> None:
    equip(project).deployed()
    project.service.say("/metrics", {"p95": 1500.0, "rate": 0.01})
    assert project.guard("monitor").code == 0
    gates = project.environment["gates"]
    gates["p95"] = gates["p95"] | {"fail_above": "1000ms"}
    project.write()
    (folder,) = {path.parent for path in project.root.rglob("samples.jsonl")}
    (project.root / "labels.yml").write_text(yaml.safe_dump({folder.name: "clean"}))
    done = maintain(project, "monthly", "--labels", "labels.yml")
    assert done.code == 0, done.err
    assert "1 flip among 1" in texts(done)["gates"]
    assert "False rollbacks among clean runs: 1 of 1" in texts(done)["gates"]
    (finding,) = done.json["stages"][0]["findings"]
    assert finding["warned"]
    assert finding["text"] == "then healthy, now degraded (rollback), labelled clean"
    assert maintain(project, "daily", "--labels", "labels.yml").code == 2


def test_without_a_recorded_run_and_a_channel_a_month_cannot_tell(project: Project) -> None:
    project.environment["smoke"] = [{"name": "metrics", "get": "/metrics"}]
    project.write()
    done = maintain(project, "monthly")
    assert done.code == 3
    assert stages(done) == {"gates": "cannot-tell", "smoke": "passed", "notification": "cannot-tell"}


def test_runs_of_more_than_thirty_days_ago_are_not_reviewed(kept: Project) -> None:
    (folder,) = {path.parent for path in kept.root.rglob("samples.jsonl")}
    folder.rename(folder.with_name(f"2020{folder.name[4:]}"))
    assert stages(maintain(kept, "monthly"))["gates"] == "cannot-tell"


def test_a_failed_smoke_check_and_a_deaf_channel(kept: Project) -> None:
    kept.environment["smoke"].append({"name": "gone", "get": "/gone"})
    kept.environment["notify"] = {"channels": {"log": {"kind": "log", "level": "error"}}}
    kept.write()
    done = maintain(kept, "monthly")
    assert done.code == 1
    assert stages(done) == {"gates": "passed", "smoke": "failed", "notification": "cannot-tell"}


# --- quarterly


def test_a_good_quarter(kept: Project) -> None:
    done = maintain(kept, "quarterly")
    assert done.code == 0, done.err
    assert "every hash agrees" in texts(done)["drill"]
    (entry,) = kept.guard("backup", "list", "--json").json
    assert entry["drilled"]["result"] == "passed"


def test_a_drill_without_a_backup_or_with_a_probe_that_fails(project: Project) -> None:
    assert maintain(project, "quarterly").code == 3
    project.environment["backup"]["drill"] = {"run": [sys.executable, "-c", "raise SystemExit(1)"]}
    project.write()
    assert project.guard("backup", "create").code == 0
    done = maintain(project, "quarterly")
    assert (done.code, stages(done)) == (1, {"drill": "failed"})


# --- the comment


def writes(github: Simulator) -> int:
    return sum(entry.method in ("POST", "PATCH", "DELETE") and "/comments" in entry.path for entry in github.log)


def body(github: Simulator) -> str:
    (comment,) = github.comments(ISSUE)
    return comment.body


def tick(github: Simulator, box: str) -> dict[str, Any]:
    """Somebody ticks a box; the event that GitHub sends."""
    (comment,) = github.comments(ISSUE)
    before = comment.body
    lines = [line.replace("[ ]", "[x]", 1) if f":{box} -->" in line else line for line in before.split("\n")]
    comment = github.edit_comment(comment.id, "\n".join(lines))
    assert comment.body != before
    return {
        "action": "edited",
        "changes": {"body": {"from": before}},
        "issue": {"number": ISSUE},
        "comment": {"id": comment.id, "body": comment.body, "updated_at": comment.updated_at}
        | {"user": {"login": comment.author}},
        "repository": {"full_name": "octo/service", "id": 1, "default_branch": "main"},
        "sender": {"login": "grace", "type": "User"},
    }


@pytest.fixture
def job(kept: Project, github: Simulator) -> dict[str, str]:
    """The variables of a job with the rights of our workflow; the issue comes as one of them."""
    rights = {"contents": "read", "issues": "write"}
    github.add_token("t-maintain", Token(login="github-actions[bot]", permissions=rights))
    return on_github(github, commit(kept.root), token="t-maintain") | {"DHASH_GUARD_ISSUE": str(ISSUE)}


def test_one_comment_for_all_periods_in_which_ticks_survive(kept: Project, github: Simulator, job: dict[str, str]) -> None:
    first = maintain(kept, "weekly", env=job)
    assert (first.code, first.json["comment"]) == (0, "created"), first.err
    tick(github, "weekly-disk")
    second = maintain(kept, "daily", env=job)
    assert (second.code, second.json["comment"]) == (0, "edited"), second.err
    found = boxes_in(body(github))
    assert found["weekly-disk"] and found["weekly-backups"] and found["daily-health"]
    assert not found["daily-dashboards"]
    assert first.json["run"]["id"] in body(github).replace("&#8203;", "")
    before = (writes(github), body(github))
    for period in ("daily", "weekly"):
        again = maintain(kept, period, env=job)
        assert (again.code, again.json["comment"]) == (0, "unchanged"), again.err
    assert (writes(github), body(github)) == before


def test_all_periods_at_one_moment_end_in_one_comment(kept: Project, github: Simulator, job: dict[str, str]) -> None:
    periods = ("daily", "weekly", "monthly", "quarterly")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda period: maintain(kept, period, env=job), periods))
    assert [one.code for one in done] == [0] * 4, [one.err for one in done]
    assert {name.partition("-")[0] for name in boxes_in(body(github))} == set(periods)


def test_what_a_later_run_does_not_prove_opens_again(kept: Project, github: Simulator, job: dict[str, str]) -> None:
    assert maintain(kept, "daily", env=job).code == 0
    (kept.root / "version.txt").write_text("bad\n")
    assert maintain(kept, "daily", env=job).code == 1
    assert not boxes_in(body(github))["daily-health"]
    assert boxes_in(body(github))["daily-backup"]
    (line,) = (line for line in body(github).splitlines() if ":daily-health -->" in line)
    assert "failed: not healthy" in line


def test_a_dry_run_asks_nobody(kept: Project, github: Simulator, job: dict[str, str]) -> None:
    done = maintain(kept, "weekly", "--dry-run", env=job)
    assert done.code == 0, done.err
    assert "would bring the comment on issue 12 up to date" in texts(done)["checklist"]
    assert github.log == ()


def test_a_comment_that_cannot_be_written_is_a_failed_stage(kept: Project, github: Simulator, job: dict[str, str]) -> None:
    github.add_token("t-none", Token(login="github-actions[bot]", permissions={"contents": "read"}))
    done = maintain(kept, "weekly", env=job | {"GITHUB_TOKEN": "t-none"})
    assert done.code == 2
    assert stages(done)["checklist"] == "failed"
    assert stages(done)["backup verify"] == "passed"
    assert kept.evidence()["exit_code"] == 2


def test_an_issue_without_a_token_is_refused_before_anything_is_done(kept: Project) -> None:
    done = kept.guard("maintain", "--period", "weekly", "--issue", "12")
    assert done.code == 2
    assert "needs a repository and a token" in done.err
    assert list((kept.root / ".dhash-guard/runs/production").iterdir()) != []
    assert "maintain" not in (kept.root / ".dhash-guard/ledger.jsonl").read_text()


def test_a_secret_in_what_a_task_says_does_not_reach_the_comment(
    kept: Project, github: Simulator, job: dict[str, str]
) -> None:
    kept.environment["smoke"].append({"name": "leaky", "get": "/metrics", "at": "p95", "matches": "s3cr3t-value"})
    kept.write()
    done = maintain(kept, "monthly", env=job | {"SMOKE_PASSWORD": "s3cr3t-value"})
    assert done.code == 1
    assert "s3cr3t-value" not in body(github) + done.out + done.err


def step_of(name: str) -> dict[str, Any]:
    steps = workflow("maintenance.yml")["jobs"][name]["steps"]
    (found,) = (step for step in steps if step.get("uses", "").startswith("mobius/"))
    return dict(found)


def test_the_workflow_maintains_and_writes_down_who_ticked(kept: Project, github: Simulator, job: dict[str, str]) -> None:
    given = step_of("maintenance")
    known = {"inputs.environment": "production", "inputs.period": "weekly", "inputs.issue": str(ISSUE)}
    known |= {"secrets.DHASH_GUARD_STORE_KEY": "", "secrets.DHASH_GUARD_STORE_SECRET": ""}
    known["inputs.libraries != '' && format('{0}/libraries', runner.temp) || ''"] = ""

    def filled(texts: dict[str, str]) -> dict[str, str]:
        return {name: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], text) for name, text in texts.items()}

    token = job["GITHUB_TOKEN"]
    done = run_action(kept, "schedule", {}, github.url, filled(given["with"]), token, environ=filled(given["env"]))
    assert done.code == 0, done.out
    assert "weekly, 2" in body(github)
    payload = tick(github, "weekly-disk")
    ticks = run_action(kept, "issue_comment", payload, github.url, step_of("ticks")["with"], token)
    assert ticks.code == 0, ticks.out
    (line,) = (line for line in body(github).splitlines() if ":weekly-disk -->" in line)
    assert line.startswith("- [x]") and "ticked by `grace`" in line


def test_the_workflow_has_exactly_these_rights() -> None:
    made = workflow("maintenance.yml")
    assert made["permissions"] == {}
    assert set(made["jobs"]) == {"maintenance", "ticks"}
    assert all(job["permissions"] == {"contents": "read", "issues": "write"} for job in made["jobs"].values())


def test_the_shown_schedule_names_each_period_once_and_gives_what_the_workflow_asks_for() -> None:
    page = (ROOT / "docs/how-to/maintain.md").read_text("utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shown = yaml.safe_load(block)
    crons = [entry["cron"] for entry in shown[True]["schedule"]]
    asked = {}
    for name, job in shown["jobs"].items():
        (cron,) = re.findall(r"github\.event\.schedule == '([^']+)'", job["if"])
        asked[cron] = job["with"]["period"]
        assert name == job["with"]["period"]
        assert job["permissions"] == {"contents": "read", "issues": "write"}
        assert set(job["with"]) <= set(workflow("maintenance.yml")[True]["workflow_call"]["inputs"])
    assert list(asked) == crons
    assert list(asked.values()) == ["daily", "weekly", "monthly", "quarterly"]
