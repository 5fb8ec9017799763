"""Who may produce evidence, as a table: one thing wrong, one reason."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import NOTHING, evolve, fields, fields_dict

from dhash_guard.gates.refusals import IDENTITY, Reason, Refused, Weight
from dhash_guard.gates.trust import SKEW, Accepted, Expected, contradiction, judge, stranger
from dhash_guard.records.statement import Statement, Tier, artifact_name, attempt_in
from support.statements import COMMIT, DAY, EVIDENCE, HOUR, NOW, OTHER, REPOSITORY, WORKFLOW, expected, statement

OFF_GITHUB: dict[str, Any] = {
    "repository": "", "repository_id": 0, "workflow": "", "workflow_sha": "", "workflow_ref": "", "event": "", "run": 0,
    "job": "", "head_repository": "",
}  # fmt: skip


def reason(said: Statement, asked: Expected, now: float = NOW) -> str:
    told = judge(said, asked, now)
    return told.reason.value if isinstance(told, Refused) else "accepted"


@pytest.mark.parametrize("tier", [Tier.RUN, Tier.KEYED])
def test_what_is_true_is_accepted(tier: Tier) -> None:
    assert judge(statement(tier), expected(tier), NOW) == Accepted(statement(tier))


MUTATIONS: list[tuple[dict[str, Any], str]] = [
    ({"schema_version": 2}, "malformed"),
    ({"evidence": "not a hash"}, "malformed"),
    ({"evidence": "f" * 64}, "digest-mismatch"),
    ({"samples": "nonsense"}, "malformed"),
    ({"samples": "f" * 64}, "digest-mismatch"),
    ({"nonce": ""}, "malformed"),
    ({"expires_at": NOW - HOUR}, "malformed"),
    ({"issued_at": float("nan")}, "malformed"),
    ({"key": ""}, "malformed"),
    ({"tier": Tier.RUN}, "malformed"),
    ({"tier": Tier.RUN, "key": ""}, "downgraded-tier"),
    ({"tier": Tier.LOCAL, "key": ""}, "downgraded-tier"),
    ({"repository": "mallory/service"}, "wrong-repository"),
    ({"repository": ""}, "wrong-repository"),
    ({"repository_id": 8}, "wrong-repository"),
    ({"head_repository": "mallory/service"}, "foreign-head-repository"),
    ({"head_repository": ""}, "foreign-head-repository"),
    ({"workflow": ".github/workflows/other.yml"}, "untrusted-workflow"),
    ({"workflow": ""}, "untrusted-workflow"),
    ({"workflow_ref": f"mallory/service/{WORKFLOW}@refs/heads/main"}, "untrusted-workflow"),
    ({"workflow_ref": f"{REPOSITORY}/{WORKFLOW}.evil@refs/heads/main"}, "untrusted-workflow"),
    ({"workflow_sha": OTHER}, "wrong-workflow-sha"),
    ({"workflow_sha": ""}, "wrong-workflow-sha"),
    ({"event": "pull_request_target"}, "wrong-event"),
    ({"event": ""}, "wrong-event"),
    ({"run": 4243}, "wrong-run"),
    ({"attempt": 2}, "superseded-attempt"),
    ({"attempt": 0}, "superseded-attempt"),
    ({"conclusion": "failure"}, "job-not-successful"),
    ({"environment": "production"}, "wrong-environment"),
    ({"verb": "premerge"}, "wrong-verb"),
    ({"commit": OTHER, "tree": OTHER, "workflow_sha": OTHER}, "wrong-commit"),
    ({"commit": "", "tree": "", "workflow_sha": ""}, "wrong-workflow-sha"),
    ({"configuration": "f" * 64}, "wrong-configuration"),
    ({"configuration": ""}, "wrong-configuration"),
    ({"target": "v8"}, "wrong-target"),
    ({"issued_at": NOW + SKEW + 1}, "not-yet-issued"),
    ({"issued_at": NOW - 2 * DAY, "expires_at": NOW}, "expired"),
    ({"issued_at": NOW - DAY}, "too-old"),
]


@pytest.mark.parametrize(("change", "why"), MUTATIONS, ids=[f"{why}-{'-'.join(c)}" for c, why in MUTATIONS])
def test_one_thing_wrong_one_reason(change: dict[str, Any], why: str) -> None:
    assert reason(evolve(statement(), **change), expected()) == why


def test_every_field_that_the_judge_can_compare_is_in_the_table() -> None:
    changed = {name for change, _ in MUTATIONS for name in change}
    assert {field.name for field in fields(Statement)} - changed == {"job", "result"}
    assert contradiction(statement(result="degraded"), EVIDENCE) is not None, "result is compared with the evidence"


def test_every_reason_can_be_given_and_has_a_weight() -> None:
    given = {why for _, why in MUTATIONS} | {"contradicts-evidence", "bad-mac", "unknown-key"}
    assert given == {one.value for one in Reason}
    assert {one for one in Reason if one.weight is Weight.ALTERED} == {
        Reason.MALFORMED, Reason.BAD_MAC, Reason.DIGEST_MISMATCH, Reason.CONTRADICTS_EVIDENCE
    }  # fmt: skip
    assert {one for one in Reason if one.weight is Weight.NO} == {
        Reason.JOB_NOT_SUCCESSFUL, Reason.NOT_YET_ISSUED, Reason.EXPIRED, Reason.TOO_OLD
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": ""}, "tier keyed without a key"),
        ({"tier": Tier.RUN}, "tier run with a key"),
        ({"repository": "eve/service"}, f"it is of eve/service (7), not of {REPOSITORY}"),
        ({"repository": ""}, f"it is of no repository (7), not of {REPOSITORY}"),
        ({"head_repository": "eve/service"}, "its commit comes from eve/service"),
        ({"head_repository": ""}, "its commit comes from an unknown repository"),
        ({"workflow": "other.yml"}, "it was made by other.yml"),
        ({"workflow": ""}, "it was made by an unknown workflow"),
        ({"workflow_sha": OTHER}, f"its workflow was read at {OTHER[:12]}"),
        ({"workflow_sha": ""}, "its workflow was read at an unknown commit"),
        ({"event": "issues"}, "it was started by issues, not by {events}"),
        ({"event": ""}, "it was started by an unknown event, not by {events}"),
        ({"conclusion": "failure"}, "its job ended as failure"),
        ({"environment": "production"}, "it is of environment production, not staging"),
        ({"environment": ""}, "it is of environment unknown, not staging"),
        ({"verb": "premerge"}, "it is of premerge, not monitor"),
        ({"verb": ""}, "it is of an unknown command, not monitor"),
        ({"commit": OTHER, "tree": OTHER, "workflow_sha": COMMIT}, f"it is of commit {OTHER[:12]}, not {COMMIT[:12]}"),
        ({"commit": "", "tree": "", "workflow_sha": COMMIT}, f"it is of commit unknown, not {COMMIT[:12]}"),
        ({"issued_at": NOW - DAY - HOUR}, "it is 25h old, the limit is 24h"),
    ],
)
def test_what_is_said_of_a_refusal(change: dict[str, Any], said: str) -> None:
    asked = expected(workflow_sha=COMMIT)
    told = judge(evolve(statement(), **change), asked, NOW)
    assert isinstance(told, Refused)
    assert told.what == said.format(events=" or ".join(asked.events))


def test_what_is_said_where_nothing_is_expected() -> None:
    told = judge(statement(), expected(repository=""), NOW)
    assert isinstance(told, Refused)
    assert told.what == f"it is of {REPOSITORY} (7), not of none"
    told = judge(statement(), expected(events=()), NOW)
    assert isinstance(told, Refused)
    assert told.what.endswith("not by any")
    told = judge(statement(Tier.RUN, conclusion=""), expected(Tier.RUN), NOW)
    assert isinstance(told, Refused)
    assert told.what == "its job ended as nobody knows what"
    told = judge(statement(), expected(commit="", tree="", workflow_sha=COMMIT), NOW)
    assert isinstance(told, Refused)
    assert told.what == f"it is of commit {COMMIT[:12]}, not unknown"


def test_commit_or_tree_has_to_agree() -> None:
    assert reason(statement(commit=OTHER, workflow_sha=OTHER), expected()) == "accepted", "a squash keeps the tree"
    assert reason(statement(tree=OTHER), expected()) == "accepted"
    assert reason(statement(commit=OTHER, tree="", workflow_sha=OTHER), expected(tree="")) == "wrong-commit"


def test_the_workflow_is_the_reviewed_one_or_pinned() -> None:
    pinned = expected(workflows=(f"{WORKFLOW}@{OTHER}",))
    assert reason(statement(workflow_sha=OTHER), pinned) == "accepted"
    assert reason(statement(), pinned) == "wrong-workflow-sha"
    assert reason(statement(workflow_sha=OTHER), expected(workflow_sha=OTHER)) == "accepted", "that of the gate itself"
    assert reason(statement(), expected(workflows=())) == "untrusted-workflow"


def test_evidence_that_names_no_release_is_of_any() -> None:
    assert reason(statement(target=""), expected()) == "accepted", "nobody deployed with this program there"
    assert reason(statement(), expected(target="")) == "accepted"


def test_no_key_may_have_been_near_a_pull_request() -> None:
    told = expected(events=("pull_request",))
    assert reason(statement(event="pull_request"), told) == "wrong-event"
    assert reason(statement(Tier.RUN, event="pull_request"), evolve(told, tier=Tier.RUN)) == "accepted"


def test_jobs_that_were_asked_about_must_have_succeeded() -> None:
    for conclusion in ("", "failure", "cancelled", "skipped", "in_progress", "unknown", "neutral"):
        told = statement(Tier.RUN, conclusion=conclusion)
        assert reason(told, expected(Tier.RUN)) == "job-not-successful", conclusion


def test_where_nobody_was_asked_any_run_is_right() -> None:
    nobody = {name: field.default for name, field in fields_dict(Expected).items() if field.default is not NOTHING}
    asked = expected(Tier.RUN, **nobody)
    assert reason(statement(Tier.RUN, run=4243, attempt=2, conclusion=""), asked) == "accepted"
    assert reason(statement(Tier.RUN, run=1, attempt=1), asked) == "accepted"


def test_evidence_of_machines_off_github() -> None:
    asked = expected(repository="", repository_id=0, run=0)
    assert reason(statement(**OFF_GITHUB), asked) == "accepted"
    assert reason(statement(), asked) == "wrong-repository"
    assert reason(statement(**OFF_GITHUB), expected()) == "wrong-repository"


def test_limits_of_time() -> None:
    said = statement(issued_at=NOW, expires_at=NOW + HOUR)
    for at, why in (
        (NOW - SKEW - 1, "not-yet-issued"),
        (NOW - SKEW, "accepted"),
        (NOW + HOUR - 1, "accepted"),
        (NOW + HOUR, "expired"),
    ):
        assert reason(said, expected(), at) == why


def test_strangers_are_told_by_who_they_are_alone() -> None:
    early = statement(Tier.RUN, evidence="", environment="", configuration="", verb="", result="", conclusion="")
    assert stranger(early, expected(Tier.RUN), NOW) is None
    others: list[dict[str, Any]] = [{"repository": "x/y"}, {"head_repository": "x/y"}, {"workflow": "w"}, {"event": "watch"}]
    for change in others:
        told = stranger(evolve(early, **change), expected(Tier.RUN), NOW)
        assert told is not None
        assert told.reason in IDENTITY


@pytest.mark.parametrize(
    "change",
    [
        {"environment": "production"},
        {"verb": "deploy"},
        {"configuration": "f" * 64},
        {"result": "degraded"},
        {"samples": "f" * 64},
        {"target": "v8"},
        {"commit": OTHER},
        {"tree": OTHER},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_evidence_says_what_is_said_of_it(change: dict[str, Any]) -> None:
    assert contradiction(statement(), EVIDENCE) is None
    told = contradiction(evolve(statement(), **change), EVIDENCE)
    assert told is not None
    assert told.reason is Reason.CONTRADICTS_EVIDENCE


def test_what_github_says_of_the_head_is_enough_where_the_tree_agrees() -> None:
    assert contradiction(statement(Tier.RUN, commit=OTHER), EVIDENCE) is None, "a pull request's checkout is its merge"
    assert contradiction(statement(Tier.RUN, commit=OTHER, tree=OTHER), EVIDENCE) is not None


def test_names_of_artifacts() -> None:
    name = artifact_name("staging", COMMIT, 3)
    assert name == "dhash-guard-evidence-staging-aaaaaaaaaaaa-3"
    assert attempt_in(name, "staging") == 3
    assert attempt_in(artifact_name("eu-staging", COMMIT, 1), "eu-staging") == 1
    for part in ("stag", "production", "eu", "staging-aaaaaaaaaaaa", "", "."):
        assert attempt_in(name, part) == 0
    for odd in (name + "x", name.replace("-3", "-03"), name.replace("-3", "-"), name.replace("-3", "-٣"), name + "\n"):
        assert attempt_in(odd, "staging") == 0
    for commit, attempt in (("abc", 1), (COMMIT, 0), (COMMIT.upper(), 1)):
        with pytest.raises(ValueError, match="whole commit"):
            artifact_name("staging", commit, attempt)
