"""Approvals and protection read from the simulator with every kind of token: what is asked, and what refusals mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dhash_guard.gates.approvals import ApprovalRequirement, Approvals, Stale, Standing, judge
from dhash_guard.gates.protection import Answer, Grade, Layer, ProtectionFacts, Wanted, audit
from dhash_guard.github.api import GithubApi
from dhash_guard.github.approvals import Moved, ReviewReader
from dhash_guard.github.context import context_of
from dhash_guard.github.errors import Silent
from dhash_guard.github.protection import read_protection
from dhash_guard.records.review import PullFacts
from dhash_guard.rollout.approvals import Subject, chosen, subject_of, subject_of_commit
from dhash_guard.simulator import Simulator, Token
from dhash_guard.simulator.people import stable_id
from support import acting
from support.world import SleptClock

HEAD, OLD, SQUASH = "a" * 40, "b" * 40, "c" * 40
START = 1_795_230_900.0


@pytest.fixture
def sim() -> Iterator[Simulator]:
    clock = SleptClock(START)
    with Simulator(repository="octo/service", now=clock.now).serving() as served:
        served.repository.collaborators.update(grace="write", linus="maintain", eve="read")
        served.add_pull_request(number=7, head_sha=HEAD, author="ada")
        yield served


def reader(sim: Simulator, token: str = "t-write") -> ReviewReader:
    environ = {"GITHUB_REPOSITORY": sim.name, "GITHUB_API_URL": sim.url}
    return ReviewReader(GithubApi(token, context_of(environ, {}), SleptClock(START)))


def answer(sim: Simulator, token: str = "t-write", **asked: Any) -> Approvals:
    wanted = ApprovalRequirement(**{"at_least": 1} | asked)
    return judge(reader(sim, token).facts(7, wanted), wanted)


def requirement(found: Approvals, name: str) -> Any:
    return next(one for one in found.requirements if one.name == name)


def test_two_approvals_and_their_requests(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    sim.add_review(7, "linus")
    asking = reader(sim)
    wanted = ApprovalRequirement(at_least=2)
    assert judge(asking.facts(7, wanted), wanted).standing is Standing.VERIFIED
    assert asking.requests_made == len(sim.log) == 5
    assert sim.unknown_routes == []


def test_three_hundred_reviews_are_all_read(sim: Simulator) -> None:
    for number in range(150):
        sim.add_review(7, f"person{number}", "COMMENTED")
        sim.add_review(7, "grace", "APPROVED" if number % 2 else "CHANGES_REQUESTED")
    assert answer(sim).standing is Standing.VERIFIED
    sim.add_review(7, "grace", "CHANGES_REQUESTED")
    assert answer(sim).standing is Standing.MISSING
    assert sum("/reviews" in entry.path for entry in sim.log) == 3 + 4


def test_three_hundred_approvals_ask_about_twenty_people(sim: Simulator) -> None:
    for number in range(300):
        sim.repository.collaborators[f"person{number}"] = "write"
        sim.add_review(7, f"person{number}")
    assert answer(sim, at_least=2).standing is Standing.VERIFIED
    assert len(sim.log) <= 26


def test_a_list_in_the_opposite_order_is_the_same_list(sim: Simulator) -> None:
    sim.add_review(7, "grace", "CHANGES_REQUESTED", submitted_at="2026-11-21T03:00:00Z")
    sim.add_review(7, "grace", "APPROVED", submitted_at="2026-11-21T03:10:00Z")
    sim.fault("reorder", path="*/reviews", times=0)
    assert answer(sim).standing is Standing.VERIFIED


def test_who_counts(sim: Simulator) -> None:
    for who in ("ada", "helper[bot]", "eve", ""):
        sim.add_review(7, who)
    sim.add_review(7, "grace", commit=OLD)
    found = answer(sim)
    assert found.standing is Standing.MISSING
    assert {left.author for left in found.left_out} == {"ada", "helper[bot]", "eve", "grace", "ghost"}


def test_a_review_that_is_asked_for_again_does_not_count(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    sim.change_pull_request(7, requested_reviewers=("grace",))
    assert answer(sim).standing is Standing.MISSING


def test_dismissed_by_a_person(sim: Simulator) -> None:
    sim.add_review(7, "grace", "DISMISSED")
    assert answer(sim).standing is Standing.MISSING


@pytest.mark.parametrize(
    ("pushed", "approved", "by", "standing"),
    [
        ("2026-11-21T03:00:00Z", "2026-11-21T03:01:00Z", "ada", Standing.VERIFIED),
        ("2026-11-21T03:02:00Z", "2026-11-21T03:01:00Z", "ada", Standing.MISSING),
        ("2026-11-21T03:00:00Z", "2026-11-21T03:01:00Z", "grace", Standing.MISSING),
        (None, "2026-11-21T03:01:00Z", "ada", Standing.UNVERIFIABLE),
    ],
)
def test_the_last_push_comes_from_the_activity(
    sim: Simulator, pushed: str | None, approved: str, by: str, standing: Standing
) -> None:
    sim.add_review(7, "grace", commit=OLD, submitted_at=approved)
    if pushed:
        sim.add_push("change", OLD, at="2026-11-21T02:00:00Z")
        sim.add_push("change", HEAD, by, at=pushed, kind="force_push")
    assert answer(sim, stale=Stale.LAST_PUSH).standing is standing


def test_activity_that_may_not_be_read_is_a_reason(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    sim.add_token("t-few", Token(login="x[bot]", permissions={"pull_requests": "read"}))
    found = requirement(answer(sim, "t-few", stale=Stale.LAST_PUSH), "approvals")
    assert (found.standing, found.cure) == (Standing.UNVERIFIABLE, "Use stale: head-sha, which needs no time of a push.")
    assert "403" in found.reason and "contents: read" in found.reason


TEAMS: list[tuple[str, dict[str, str], str, Standing, str]] = [
    ("an App sees a member", {"grace": "active"}, "t-app", Standing.VERIFIED, ""),
    ("an App sees that nobody is", {"linus": "active"}, "t-app", Standing.MISSING, "is not in team ops"),
    ("an invitation is no membership", {"grace": "pending"}, "t-app", Standing.MISSING, "pending"),
    ("the job's own token", {"grace": "active"}, "t-write", Standing.UNVERIFIABLE, "403"),
    ("a person without the right", {"grace": "active"}, "t-poor", Standing.UNVERIFIABLE, "404"),
]


@pytest.mark.parametrize(
    ("members", "token", "standing", "reason"), [row[1:] for row in TEAMS], ids=[row[0] for row in TEAMS]
)
def test_teams(sim: Simulator, members: dict[str, str], token: str, standing: Standing, reason: str) -> None:
    from dhash_guard.simulator import Kind

    sim.add_token("t-poor", Token(login="bob", kind=Kind.PERSONAL, permissions={"pull_requests": "read"}))
    sim.add_team("ops", members)
    sim.add_review(7, "grace")
    found = requirement(answer(sim, token, teams={"ops": 1}), "team ops")
    assert found.standing is standing
    assert reason in found.reason
    if standing is Standing.UNVERIFIABLE:
        assert "people" in found.cure and "Members: read" in found.cure
        assert sum("/teams/" in entry.path for entry in sim.log) == 1, "a team that cannot be seen is asked for once"


def test_a_team_that_is_not_there_cannot_be_verified(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    assert requirement(answer(sim, "t-app", teams={"ops": 1}), "team ops").standing is Standing.UNVERIFIABLE


def test_a_list_in_the_configuration_needs_no_right(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    found = requirement(answer(sim, teams={"ops": 1}, people={"ops": ("Grace",)}), "team ops")
    assert (found.standing, found.source) == (Standing.VERIFIED, "the list in the configuration")
    assert not any("/teams/" in entry.path for entry in sim.log)
    assert requirement(answer(sim, teams={"ops": 1}, people={"ops": ("linus",)}), "team ops").standing is Standing.MISSING


RULES: list[tuple[str, dict[str, Any], Standing]] = [
    ("asked by the rule, and given", {"required_reviewers": {"ops": 1}}, Standing.VERIFIED),
    ("asked for fewer", {"required_reviewers": {"ops": 0}}, Standing.UNVERIFIABLE),
    ("asked of another team", {"required_reviewers": {"qa": 1}}, Standing.UNVERIFIABLE),
    ("asked for some files alone", {"required_reviewers": {"ops": 1}, "reviewed_files": ("src/**",)}, Standing.UNVERIFIABLE),
    ("asked, and not for some", {"required_reviewers": {"ops": 1}, "reviewed_files": ("**", "!x")}, Standing.UNVERIFIABLE),
    ("asked, and GitHub wants more", {"required_reviewers": {"ops": 1}, "approvals": 2}, Standing.UNVERIFIABLE),
    ("no rule", {}, Standing.UNVERIFIABLE),
]


@pytest.mark.parametrize(("facts", "standing"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_a_ruleset_vouches_for_a_team_that_cannot_be_seen(sim: Simulator, facts: dict[str, Any], standing: Standing) -> None:
    sim.add_team("ops", {"grace": "active"})
    sim.add_team("qa", {"grace": "active"})
    sim.add_branch("main", by="ruleset", **{"approvals": 1} | facts)
    sim.add_review(7, "grace")
    found = answer(sim, teams={"ops": 1}, team_ids={"ops": stable_id("team", "octo", "ops")})
    assert requirement(found, "team ops").standing is standing
    assert sim.unknown_routes == []


class Between(GithubApi):
    """Something happens after so many requests."""

    def after(self, count: int, happens: Callable[[], object]) -> None:
        call = self.transport.call

        def counted(*given: Any, **named: Any) -> Any:
            reply = call(*given, **named)
            if self.requests_made == count:
                happens()
            return reply

        self.transport.call = counted  # type: ignore[method-assign]


def between(sim: Simulator, count: int, happens: Callable[[], object]) -> ReviewReader:
    environ = {"GITHUB_REPOSITORY": sim.name, "GITHUB_API_URL": sim.url}
    api = Between("t-write", context_of(environ, {}), SleptClock(START))
    api.after(count, happens)
    return ReviewReader(api)


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_push_in_between_is_seen(sim: Simulator, moment: int) -> None:
    sim.add_review(7, "grace")
    wanted = ApprovalRequirement(at_least=1)
    found = judge(between(sim, moment, lambda: sim.change_pull_request(7, head_sha=OLD)).facts(7, wanted), wanted)
    assert found.standing is Standing.MISSING


def test_a_pull_request_that_never_stands_still_is_not_judged(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    asking = reader(sim)
    call, shas = asking.api.transport.call, iter("0123456789")

    def moving(*given: Any, **named: Any) -> Any:
        sim.change_pull_request(7, head_sha=next(shas) * 40)
        return call(*given, **named)

    asking.api.transport.call = moving  # type: ignore[method-assign]
    with pytest.raises(Moved):
        asking.facts(7, ApprovalRequirement(at_least=1))


def test_an_answer_that_is_cut_off_is_asked_for_again(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    sim.fault("truncated", path="*/reviews", times=1)
    sim.fault("status", path="*/permission", status=502, times=2)
    assert answer(sim).standing is Standing.VERIFIED


def test_rights_that_stay_unknown_are_unverifiable(sim: Simulator) -> None:
    sim.add_review(7, "grace")
    sim.fault("status", path="*/permission", status=502, times=0)
    found = requirement(answer(sim), "approvals")
    assert found.standing is Standing.UNVERIFIABLE
    assert "502" in found.reason


@pytest.mark.parametrize("path", ["*/pulls/7", "*/reviews"])
def test_without_the_reviews_there_is_no_answer(sim: Simulator, path: str) -> None:
    sim.fault("status", path=path, status=503, times=0)
    with pytest.raises(Silent):
        answer(sim)


def pull(number: int, head: str, *, merged: str = "", open: bool = False) -> PullFacts:
    return PullFacts(
        number=number, author="ada", head_sha=head, head_ref="x", head_repository="o/r", base_ref="main",
        open=open, merged=bool(merged), merge_commit=merged,
    )  # fmt: skip


CHOICES: list[tuple[str, list[PullFacts], int | None]] = [
    ("squashed as it", [pull(1, OLD, merged=SQUASH), pull(2, HEAD, merged=HEAD)], 1),
    ("merged with it as its head", [pull(1, SQUASH, merged=OLD)], 1),
    ("open at it", [pull(1, SQUASH, open=True)], 1),
    ("merged before open", [pull(1, SQUASH, open=True), pull(2, OLD, merged=SQUASH)], 2),
    ("closed without a merge", [pull(1, SQUASH)], None),
    ("only contains it", [pull(1, HEAD, open=True)], None),
    ("two open ones", [pull(1, SQUASH, open=True), pull(2, SQUASH, open=True)], None),
    ("none", [], None),
]


@pytest.mark.parametrize(("pulls", "number"), [row[1:] for row in CHOICES], ids=[row[0] for row in CHOICES])
def test_the_pull_request_of_a_commit(pulls: list[PullFacts], number: int | None) -> None:
    found = chosen(pulls, SQUASH)
    assert (found.number if isinstance(found, PullFacts) else None) == number


def test_a_squashed_commit_leads_to_its_pull_request(sim: Simulator) -> None:
    sim.change_pull_request(7, state="closed", merged=True, merge_commit_sha=SQUASH)
    found = chosen(reader(sim).pulls_of(SQUASH), SQUASH)
    assert isinstance(found, PullFacts) and found.number == 7
    assert found.merge_commit == SQUASH


def test_an_entry_of_the_merge_queue_is_about_its_pull_request() -> None:
    ref = f"refs/heads/gh-readonly-queue/release/2026/pr-41-{HEAD}"
    payload = {"merge_group": {"head_sha": HEAD, "head_ref": ref, "base_ref": "refs/heads/main", "base_sha": OLD}}
    environ = {"GITHUB_EVENT_NAME": "merge_group", "GITHUB_REPOSITORY": "octo/service", "GITHUB_REF": ref}
    assert subject_of(context_of(environ, payload), OLD) == Subject(pull=41)
    named = environ | {"GITHUB_REF": "refs/heads/pr-41"}
    assert subject_of(context_of(named, payload), OLD) == Subject(commit=OLD)


MAIN, PULL = "refs/heads/main", "refs/pull/7/merge"
COMMENTED = {"issue": {"number": 7, "pull_request": {}}}
REPOSITORY = {"full_name": "octo/service", "id": 1}
ENDED = {
    "workflow_run": {
        "head_sha": HEAD, "head_branch": "change", "head_repository": REPOSITORY,
        "pull_requests": [{"number": 7, "head": {"sha": HEAD}, "base": {"repo": REPOSITORY}}],
    },
    "repository": REPOSITORY,
}  # fmt: skip
OURS, OF_COMMIT, OF_HEAD = Subject(pull=7, commit=HEAD), Subject(commit=OLD), Subject(commit=HEAD)
JUDGED = [
    ("issue_comment", COMMENTED, OLD, MAIN, OLD, OF_COMMIT),
    ("issue_comment", COMMENTED, OLD, MAIN, HEAD, OF_HEAD),
    ("workflow_run", ENDED, OLD, MAIN, OLD, OF_COMMIT),
    ("workflow_run", ENDED, OLD, MAIN, HEAD, OURS),
    ("pull_request_target", acting.pull_request(7, HEAD), OLD, MAIN, OLD, OF_COMMIT),
    ("pull_request", acting.pull_request(7, HEAD), SQUASH, PULL, OLD, OF_COMMIT),
    ("pull_request", acting.pull_request(7, HEAD), SQUASH, PULL, HEAD, OURS),
    ("pull_request", acting.pull_request(7, HEAD), SQUASH, PULL, SQUASH, OURS),
    ("pull_request_review", acting.pull_request(7, HEAD), SQUASH, PULL, SQUASH, OURS),
    ("pull_request", acting.pull_request(7, HEAD), SQUASH, PULL, "", Subject()),
    ("push", {"after": OLD, "ref": MAIN}, OLD, MAIN, OLD, OF_COMMIT),
    ("workflow_dispatch", {"ref": MAIN}, OLD, MAIN, "", Subject()),
]


@pytest.mark.parametrize(("event", "payload", "event_sha", "ref", "commit", "subject"), JUDGED)
def test_what_an_event_names_speaks_for_no_other_commit(
    event: str, payload: dict[str, Any], event_sha: str, ref: str, commit: str, subject: Subject
) -> None:
    environ = {
        "GITHUB_EVENT_NAME": event, "GITHUB_REPOSITORY": "octo/service", "GITHUB_SHA": event_sha, "GITHUB_REF": ref
    }  # fmt: skip
    assert subject_of_commit(context_of(environ, payload), commit) == subject


def test_an_entry_of_the_merge_queue_speaks_for_its_own_commit_alone() -> None:
    group = acting.merge_group(41, HEAD, OLD)
    environ = {
        "GITHUB_EVENT_NAME": "merge_group", "GITHUB_REPOSITORY": "octo/service", "GITHUB_SHA": HEAD,
        "GITHUB_REF": group["merge_group"]["head_ref"],
    }  # fmt: skip
    assert subject_of_commit(context_of(environ, group), HEAD) == Subject(pull=41)
    assert subject_of_commit(context_of(environ, group), OLD) == OF_COMMIT


def facts_of(sim: Simulator, token: str, branch: str = "main") -> ProtectionFacts:
    return read_protection(reader(sim, token).api, branch)


def graded(answers: list[Answer]) -> dict[str, Grade]:
    return {one.check: one.grade for one in answers}


SHIELD = {"required_checks": ("gate",), "approvals": 2, "dismiss_stale": True, "app": 15368}
WANTED = Wanted(approvals=2, fresh=True, checks=("gate",))

PROTECTED: list[tuple[str, dict[str, Any], str, dict[str, str]]] = [
    ("rulesets, any token", {"by": "ruleset", **SHIELD}, "t-read", {}),
    ("classic, an administrator", {"by": "classic", **SHIELD}, "t-admin", {}),
    ("nothing", {}, "t-read",
     {"pull-request": "hole", "approvals": "hole", "required check gate": "hole", "force-push": "hole", "deletion": "hole",
      "stale": "note"}),
    ("too few approvals", {"by": "ruleset", **SHIELD, "approvals": 1}, "t-read", {"approvals": "hole"}),
    ("another check", {"by": "ruleset", **SHIELD, "required_checks": ("lint",)}, "t-read", {"required check gate": "hole"}),
    ("stale approvals stay", {"by": "ruleset", **SHIELD, "dismiss_stale": False}, "t-read", {"stale": "note"}),
    ("approval of the last push", {"by": "ruleset", **SHIELD, "dismiss_stale": False, "last_push": True}, "t-read", {}),
    ("force-pushes", {"by": "ruleset", **SHIELD, "force_pushes": True}, "t-read", {"force-push": "hole"}),
    ("deletions", {"by": "classic", **SHIELD, "deletions": True}, "t-admin", {"deletion": "hole"}),
    ("administrators pass", {"by": "classic", **SHIELD, "enforce_admins": False}, "t-admin", {"administrators": "hole"}),
    ("anybody may set the check", {"by": "ruleset", **SHIELD, "app": None}, "t-read", {"source": "note"}),
    ("classic, the job's own token", {"by": "classic", **SHIELD}, "t-read",
     {"pull-request": "unknown", "approvals": "unknown", "force-push": "unknown", "deletion": "unknown", "stale": "note",
      "source": "note"}),
]  # fmt: skip


@pytest.mark.parametrize(("branch", "token", "bad"), [row[1:] for row in PROTECTED], ids=[row[0] for row in PROTECTED])
def test_the_audit_of_a_branch(sim: Simulator, branch: dict[str, Any], token: str, bad: dict[str, str]) -> None:
    sim.add_branch("main", **branch)
    answers = audit(facts_of(sim, token), WANTED)
    found = {check: grade.value for check, grade in graded(answers).items() if grade is not Grade.GOOD}
    assert found == bad
    assert all(one.cure for one in answers if one.grade is not Grade.GOOD)
    assert sim.unknown_routes == []


def test_which_layer_answered_is_said(sim: Simulator) -> None:
    sim.add_branch("main", by="classic")
    as_admin, as_job = facts_of(sim, "t-admin"), facts_of(sim, "t-write")
    assert [layer.answered for layer in as_admin.layers] == [True, True]
    assert [layer.answered for layer in as_job.layers] == [True, False]
    assert "Administration: read" in as_job.layers[1].cure
    assert "403" in as_job.layers[1].text


def test_both_meanings_of_404_are_told_apart(sim: Simulator) -> None:
    sim.add_branch("main", by="ruleset", required_checks=("gate",))
    unprotected = facts_of(sim, "t-admin")
    assert unprotected.layers[1].text == "main has no classic protection"
    sim.fault("status", path="*/protection", status=404, times=0)
    told = facts_of(sim, "t-admin")
    assert told.layers[1].text == "main has no classic protection (the branch says so)"
    sim.add_branch("main", by="classic")
    assert not facts_of(sim, "t-admin").layers[1].answered


@pytest.mark.parametrize("path", ["*/rules/branches/main", "*/branches/main*"])
def test_a_layer_that_fails_makes_nothing_good_and_nothing_a_hole(sim: Simulator, path: str) -> None:
    sim.fault("status", path=path, status=403, times=0)
    answers = graded(audit(facts_of(sim, "t-admin"), WANTED))
    assert set(answers.values()) <= {Grade.UNKNOWN, Grade.NOTE}


def test_a_merge_queue_is_seen(sim: Simulator) -> None:
    sim.add_branch("main", by="ruleset", merge_queue=True, required_checks=("gate",))
    facts = facts_of(sim, "t-read")
    assert facts.queue
    assert facts.checks == {"gate": 0}
    assert facts.layers[0].layer is Layer.RULESETS
