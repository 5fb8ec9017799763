"""PyGithub, which nobody here wrote, works against the simulator unchanged."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
import requests

from dhash_guard.simulator import Simulator

github = pytest.importorskip("github")


def client(sim: Simulator, token: str = "t-write") -> Any:
    quick = {"seconds_between_requests": 0, "seconds_between_writes": 0, "per_page": 100}
    return github.Github(auth=github.Auth.Token(token), base_url=sim.url, retry=None, **quick)


def test_follows_the_link_header_over_all_pages(sim: Simulator) -> None:
    for number in range(230):
        sim.add_comment(7, f"comment {number}")
    pull = client(sim).get_repo(sim.name).get_pull(7)
    assert [comment.body for comment in pull.get_issue_comments()] == [f"comment {number}" for number in range(230)]
    pages = [entry.query.get("page", "1") for entry in sim.log if entry.path.endswith("/comments")]
    assert pages == ["1", "2", "3"]


def test_reads_a_list_backwards_through_the_last_link(sim: Simulator) -> None:
    for number in range(150):
        sim.add_comment(7, f"comment {number}")
    found = client(sim).get_repo(sim.name).get_pull(7).get_issue_comments()
    assert found.totalCount == 150
    assert found.reversed[0].body == "comment 149"


def test_writes_edits_and_deletes_a_comment(sim: Simulator) -> None:
    pull = client(sim).get_repo(sim.name).get_pull(7)
    comment = pull.create_issue_comment("first")
    assert comment.user.login == "github-actions[bot]"
    comment.edit("second")
    assert pull.get_issue_comment(comment.id).body == "second"
    comment.delete()
    assert sim.comments(7) == []
    assert sim.unknown_routes == []


def test_sets_statuses_and_reads_the_combined_one(sim: Simulator) -> None:
    repo = client(sim).get_repo(sim.name)
    commit = repo.get_commit(repo.get_pull(7).head.sha)
    commit.create_status("pending", context="dhash-guard/gate", description="watching")
    commit.create_status("success", context="dhash-guard/gate")
    commit.create_status("failure", context="other")
    assert [status.state for status in commit.get_statuses()] == ["failure", "success", "pending"]
    combined = commit.get_combined_status()
    assert (combined.state, combined.total_count) == ("failure", 2)


def test_reviews_and_dismisses(sim: Simulator) -> None:
    pull = client(sim, "t-admin").get_repo(sim.name).get_pull(7)
    review = pull.create_review(body="fine", event="APPROVE")
    assert (review.state, review.commit_id, review.user.login) == ("APPROVED", pull.head.sha, "grace")
    review.dismiss("too early")
    assert [one.state for one in pull.get_reviews()] == ["DISMISSED"]


def test_finds_an_artifact_and_its_job(sim: Simulator) -> None:
    run = sim.add_run()
    sim.add_job(run.id, "premerge-validation (ubuntu-latest)", conclusion="failure")
    sim.add_artifact(run.id, "dhash-leg-ubuntu-1", {"result.json": "{}"})
    repo = client(sim).get_repo(sim.name)
    [artifact] = repo.get_artifacts(name="dhash-leg-ubuntu-1")
    assert artifact.workflow_run.id == run.id
    [job] = repo.get_workflow_run(run.id).jobs()
    assert (job.name, job.conclusion) == ("premerge-validation (ubuntu-latest)", "failure")
    # requests follows to the other origin and leaves the token behind, as with the real storage.
    reply = requests.get(artifact.archive_download_url, headers={"Authorization": "Bearer t-write"}, timeout=20)
    assert zipfile.ZipFile(io.BytesIO(reply.content)).namelist() == ["result.json"]


def test_reads_people_teams_and_branches(sim: Simulator) -> None:
    sim.repository.collaborators["bob"] = "maintain"
    sim.add_team("ops", {"bob": "active", "eve": "pending"})
    sim.add_branch("feature/x", by="classic", required_checks=("build",))
    github_ = client(sim, "t-admin")
    repo = github_.get_repo(sim.name)
    assert github_.get_user().login == "grace"
    assert repo.get_collaborator_permission("bob") == "write"
    assert repo.get_branch("feature/x").get_protection().required_status_checks.contexts == ["build"]
    team = github_.requester.requestJsonAndCheck("GET", "/orgs/mobius/teams/ops/memberships/eve")[1]
    assert team["state"] == "pending"
    assert github_.get_rate_limit().rate.limit == 5000


def test_refusals_arrive_as_its_own_exceptions(sim: Simulator) -> None:
    with pytest.raises(github.UnknownObjectException):
        client(sim).get_repo(sim.name).get_pull(8)
    with pytest.raises(github.BadCredentialsException):
        client(sim, "t-nobody").get_repo(sim.name)
    pull = client(sim, "t-read").get_repo(sim.name).get_pull(7)
    with pytest.raises(github.GithubException, match="Resource not accessible by integration"):
        pull.create_issue_comment("no")
    sim.fault("primary-limit")
    with pytest.raises(github.RateLimitExceededException):
        client(sim).get_repo(sim.name)
