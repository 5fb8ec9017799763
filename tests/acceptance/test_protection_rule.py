"""The gate answers for a custom protection rule: go approves, no rejects, cannot tell reports and never approves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from support.acting import REPOSITORY
from support.loopback import Loopback
from support.project import Project, Result

RUN = 50
GIT = ["git", "-c", "user.name=o", "-c", "user.email=o@example.com"]


class Rule:
    """A project whose gate asks for a backup, and a run of it that waits before production."""

    def __init__(self, root: Path, service: Loopback, hub: Simulator) -> None:
        self.project = Project(root, service)
        self.hub = hub
        self.requires(backup={"verified": True})
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
            self.git(*words)
        hub.add_run(id=RUN, head_sha=self.git("rev-parse", "HEAD"), status="waiting", conclusion=None)
        hub.add_pending(RUN)

    def git(self, *words: str) -> str:
        done = subprocess.run([*GIT, *words], cwd=self.project.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def requires(self, **conditions: Any) -> None:
        self.project.environment["requires"] = conditions
        self.project.write()

    def backed_up(self) -> None:
        done = self.project.guard("backup", "create", "--verify")
        assert done.code == 0, done.err

    def gate(self, *words: str, protected: str = "production", **env: str) -> Result:
        known = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": self.hub.url, "GITHUB_TOKEN": "t-app"}
        known |= {"GITHUB_RUN_ID": str(RUN)}
        named = ["--protected", protected] if protected else []
        return self.project.guard("gate", "--answer-protection-rule", *named, *words, env=known | env)

    def webhook(self, **changes: Any) -> dict[str, str]:
        """The environment of a process that was given what GitHub sent."""
        path = self.project.root.parent / "webhook.json"
        callback = f"{self.hub.url}/repos/{REPOSITORY}/actions/runs/{RUN}/deployment_protection_rule"
        payload = {"action": "requested", "environment": "production", "deployment_callback_url": callback} | changes
        path.write_text(json.dumps(payload))
        event = {"GITHUB_EVENT_NAME": "deployment_protection_rule", "GITHUB_EVENT_PATH": str(path)}
        return event | {"GITHUB_RUN_ID": "999"}

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(one.environment, one.state) for one in self.hub.repository.deployment_reviews]

    @property
    def comment(self) -> str:
        return self.hub.repository.deployment_reviews[-1].comment


@pytest.fixture
def rule(tmp_path: Path, service: Loopback) -> Iterator[Rule]:
    with Simulator(repository=REPOSITORY).serving() as hub:
        yield Rule(tmp_path / "project", service, hub)
        assert hub.unknown_routes == []


def test_go_approves(rule: Rule) -> None:
    rule.backed_up()
    done = rule.gate()
    assert done.code == 0, done.err + done.out
    assert rule.said == [("production", "approved")]
    assert rule.comment.startswith("✅ **Go** for `production` at `")
    assert "approved, to run 50 for production; GitHub took it" in done.out
    assert rule.project.evidence()["result"] == "go"
    assert [stage["name"] for stage in rule.project.evidence()["stages"]] == ["gate", "answer"]


def test_no_rejects_and_stays_no(rule: Rule) -> None:
    rule.backed_up()
    rule.requires(backup={"verified": True, "younger_than": "1ms"})
    done = rule.gate()
    assert done.code == 1, done.err
    assert rule.said == [("production", "rejected")]
    assert rule.comment.startswith("❌ **No-go** for `production`")
    assert "younger than 1ms" in rule.comment


def test_a_freeze_rejects(rule: Rule) -> None:
    rule.backed_up()
    rule.project.environment["freeze"] = [
        {"from": "2020-01-01T00:00Z", "to": "2100-01-01T00:00Z", "reason": "quiet <b>week</b>"}
    ]
    rule.project.write()
    done = rule.gate()
    assert done.code == 8, done.err
    assert rule.said == [("production", "rejected")]
    assert "<b>" not in rule.comment


def test_what_cannot_be_told_is_reported_ten_times_and_never_approved(rule: Rule) -> None:
    for _ in range(12):
        done = rule.gate()
        assert done.code == 3, done.err
    assert rule.said == [("production", "pending")] * 10
    assert "10 reports are there already" in done.out
    assert rule.comment.startswith("❔ **Cannot tell** for `production`")
    assert rule.hub.repository.pending[0].waits
    rule.backed_up()
    assert rule.gate().code == 0
    assert rule.said[-1] == ("production", "approved")


def test_an_environment_that_asks_for_nothing_is_not_approved(rule: Rule) -> None:
    del rule.project.environment["requires"]
    rule.project.write()
    assert rule.gate().code == 3
    assert rule.said == [("production", "pending")]


def test_a_jobs_token_is_told_which_one_can(rule: Rule) -> None:
    rule.backed_up()
    done = rule.gate(GITHUB_TOKEN="t-write")
    assert done.code == 2, done.err
    assert "GITHUB_TOKEN cannot" in done.out + done.err
    assert (rule.said, rule.project.evidence()["result"]) == ([], "github-forbidden")


def test_without_a_token_nothing_is_judged(rule: Rule) -> None:
    done = rule.gate(GITHUB_TOKEN="")
    assert (done.code, "there is no GitHub to answer" in done.err) == (2, True), done.err


def test_silence_is_no_approval(rule: Rule) -> None:
    rule.backed_up()
    rule.hub.fault("lost-answer", method="POST", path="*/deployment_protection_rule", status=502)
    done = rule.gate()
    assert done.code == 0, done.err
    assert "the run's history has it" in done.out
    assert rule.said == [("production", "approved")]


def test_another_commit_cannot_speak_for_the_one_that_waits(rule: Rule) -> None:
    rule.backed_up()
    rule.git("commit", "-qm", "two", "--allow-empty")
    done = rule.gate()
    assert (done.code, "no other commit can speak for it" in done.err) == (2, True), done.err
    assert rule.said == []


def test_the_webhook_says_what_is_asked(rule: Rule) -> None:
    rule.backed_up()
    done = rule.gate(protected="", **rule.webhook())
    assert done.code == 0, done.err
    assert rule.said == [("production", "approved")]


def test_a_gate_answers_for_no_other_environment_by_itself(rule: Rule) -> None:
    rule.backed_up()
    rule.hub.add_pending(RUN, environment="production-eu")
    done = rule.gate(protected="", **rule.webhook(environment="production-eu"))
    assert (done.code, "this is the gate of production" in done.err) == (2, True), done.err
    done = rule.gate(protected="production", **rule.webhook(environment="production-eu"))
    assert (done.code, "the event asks about" in done.err) == (2, True), done.err
    assert rule.said == []
    assert rule.gate(protected="production-eu", **rule.webhook(environment="production-eu")).code == 0
    assert rule.said == [("production-eu", "approved")]


def test_what_is_not_known_is_asked_for(rule: Rule) -> None:
    assert "--protected production" in rule.gate(protected="").err
    assert "--run-id" in rule.gate(GITHUB_RUN_ID="").err
    assert rule.gate("--run-id", "51").code == 2, "there is no such run"
    done = rule.project.guard("gate", "--protected", "production")
    assert (done.code, "--answer-protection-rule" in done.err) == (2, True), done.err
    assert rule.said == []


def test_a_dry_run_says_the_answer_and_gives_none(rule: Rule) -> None:
    rule.backed_up()
    done = rule.gate("--dry-run")
    assert done.code == 0, done.err
    assert "would answer approved, to run 50 for production" in done.out
    assert rule.said == []


def test_secrets_stay_out_of_the_comment(rule: Rule) -> None:
    secret = "hunter2-hunter2-hunter2"
    rule.project.environment["freeze"] = [
        {"from": "2020-01-01T00:00Z", "to": "2100-01-01T00:00Z", "reason": f"it is {secret}"}
    ]
    rule.project.write()
    assert rule.gate(MY_PASSWORD=secret).code == 8
    assert secret not in rule.comment
